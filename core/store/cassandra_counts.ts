/** Σ counts of the minute rows of partitions, unit by unit: one that has not changed is not counted again. */
import { type CassandraClient, numberIn } from "./cassandra_client.ts";
import { CELL } from "./cassandra_flush.ts";
import { indexedUnits } from "./cassandra_reads.ts";

export class CassandraCounts {
  readonly #client: CassandraClient;
  /** By unit, with the version that was counted. */
  readonly #counted = new Map<string, { readonly version: string; readonly count: number }>();

  constructor(client: CassandraClient) {
    this.#client = client;
  }

  async countStored(topicId: string): Promise<readonly { partition: number; count: number }[]> {
    const counts = new Map<number, number>();
    await Promise.all((await indexedUnits(this.#client, topicId)).map(async ({ partition, bucket, version }) => {
      const count = await this.#countUnit(topicId, partition, bucket, version);
      if (count > 0) counts.set(partition, (counts.get(partition) ?? 0) + count);
    }));
    return [...counts].map(([partition, count]) => ({ partition, count })).sort((a, b) => a.partition - b.partition);
  }

  async #countUnit(topicId: string, partition: number, bucket: number, version: string | null): Promise<number> {
    const key = `${topicId}/${partition}/${bucket}`;
    const before = this.#counted.get(key);
    if (version !== null && before?.version === version) return before.count;
    const [row] = await this.#client.rows(
      `SELECT sum(amount) AS count FROM ${this.#client.keyspace}.units WHERE topic_id = ? AND part = ? AND bucket = ? AND kind = ?`,
      [topicId, partition, bucket, CELL],
    );
    const count = numberIn(row, "count");
    if (version !== null) this.#counted.set(key, { version, count });
    return count;
  }

  forgetTopic(topicId: string): void {
    for (const key of this.#counted.keys()) if (key.startsWith(`${topicId}/`)) this.#counted.delete(key);
  }
}
