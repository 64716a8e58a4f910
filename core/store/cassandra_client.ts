/** Statements to Cassandra: prepared, so many at a time, their rows checked. */
import { Buffer } from "node:buffer";
import { type Client, types } from "cassandra-driver";
import { asCassandraError, type CassandraAccess } from "./cassandra_access.ts";

export type Value = string | number | bigint | boolean | Uint8Array | null;
export type CassandraRow = Readonly<Record<string, unknown>>;

/** A statement and its values. */
export interface Statement {
  readonly query: string;
  readonly params: readonly Value[];
}

/** Requests that wait for an answer, over all who ask. */
const IN_FLIGHT_MAX = 64;
const FETCH_ROWS = 2_000;

export class CassandraClient {
  readonly #client: Client;
  readonly #access: CassandraAccess;
  readonly #waiting: (() => void)[] = [];
  #places = IN_FLIGHT_MAX;
  #isClosed = false;

  constructor(client: Client, access: CassandraAccess) {
    this.#client = client;
    this.#access = access;
  }

  get keyspace(): string {
    return this.#access.keyspace;
  }

  /** All rows. */
  async rows(query: string, params: readonly Value[], { isSerial = false } = {}): Promise<CassandraRow[]> {
    const rows: CassandraRow[] = [];
    for await (const row of this.stream(query, params, { isSerial })) rows.push(row);
    return rows;
  }

  /** Rows a page at a time. `isSerial`: as compare-and-set sees them, with those under way brought to their end. */
  async *stream(
    query: string,
    params: readonly Value[],
    { isSerial = false } = {},
  ): AsyncGenerator<CassandraRow> {
    const consistency = isSerial ? { consistency: this.#serial() } : {};
    let pageState: string | undefined;
    do {
      const result = await this.#run(() =>
        this.#client.execute(query, valuesOf(params), {
          ...consistency,
          fetchSize: FETCH_ROWS,
          pageState,
          isIdempotent: true,
        })
      );
      yield* result.rows as unknown as CassandraRow[];
      pageState = result.pageState ?? undefined;
    } while (pageState !== undefined);
  }

  #serial(): types.consistencies {
    return this.#access.serialConsistency === "SERIAL" ? types.consistencies.serial : types.consistencies.localSerial;
  }

  /** A plain write that may be repeated. */
  async write(query: string, params: readonly Value[]): Promise<void> {
    await this.#run(() => this.#client.execute(query, valuesOf(params), { isIdempotent: true }));
  }

  /**
   * A compare-and-set, alone or as the batch of one partition: null where it was applied, else the row that it found.
   * Where it throws it may have been applied.
   */
  async compareAndSet(statements: readonly Statement[]): Promise<CassandraRow | null> {
    const [{ query, params }] = statements;
    const result = await this.#run(() =>
      statements.length === 1
        ? this.#client.execute(query, valuesOf(params))
        : this.#client.batch(statements.map(({ query, params }) => ({ query, params: valuesOf(params) })), {
          logged: true, // of one partition: no log is written
        })
    );
    if (result.wasApplied()) return null;
    return result.rows.length === 0 ? {} : result.rows[0] as unknown as CassandraRow;
  }

  /** Waits for a place: what everybody has under way together stays bounded. */
  async #run<T>(send: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error("the store is closed");
    if (this.#places === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#places--;
    try {
      return await send();
    } catch (error) {
      throw asCassandraError(error, this.#access, "reading or writing");
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#places++;
      else next();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#client.shutdown();
  }
}

/** The driver takes 64-bit integers as its own Long. */
function valuesOf(params: readonly Value[]): unknown[] {
  return params.map((value) => {
    if (typeof value === "bigint") return types.Long.fromString(value.toString());
    if (value instanceof Uint8Array) return bufferOf(value);
    return value;
  });
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A number of a row; 64-bit ones come as Long. */
export function numberIn(row: CassandraRow, name: string): number {
  const value = row[name];
  if (typeof value === "number") return value;
  if (value instanceof types.Long) return value.toNumber();
  throw new TypeError(`expected a number as ${name} from Cassandra, found ${typeof value}`);
}

export function numberOrNullIn(row: CassandraRow, name: string): number | null {
  return row[name] === null || row[name] === undefined ? null : numberIn(row, name);
}

export function textIn(row: CassandraRow, name: string): string {
  const value = row[name];
  if (typeof value === "string") return value;
  throw new TypeError(`expected text as ${name} from Cassandra, found ${typeof value}`);
}

export function textOrNullIn(row: CassandraRow, name: string): string | null {
  return row[name] === null || row[name] === undefined ? null : textIn(row, name);
}

export function bytesIn(row: CassandraRow, name: string): Uint8Array {
  const value = row[name];
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`expected bytes as ${name} from Cassandra, found ${typeof value}`);
}
