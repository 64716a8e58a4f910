/**
 * The lock of a data directory: one process writes it at a time. An flock on DIR/LOCK, which the system releases
 * however the process ends, so that a stale file never locks anyone out. The file holds the holder's process id.
 */
import { join } from "node:path";
import { isDiskFull, messageOf, MillraceError } from "../errors.ts";

/** Held until `release` or the end of the process. */
export interface DataLock {
  release(): void;
}

/**
 * Locks `dataDirectory`, which is made where it is missing.
 * Throws DATA_LOCKED, naming the holder's process id, or FILE_UNAVAILABLE.
 */
export async function lockDataDirectory(dataDirectory: string): Promise<DataLock> {
  const path = join(dataDirectory, "LOCK");
  const file = await openLockFile(dataDirectory, path);
  try {
    if (!(await file.tryLock(true))) throw lockedBy(dataDirectory, await readHolder(path));
    await writeHolder(file);
  } catch (error) {
    file.close();
    throw error;
  }
  let isHeld = true;
  return {
    release(): void {
      // The file stays: removing it would let two processes lock two files of one name.
      if (isHeld) file.close();
      isHeld = false;
    },
  };
}

async function openLockFile(dataDirectory: string, path: string): Promise<Deno.FsFile> {
  try {
    await Deno.mkdir(dataDirectory, { recursive: true });
    return await Deno.open(path, { create: true, read: true, write: true });
  } catch (cause) {
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `${path}: cannot be opened: ${messageOf(cause)}`,
      "choose a data directory that this user may write (--data DIR)",
      { cause },
    );
  }
}

/** The id only helps people: a full disk must not keep the log from being read. */
async function writeHolder(file: Deno.FsFile): Promise<void> {
  try {
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Null in the instant before the holder has written it. */
async function readHolder(path: string): Promise<string | null> {
  const content = (await Deno.readTextFile(path)).trim();
  return /^\d+$/.test(content) ? content : null;
}

function lockedBy(dataDirectory: string, holder: string | null): MillraceError {
  const who = holder === null ? "another process" : `process ${holder}`;
  return new MillraceError(
    "DATA_LOCKED",
    `${dataDirectory} is in use by ${who}`,
    "stop it, use its HTTP interface (--url), or choose another directory (--data DIR)",
  );
}
