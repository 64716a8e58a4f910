/** Connections to one DuckDB database: one that writes, in turn, and a few that read consistent snapshots. */
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from "@duckdb/node-api";
import { isDiskFull, messageOf, MillraceError } from "../errors.ts";

/** A row as plain JavaScript values; 64-bit integers come as bigint. */
export type Row = Record<string, unknown>;

const READERS = 4;

/** Runs tasks one after the other. */
class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

export class DuckDbConnections {
  readonly #writerTurn = new Turnstile();
  readonly #idle: DuckDBConnection[] = [];
  readonly #queue: ((connection: DuckDBConnection) => void)[] = [];
  #open = 0;

  private constructor(readonly instance: DuckDBInstance, readonly writer: DuckDBConnection) {}

  static async open(path: string, settings: Record<string, string>): Promise<DuckDbConnections> {
    const instance = await DuckDBInstance.create(path, settings);
    return new DuckDbConnections(instance, await instance.connect());
  }

  /** Runs `task` in one transaction of the writing connection: all of it is durable when this resolves, or none. */
  write<T>(
    task: (connection: DuckDBConnection) => Promise<T>,
    isKept: (result: T) => boolean = () => true,
  ): Promise<T> {
    return this.#writerTurn.run(async () => {
      try {
        await this.writer.run("BEGIN TRANSACTION");
        const result = await task(this.writer);
        await this.writer.run(isKept(result) ? "COMMIT" : "ROLLBACK");
        return result;
      } catch (error) {
        await this.writer.run("ROLLBACK").catch(() => {}); // where a failed commit has ended the transaction already
        throw asMillraceError(error);
      }
    });
  }

  /** Runs a statement that may not be in a transaction (CHECKPOINT), in turn with the writes. */
  runAlone(sql: string): Promise<void> {
    return this.#writerTurn.run(async () => {
      await this.writer.run(sql);
    });
  }

  /** Runs `task` on one snapshot of the database. */
  async read<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#borrow();
    try {
      await connection.run("BEGIN TRANSACTION");
      return await task(connection);
    } catch (error) {
      throw asMillraceError(error);
    } finally {
      // Reads change nothing but temporary tables, which go with the transaction.
      await connection.run("ROLLBACK").catch(() => {});
      this.#give(connection);
    }
  }

  async #borrow(): Promise<DuckDBConnection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#open < READERS) {
      this.#open++;
      return await this.instance.connect();
    }
    return await new Promise((resolve) => this.#queue.push(resolve));
  }

  #give(connection: DuckDBConnection): void {
    const next = this.#queue.shift();
    if (next !== undefined) next(connection);
    else this.#idle.push(connection);
  }

  close(): void {
    for (const connection of this.#idle) connection.closeSync();
    this.writer.closeSync();
    this.instance.closeSync();
  }
}

function asMillraceError(error: unknown): unknown {
  if (error instanceof MillraceError || !isDiskFull(error)) return error;
  return new MillraceError(
    "DISK_FULL",
    `the store cannot write: ${messageOf(error).split("\n")[0]}`,
    "free some space on the disk of the data directory; nothing is lost, writing goes on by itself",
    { cause: error },
  );
}

/** All rows of a small result. */
export async function rowsOf(connection: DuckDBConnection, sql: string, values: DuckDBValue[] = []): Promise<Row[]> {
  return (await connection.runAndReadAll(sql, values)).getRowObjectsJS();
}

/** Collects the values of a statement as it is written: `$1`, `$2` … stand in for them. */
export class Parameters {
  readonly values: DuckDBValue[] = [];

  add(value: DuckDBValue): string {
    return `$${this.values.push(value)}`;
  }

  list(values: readonly DuckDBValue[]): string {
    return `(${values.map((value) => this.add(value)).join(", ")})`;
  }
}

export function numberOf(value: unknown): number {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return value;
  throw new TypeError(`expected a number from the database, found ${value === null ? "null" : typeof value}`);
}

export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : numberOf(value);
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(`expected text from the database, found ${value === null ? "null" : typeof value}`);
}

export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "object" && value !== null && "bytes" in value && value.bytes instanceof Uint8Array) {
    return value.bytes;
  }
  throw new TypeError("expected bytes from the database");
}
