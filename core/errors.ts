/**
 * Errors that a person can act on: a code from a closed list, what was wrong and where, and a remedy.
 * Anything else that reaches the top of a program is a broken invariant and keeps its stack trace.
 */

/** Every code that Millrace prints, with the exit status that a command ends with. */
export const ERROR_CODES = {
  /** A command line, query parameter or request body that cannot be taken. */
  INVALID_INPUT: 2,
  /** millrace.yaml or the environment says something that the schema refuses. */
  INVALID_CONFIG: 2,
  /** A file or directory that is missing or may not be read or written. */
  FILE_UNAVAILABLE: 3,
  /** Another process holds the data directory. */
  DATA_LOCKED: 4,
  /** The address to listen on is taken or forbidden. */
  PORT_UNAVAILABLE: 5,
  /** No such topic. */
  UNKNOWN_TOPIC: 6,
  /** The disk is full: reading goes on, writing waits. */
  DISK_FULL: 7,
  /** Stored bytes do not pass their checksum or have an unknown format. */
  CORRUPT_DATA: 8,
  /** A server that the command needs does not answer. */
  UNREACHABLE: 9,
  /** A server answered, and refused. */
  REFUSED: 10,
  /** The data was written by a newer Millrace. */
  NEWER_DATA: 11,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error with a remedy. `message` says what was expected, what was found, and where. */
export class MillraceError extends Error {
  override readonly name = "MillraceError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** What the reader can do about it: one sentence, a command where there is one. */
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  get exitStatus(): number {
    return ERROR_CODES[this.code];
  }
}

/** The message of whatever was thrown, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True where the operating system says that no space is left (ENOSPC, EDQUOT), or DuckDB passes that on. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof MillraceError) return error.code === "DISK_FULL";
  return /failed to offload data block|ENOSPC|EDQUOT|No space left on device|os error 28|os error 122|Disk quota/i.test(
    messageOf(error),
  );
}
