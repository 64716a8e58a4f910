/** Forgetting in Cassandra: topics that are dropped, and what is beyond its retention before its time to live ends it. */
import { bytesIn, type CassandraClient, numberIn, numberOrNullIn, textIn } from "./cassandra_client.ts";
import { decodeEntry } from "./cassandra_blocks.ts";
import { BLOCK_KIND, CELL, NO_BUCKET } from "./cassandra_flush.ts";
import { indexedUnits, partitionsOf } from "./cassandra_reads.ts";
import { dropRollups } from "./cassandra_rollups.ts";
import { RECORD_TABLES } from "./segment_catalog.ts";

/** Topics that were ever flushed lie in one partition. */
export const TOPIC_SHARD = 0;

export async function topicsOf(client: CassandraClient): Promise<string[]> {
  const rows = await client.rows(`SELECT topic_id FROM ${client.keyspace}.topic_index WHERE shard = ?`, [TOPIC_SHARD]);
  return rows.map((row) => textIn(row, "topic_id"));
}

const UNIT = "topic_id = ? AND part = ? AND bucket = ?";

/** Forgets a topic; what is read goes last, so that a crash in between leaves something to find it by. */
export async function dropTopic(client: CassandraClient, topicId: string): Promise<void> {
  const { keyspace } = client;
  const units = await indexedUnits(client, topicId);
  const partitions = await partitionsOf(client, topicId);
  await Promise.all(
    units.flatMap(({ partition, bucket }) =>
      ["units", "blocks"].map((table) =>
        client.write(`DELETE FROM ${keyspace}.${table} WHERE ${UNIT}`, [topicId, partition, bucket])
      )
    ),
  );
  await Promise.all(partitions.flatMap((partition) => [
    client.write(`DELETE FROM ${keyspace}.blocks WHERE ${UNIT}`, [topicId, partition, NO_BUCKET]),
    client.write(`DELETE FROM ${keyspace}.partitions WHERE topic_id = ? AND part = ?`, [topicId, partition]),
  ]));
  await dropRollups(client, topicId);
  await client.write(`DELETE FROM ${keyspace}.unit_index WHERE topic_id = ?`, [topicId]);
  await client.write(`DELETE FROM ${keyspace}.partition_index WHERE topic_id = ?`, [topicId]);
  await client.write(`DELETE FROM ${keyspace}.topic_index WHERE shard = ? AND topic_id = ?`, [TOPIC_SHARD, topicId]);
}

export interface Limits {
  readonly minutesBeforeMs: number;
  readonly eventsBeforeMs: number;
}

/** Deletes what is older than the limits of a topic; answers the rows deleted. */
export async function retainTopic(client: CassandraClient, topicId: string, limits: Limits): Promise<number> {
  let deleted = 0;
  for (const { partition, bucket, touchedMs } of await indexedUnits(client, topicId)) {
    const key = [topicId, partition, bucket] as const;
    deleted += await retainBlocks(client, "units", key, limits.eventsBeforeMs);
    if (touchedMs < limits.minutesBeforeMs) deleted += await deleteUnit(client, key, limits.minutesBeforeMs);
  }
  for (const partition of await partitionsOf(client, topicId)) {
    deleted += await retainBlocks(client, "partitions", [topicId, partition], limits.eventsBeforeMs);
  }
  return deleted;
}

type UnitKey = readonly [topicId: string, partition: number, bucket: number];

async function retainBlocks(
  client: CassandraClient,
  table: "units" | "partitions",
  key: UnitKey | readonly [topicId: string, partition: number],
  beforeMs: number,
): Promise<number> {
  const [topicId, partition, bucket] = key;
  const where = bucket === undefined ? "topic_id = ? AND part = ?" : UNIT;
  let deleted = 0;
  for (const kind of RECORD_TABLES) {
    const rows = await client.rows(
      `SELECT minute, from_offset, cell, data FROM ${client.keyspace}.${table} WHERE ${where} AND kind = ?`,
      [...key, BLOCK_KIND[kind]],
    );
    for (const row of rows) {
      const entry = decodeEntry(kind, textIn(row, "cell"), bytesIn(row, "data"));
      if (entry.lastRecordMs >= beforeMs) continue;
      await client.write(
        `DELETE FROM ${client.keyspace}.${table}
         WHERE ${where} AND kind = ? AND minute = ? AND from_offset = ? AND cell = ?`,
        [...key, BLOCK_KIND[kind], numberIn(row, "minute"), BigInt(numberIn(row, "from_offset")), entry.id],
      );
      await client.write(
        `DELETE FROM ${client.keyspace}.blocks WHERE ${UNIT} AND id = ?`,
        [topicId, partition, bucket ?? NO_BUCKET, entry.id],
      );
      deleted += entry.rows;
    }
  }
  return deleted;
}

/**
 * Deletes a unit by compare-and-set, as it is written: a late event that comes at the same time wins, or finds no unit.
 * A plain deletion would, where clocks differ, also take what is written after it.
 */
async function deleteUnit(client: CassandraClient, key: UnitKey, beforeMs: number): Promise<number> {
  const [topicId, partition, bucket] = key;
  const { keyspace } = client;
  const [unit] = await client.rows(
    `SELECT DISTINCT topic_id, part, bucket, upto, writer, touched_ms, replaced FROM ${keyspace}.units WHERE ${UNIT}`,
    key,
    { isSerial: true },
  );
  const upto = unit === undefined ? null : numberOrNullIn(unit, "upto");
  let deleted = 0;
  if (unit !== undefined && upto !== null) {
    if (numberIn(unit, "touched_ms") >= beforeMs) return 0;
    const cells = `FROM ${keyspace}.units WHERE ${UNIT} AND kind = ?`;
    const [row] = await client.rows(`SELECT count(*) AS cells ${cells}`, [...key, CELL]);
    // Counted as a replacement: who has fetched it must not take what comes later for an addition.
    const replaced = (numberOrNullIn(unit, "replaced") ?? 0) + 1;
    const found = await client.compareAndSet([
      {
        query:
          `UPDATE ${keyspace}.units SET upto = ?, writer = ?, touched_ms = ?, replaced = ? WHERE ${UNIT} IF upto = ? AND writer = ?`,
        params: [null, null, null, replaced, ...key, BigInt(upto), textIn(unit, "writer")],
      },
      ...[CELL, ...Object.values(BLOCK_KIND)].map((kind) => ({ query: `DELETE ${cells}`, params: [...key, kind] })),
    ]);
    if (found !== null) return 0; // somebody has just written to it
    deleted = numberIn(row, "cells");
  }
  await client.write(`DELETE FROM ${keyspace}.blocks WHERE ${UNIT}`, key);
  await client.write(
    `DELETE FROM ${keyspace}.unit_index WHERE topic_id = ? AND bucket = ? AND part = ?`,
    [topicId, bucket, partition],
  );
  return deleted;
}
