/**
 * One DuckDB database file: a connection that writes, in turn, and a few that read consistent snapshots.
 * Checkpoints are ours to start: a failed one (a full disk) invalidates DuckDB's instance, and would do so in the middle
 * of a flush; here it comes between flushes, and the file is opened anew.
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { messageOf } from "../errors.ts";
import { asMillraceError } from "./duckdb_errors.ts";
import { textLiteral } from "./duckdb_values.ts";

export interface DatabaseOptions {
  readonly path: string;
  /** The only directories outside the database's own files that SQL may read and write. */
  readonly allowedDirectories: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  /** Size of the write-ahead log from which on it is folded into the database file. */
  readonly checkpointBytes: number;
}

const READERS = 4;
/** A checkpoint that failed is not tried again before this, so that a full disk is not met with work. */
const CHECKPOINT_RETRY_MS = 30_000;
const INTERRUPT_MS = 20;
/** Name of the database within DuckDB. */
export const CATALOG = "store";
/** Runs tasks one after the other. */
class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

interface Database {
  readonly path: string;
  readonly instance: DuckDBInstance;
  readonly writer: DuckDBConnection;
  /** Readers that wait for their next use. */
  readonly idle: DuckDBConnection[];
  /** Connections that are reading now. */
  readonly lent: Set<Loan>;
}

interface Loan {
  /** Null until it is connected. */
  connection: DuckDBConnection | null;
  /** Settles when it is given back. */
  readonly given: Promise<void>;
}

export class DuckDbConnections {
  readonly #options: DatabaseOptions;
  readonly #writerTurn = new Turnstile();
  /** Settles to the database in use; another promise from when it is opened anew. */
  #database: Promise<Database>;
  /** True where the file could not be opened anew: the next use tries again. */
  #isBroken = false;
  readonly #waiting: (() => void)[] = [];
  #places = READERS;
  #checkpointAfterMs = -Infinity;
  #isClosed = false;
  /** Told after each checkpoint: what was committed before is in the database file. */
  onCheckpoint: () => void = () => {};

  private constructor(options: DatabaseOptions, database: Database) {
    this.#options = options;
    this.#database = Promise.resolve(database);
  }

  /** Throws DATA_LOCKED, CORRUPT_DATA, FILE_UNAVAILABLE or DISK_FULL. */
  static async open(options: DatabaseOptions): Promise<DuckDbConnections> {
    return new DuckDbConnections(options, await openDatabase(options));
  }

  /** Runs `task` in one transaction of the writing connection: all of it is durable when this resolves, or none. */
  write<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const written = this.#writerTurn.run(async () => {
      const { writer } = await this.#inUse();
      try {
        await writer.run("BEGIN TRANSACTION");
        const result = await task(writer);
        await writer.run("COMMIT");
        return result;
      } catch (error) {
        await writer.run("ROLLBACK").catch(() => {}); // where a failed commit has ended the transaction already
        await this.#reopenIfInvalid(error);
        throw asMillraceError(error, this.#options.path);
      }
    });
    // Not part of the answer: what was committed is durable without it.
    written.then(() => this.checkpoint(this.#options.checkpointBytes)).catch(() => {});
    return written;
  }

  /** Folds the write-ahead log into the file where it has at least so many bytes. Never throws: it is tried again. */
  checkpoint(fromBytes = 0): Promise<void> {
    return this.#writerTurn.run(async () => {
      const log = await Deno.stat(`${this.#options.path}.wal`).catch(() => null);
      if (this.#isClosed || log === null || log.size < fromBytes || performance.now() < this.#checkpointAfterMs) return;
      const { writer } = await this.#inUse();
      try {
        await writer.run(`CHECKPOINT ${CATALOG}`);
        this.onCheckpoint();
      } catch (error) {
        this.#checkpointAfterMs = performance.now() + CHECKPOINT_RETRY_MS;
        await this.#reopenIfInvalid(error);
      }
    }).catch(() => {});
  }

  /** Runs `task` on one snapshot of the database. Temporary tables that it makes go with the snapshot. */
  read<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#readPlaced((connection) => inSnapshot(connection, task));
  }

  /** As {@link read}, for a task of a single statement, which is a snapshot by itself: a third of the statements. */
  readOnce<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#readPlaced(task);
  }

  async #readPlaced<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (this.#places === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#places--;
    try {
      return await this.#use((database) => {
        const take = async () => database.idle.pop() ?? await connect(database.instance);
        return lend(database, take, task, (connection) => database.idle.push(connection));
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#places++;
      else next();
    }
  }

  /** As {@link read}, on a connection of its own, so that long exports do not keep readers waiting. */
  async readAlone<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return await this.#use((database) =>
      lend(
        database,
        () => connect(database.instance),
        (connection) => inSnapshot(connection, task),
        (connection) => connection.closeSync(),
      )
    );
  }

  /** Lends from the database in use: at once, so that it is not closed in between. */
  async #use<T>(lendFrom: (database: Database) => Promise<T>): Promise<T> {
    for (;;) {
      const asked = this.#inUse();
      const database = await asked;
      if (asked === this.#database) return await lendFrom(database);
    }
  }

  #inUse(): Promise<Database> {
    if (this.#isClosed) throw new Error("the store is closed");
    if (this.#isBroken) this.#replace(() => openDatabase(this.#options));
    return this.#database;
  }

  #replace(open: () => Promise<Database>): void {
    this.#isBroken = false;
    this.#database = open();
    this.#database.catch(() => this.#isBroken = true);
  }

  /** DuckDB takes no more statements after a failed checkpoint: nothing is lost, but the file has to be opened anew. */
  async #reopenIfInvalid(error: unknown): Promise<void> {
    if (!/has been invalidated/i.test(messageOf(error))) return;
    const old = await this.#database;
    this.#replace(async () => {
      await closeDatabase(old);
      return await openDatabase(this.#options);
    });
    await this.#database;
  }

  /** Waits for the writes under way, ends the reads, and closes the file. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.checkpoint();
    await this.#writerTurn.run(async () => {
      this.#isClosed = true;
      await closeDatabase(await this.#database);
    });
  }
}

async function connect(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run(`USE ${CATALOG}`);
  return connection;
}

async function inSnapshot<T>(
  connection: DuckDBConnection,
  task: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  try {
    await connection.run("BEGIN TRANSACTION");
    return await task(connection);
  } finally {
    await connection.run("ROLLBACK").catch(() => {});
  }
}

/** Runs `task`; the database is not closed before the connection has been given back. */
async function lend<T>(
  database: Database,
  take: () => Promise<DuckDBConnection>,
  task: (connection: DuckDBConnection) => Promise<T>,
  giveBack: (connection: DuckDBConnection) => void,
): Promise<T> {
  const given = Promise.withResolvers<void>();
  const loan: Loan = { connection: null, given: given.promise };
  database.lent.add(loan);
  try {
    const connection = await take();
    loan.connection = connection;
    try {
      return await task(connection);
    } catch (error) {
      throw asMillraceError(error, database.path);
    } finally {
      giveBack(connection);
    }
  } finally {
    database.lent.delete(loan);
    given.resolve();
  }
}

/** Ends what is being read, waits until it has ended, and closes the file. */
async function closeDatabase({ instance, writer, idle, lent }: Database): Promise<void> {
  const interrupt = () => lent.forEach(({ connection }) => connection?.interrupt());
  interrupt();
  // Again and again: who is between two statements has not noticed.
  const again = setInterval(interrupt, INTERRUPT_MS);
  await Promise.all([...lent].map(({ given }) => given)).finally(() => clearInterval(again));
  for (const connection of idle.splice(0)) connection.closeSync();
  writer.closeSync();
  instance.closeSync();
}

async function openDatabase({ path, allowedDirectories, settings }: DatabaseOptions): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:", settings);
  try {
    const writer = await instance.connect();
    await writer.run(`ATTACH ${textLiteral(path)} AS ${CATALOG}`);
    await writer.run(`USE ${CATALOG}`);
    await writer.run(
      `SET allowed_directories = [${allowedDirectories.map((path) => textLiteral(`${path}/`)).join(", ")}]`,
    );
    // Its default is the space that was free when it was first asked for, for ever; as an option of `create` it is ignored.
    await writer.run("SET max_temp_directory_size = '1TiB'");
    await writer.run("SET enable_external_access = false");
    return { path, instance, writer, idle: [], lent: new Set() };
  } catch (error) {
    instance.closeSync();
    throw asMillraceError(error, path);
  }
}
