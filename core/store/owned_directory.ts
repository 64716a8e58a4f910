/**
 * A directory that is one owner's for as long as it lives, and is removed by the next one after a crash. Its owner holds the
 * lock of a file beside it, taken before the directory is made and removed after it: so whoever gets that lock, and finds the
 * file still there, knows that the directory is nobody's.
 */

import { asDirectoryError } from "./duckdb_errors.ts";

const LOCK_SUFFIX = ".lock";
/** Names that are made here: whatever else is in the parent stays. */
const OWN_NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.lock)?$/;

export class OwnedDirectory implements AsyncDisposable {
  private constructor(readonly path: string, readonly lock: Deno.FsFile) {}

  /** Makes one in `parent`, after removing those that nobody owns. Throws FILE_UNAVAILABLE or DISK_FULL. */
  static async make(parent: string): Promise<OwnedDirectory> {
    try {
      await removeOrphans(parent);
      for (;;) {
        const path = `${parent}/${crypto.randomUUID()}`;
        const lock = await lockOf(path);
        if (lock === null) continue; // taken for an orphan's between its making and its locking
        try {
          await Deno.mkdir(path);
        } catch (error) {
          lock.close();
          throw error;
        }
        return new OwnedDirectory(path, lock);
      }
    } catch (error) {
      throw asDirectoryError(error, parent);
    }
  }

  /** Never throws: the next owner removes what could not be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await remove(this.path).catch(() => {});
    this.lock.close();
  }
}

/** A new lock file beside `path`, locked, or null where somebody has removed it before. */
async function lockOf(path: string): Promise<Deno.FsFile | null> {
  const lock = await Deno.open(path + LOCK_SUFFIX, { write: true, createNew: true });
  try {
    await lock.lock(true);
    if (await isThere(lock)) return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
  lock.close();
  return null;
}

/** False once the file has no name any more. */
async function isThere(file: Deno.FsFile): Promise<boolean> {
  return (await file.stat()).nlink !== 0;
}

async function removeOrphans(parent: string): Promise<void> {
  await Deno.mkdir(parent, { recursive: true });
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(parent)) {
    const own = OWN_NAME.exec(name);
    if (own !== null) names.add(own[1]);
  }
  for (const name of names) {
    const path = `${parent}/${name}`;
    try {
      // `create`: of a directory without one the owner may have died between two removals.
      using lock = await Deno.open(path + LOCK_SUFFIX, { write: true, create: true });
      if (await lock.tryLock(true) && await isThere(lock)) await remove(path);
    } catch {
      // Another one removes it, or it cannot be: then it only takes up space.
    }
  }
}

/** The directory first: what a crash leaves is found by either of the two. */
async function remove(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.remove(path + LOCK_SUFFIX);
}
