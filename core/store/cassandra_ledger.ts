/** Small facts that are decided once, by compare-and-set. */
import { createHash } from "node:crypto";
import { type CassandraClient, textOrNullIn } from "./cassandra_client.ts";
import type { Ledger } from "./ports.ts";

/** Cassandra's keys are not empty, and have 64 KiB at most: the digest of longer ones stands for them. */
const KEY_LENGTH_MAX = 10_000;

function keyOf(key: string): string {
  return key.length <= KEY_LENGTH_MAX ? `=${key}` : `#${createHash("sha256").update(key).digest("hex")}`;
}

export class CassandraLedger implements Ledger {
  readonly #client: CassandraClient;
  readonly #table: string;

  constructor(client: CassandraClient) {
    this.#client = client;
    this.#table = `${client.keyspace}.ledger`;
  }

  async putIfAbsent(key: string, value: string): Promise<string> {
    const query = `INSERT INTO ${this.#table} (key, value) VALUES (?, ?) IF NOT EXISTS`;
    const found = await this.#client.compareAndSet([{ query, params: [keyOf(key), value] }]);
    return found === null ? value : textOrNullIn(found, "value") ?? value;
  }

  async get(key: string): Promise<string | null> {
    const query = `SELECT value FROM ${this.#table} WHERE key = ?`;
    const [row] = await this.#client.rows(query, [keyOf(key)], { isSerial: true });
    return row === undefined ? null : textOrNullIn(row, "value");
  }

  async compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    const query = `UPDATE ${this.#table} SET value = ? WHERE key = ? IF value = ?`;
    return await this.#client.compareAndSet([{ query, params: [value, keyOf(key), expected] }]) === null;
  }
}
