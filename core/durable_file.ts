/** Files whose bytes, and whose names, must outlive a power loss. */
import { isDiskFull, messageOf, MillraceError } from "./errors.ts";

/** Makes creations, renames and removals in `directory` durable: an fsync of a file alone doesn't save its name. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory; there a rename is durable by itself (NTFS journals names).
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(directory, { read: true });
  await handle.sync();
}

/** Makes the bytes of a file that somebody else wrote durable. */
export async function syncFile(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true });
  await file.sync();
}

/** Writes a whole file and makes its bytes durable; the name is the caller's to sync. */
export async function writeFileSynced(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { create: true, truncate: true, write: true });
  await writeAll(file, bytes);
  await file.sync();
}

/** Writes every byte: a single write may take only some of them. Throws what the write throws. */
export async function writeAll(file: { write(bytes: Uint8Array): Promise<number> }, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const written = await file.write(bytes.subarray(at));
    if (written === 0) throw new Error(`write took none of ${bytes.length - at} bytes`);
    at += written;
  }
}

/** What a person is told of a write that failed: DISK_FULL or FILE_UNAVAILABLE. */
export function failedWrite(path: string, cause: unknown): MillraceError {
  if (isDiskFull(cause)) {
    return new MillraceError(
      "DISK_FULL",
      `${path}: no space left; nothing of this write was kept`,
      "free space, or lower log.retentionBytes or log.retentionHours, and send it again",
      { cause },
    );
  }
  return new MillraceError(
    "FILE_UNAVAILABLE",
    `${path}: cannot be written: ${messageOf(cause)}`,
    "check that the disk is mounted and that this user may write to the data directory",
    { cause },
  );
}
