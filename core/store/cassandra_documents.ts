/** Collections of documents in Cassandra: a partition each, its version a static column, a commit one conditional batch. */
import {
  type CassandraClient,
  type CassandraRow,
  numberOrNullIn,
  type Statement,
  textIn,
  textOrNullIn,
} from "./cassandra_client.ts";
import type { DocumentCollection, DocumentPut, Documents } from "./ports.ts";

/** Keys of rows are not empty. */
const MARK = "=";

export class CassandraDocuments implements Documents {
  readonly #client: CassandraClient;
  readonly #table: string;

  constructor(client: CassandraClient) {
    this.#client = client;
    this.#table = `${client.keyspace}.documents`;
  }

  /** Page by page: read again where the version is not the same on all of them. */
  async readDocuments(collection: string): Promise<DocumentCollection> {
    for (;;) {
      const rows = await this.#client.rows(
        `SELECT version, key, value FROM ${this.#table} WHERE collection = ?`,
        [collection],
        { isSerial: true },
      );
      const versions = new Set(rows.map(versionOf));
      if (versions.size > 1) continue;
      const entries = rows.flatMap((row): [string, string][] => {
        const key = textOrNullIn(row, "key"); // null where there is the version alone
        return key === null ? [] : [[key.slice(MARK.length), textIn(row, "value")]];
      });
      return { version: [...versions][0] ?? 0, entries: new Map(entries) };
    }
  }

  async documentsVersion(collection: string): Promise<number> {
    const [row] = await this.#client.rows(
      `SELECT DISTINCT collection, version FROM ${this.#table} WHERE collection = ?`,
      [collection],
      { isSerial: true },
    );
    return row === undefined ? 0 : versionOf(row);
  }

  async commitDocuments(collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    const move: Statement = {
      query: `UPDATE ${this.#table} SET version = ? WHERE collection = ? IF version = ?`,
      params: [BigInt(expect + 1), collection, expect === 0 ? null : BigInt(expect)],
    };
    const rest = puts.map(([key, text]): Statement =>
      text === null
        ? { query: `DELETE FROM ${this.#table} WHERE collection = ? AND key = ?`, params: [collection, MARK + key] }
        : {
          query: `INSERT INTO ${this.#table} (collection, key, value) VALUES (?, ?, ?)`,
          params: [collection, MARK + key, text],
        }
    );
    return await this.#client.compareAndSet([move, ...rest]) === null;
  }

  /** A compare-and-set too: plain writes and conditional ones must not meet on a partition. */
  async dropDocuments(collection: string): Promise<void> {
    for (;;) {
      const { version, entries } = await this.readDocuments(collection);
      if (version === 0) return;
      if (entries.size === 0) {
        const forget = `UPDATE ${this.#table} SET version = null WHERE collection = ? IF version = ?`;
        if (await this.#client.compareAndSet([{ query: forget, params: [collection, BigInt(version)] }]) === null) {
          return;
        }
        continue;
      }
      const keys = [...entries.keys()].slice(0, KEYS_AT_ONCE);
      await this.commitDocuments(collection, version, keys.map((key) => [key, null]));
    }
  }
}

const KEYS_AT_ONCE = 1_000;

const versionOf = (row: CassandraRow): number => numberOrNullIn(row, "version") ?? 0;
