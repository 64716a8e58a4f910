/** What DuckDB throws, as errors that a person can act on. */
import { isDiskFull, messageOf, MillraceError } from "../errors.ts";

const LOCKED = /Could not set lock on file|Conflicting lock is held/;
/** How DuckDB's errors about its files begin: a text of a user within another kind of message is none of these. */
const OF_FILES = /^(?:IO|Serialization|INTERNAL|FATAL|TransactionContext) Error: /;
const CORRUPT =
  /not a valid DuckDB database file|Corrupt (?:database|WAL) file|Could not read enough bytes|does not match stored checksum|Failure while replaying WAL file/;
/** A segment that is cut short, or whose pages do not pass the checksum of their compression. */
const DAMAGED_SEGMENT =
  /^Invalid Input Error: (?:No magic bytes found at end of file|File|Failed to read file) ['"]([^'"]*\/segments\/[^'"]*)['"]/;
const UNAVAILABLE =
  /^IO Error: (?:Could not (?:read|write|open)|Cannot open|Failed to open)[^]*(?:Is a directory|Not a directory|Permission denied|No such file|Read-only file system|Operation not permitted)|^IO Error: Cannot open file/;
const OUT_OF_MEMORY = /Out of Memory Error/i;

/**
 * True where DuckDB's memory limit did not suffice; the store goes on. Of several threads the one that is told of may be
 * one that was interrupted because another had no memory.
 */
export function isOutOfMemory(error: unknown): boolean {
  return OUT_OF_MEMORY.test(messageOf(error)) || /^INTERRUPT Error/.test(messageOf(error));
}

/** Only the first line is for people; DuckDB adds hints and stack traces below. */
const firstLine = (error: unknown): string => messageOf(error).split("\n")[0];

/**
 * DISK_FULL, DATA_LOCKED, CORRUPT_DATA or FILE_UNAVAILABLE where the error is one of these; everything else stays as it
 * is. `path` is the database file, which DuckDB does not always name.
 */
export function asMillraceError(error: unknown, path: string): unknown {
  if (error instanceof MillraceError) return error;
  const cause = { cause: error };
  if (isDiskFull(error)) {
    return new MillraceError(
      "DISK_FULL",
      `the store cannot write: ${firstLine(error)}`,
      "free some space on the disk of the data directory; nothing is lost, writing goes on by itself",
      cause,
    );
  }
  const message = messageOf(error);
  if (LOCKED.test(message)) {
    return new MillraceError(
      "DATA_LOCKED",
      `another process has ${path} open: ${firstLine(error)}`,
      "stop that process, or choose another directory (--data DIR)",
      cause,
    );
  }
  if (OF_FILES.test(message) && CORRUPT.test(message) && !isOutOfMemory(error)) {
    return new MillraceError(
      "CORRUPT_DATA",
      `${path} is damaged: ${firstLine(error)}`,
      `stop Millrace, then put a copy of ${path} in its place, or move it and ${path}.wal away: ` +
        "what the log still holds is counted anew",
      cause,
    );
  }
  const segment = DAMAGED_SEGMENT.exec(message)?.[1];
  if (segment !== undefined) {
    return new MillraceError(
      "CORRUPT_DATA",
      `${segment} is damaged: ${firstLine(error)}`,
      "put a copy of the file in its place, or remove it and start again: answers then lack its records, and no others",
      cause,
    );
  }
  if (UNAVAILABLE.test(message)) return unavailable(path, error);
  return error;
}

/** As {@link asMillraceError}, for the operating system's errors while the store's directory is made. */
export function asDirectoryError(error: unknown, path: string): unknown {
  const isRefused = error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotFound ||
    /Read-only file system|os error 30/.test(messageOf(error));
  return isRefused ? unavailable(path, error) : asMillraceError(error, path);
}

function unavailable(path: string, cause: unknown): MillraceError {
  return new MillraceError(
    "FILE_UNAVAILABLE",
    `${path} cannot be opened: ${firstLine(cause)}`,
    "check that it is a file, in a directory, that this user may read and write",
    { cause },
  );
}
