/** Files whose bytes, and whose names, must outlive a power loss. */

/** Makes creations, renames and removals in `directory` durable: an fsync of a file alone doesn't save its name. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory; there a rename is durable by itself (NTFS journals names).
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(directory, { read: true });
  await handle.sync();
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
