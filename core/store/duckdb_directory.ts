/** What is found in the store's directory before DuckDB opens it. */
import { asDirectoryError } from "./duckdb_errors.ts";

/** How DuckDB's write-ahead logs begin: the number of the first field, and that it is a version. */
const LOG_HEAD = [0x64, 0x00, 0x62];

/**
 * True where a file is not empty and no write-ahead log: DuckDB takes it for a torn one and says nothing. One that is torn
 * further on cannot be told from one that a kill left, and is taken up to there.
 */
export async function isForeignLog(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true });
    const head = new Uint8Array(LOG_HEAD.length);
    const read = await file.read(head) ?? 0;
    return head.subarray(0, read).some((byte, i) => byte !== LOG_HEAD[i]);
  } catch {
    return false; // there is none, or opening the store tells
  }
}

/** What a killed process left there belongs to nobody. */
export async function emptyDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw asDirectoryError(error, path);
  }
}
