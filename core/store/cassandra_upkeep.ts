/** Forgetting in Cassandra: topics that are dropped, and what is beyond its retention before its time to live ends it. */
import { bytesIn, type CassandraClient, numberIn, numberOrNullIn, textIn, textOrNullIn } from "./cassandra_client.ts";
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
/** Rows of blocks that one compare-and-set deletes. */
const BLOCKS_AT_ONCE = 500;

/**
 * Forgets a topic. Heads of partitions go first, so that flushes under way conflict; what is read to find it goes last, so
 * that a crash in between leaves something to find it by.
 */
export async function dropTopic(client: CassandraClient, topicId: string): Promise<void> {
  const { keyspace } = client;
  const units = await indexedUnits(client, topicId);
  const partitions = await partitionsOf(client, topicId);
  const removeBlocks = (key: UnitKey) => client.write(`DELETE FROM ${keyspace}.blocks WHERE ${UNIT}`, key);
  await Promise.all(partitions.map(async (partition) => {
    while (!await removeHead(client, topicId, partition));
    await removeBlocks([topicId, partition, NO_BUCKET]);
  }));
  await Promise.all(units.map(async ({ partition, bucket }) => {
    const key = [topicId, partition, bucket] as const;
    while (!await removeUnit(client, key, await readUnit(client, key)));
    await removeBlocks(key);
  }));
  await dropRollups(client, topicId);
  await client.write(`DELETE FROM ${keyspace}.unit_index WHERE topic_id = ?`, [topicId]);
  await client.write(`DELETE FROM ${keyspace}.partition_index WHERE topic_id = ?`, [topicId]);
  await client.write(`DELETE FROM ${keyspace}.topic_index WHERE shard = ? AND topic_id = ?`, [TOPIC_SHARD, topicId]);
}

/** A unit's static columns; null where there is no unit. */
interface UnitHead {
  readonly upto: number | null;
  readonly touchedMs: number | null;
  readonly replaced: number;
}

async function readUnit(client: CassandraClient, key: UnitKey): Promise<UnitHead> {
  const [row] = await client.rows(
    `SELECT DISTINCT topic_id, part, bucket, upto, touched_ms, replaced FROM ${client.keyspace}.units WHERE ${UNIT}`,
    key,
    { isSerial: true },
  );
  if (row === undefined) return { upto: null, touchedMs: null, replaced: 0 };
  return {
    upto: numberOrNullIn(row, "upto"),
    touchedMs: numberOrNullIn(row, "touched_ms"),
    replaced: numberOrNullIn(row, "replaced") ?? 0,
  };
}

const bigintOrNull = (value: number | null) => value === null ? null : BigInt(value);

/**
 * A plain deletion has the time of this machine's clock, and would take with it what engines set shortly after by the
 * servers': so this is a compare-and-set, too. False where the unit has changed, and nothing was removed.
 */
async function removeUnit(client: CassandraClient, key: UnitKey, { upto, replaced }: UnitHead): Promise<boolean> {
  const { keyspace } = client;
  const found = await client.compareAndSet([
    {
      // Counted as a replacement: who has fetched it must not take what comes later for an addition.
      query:
        `UPDATE ${keyspace}.units SET upto = ?, writer = ?, touched_ms = ?, replaced = ? WHERE ${UNIT} IF upto = ?`,
      params: [null, null, null, replaced + 1, ...key, bigintOrNull(upto)],
    },
    { query: `DELETE FROM ${keyspace}.units WHERE ${UNIT} AND kind >= 0`, params: key },
  ]);
  return found === null;
}

async function removeHead(client: CassandraClient, topicId: string, partition: number): Promise<boolean> {
  const where = "topic_id = ? AND part = ?";
  const key = [topicId, partition];
  const table = `${client.keyspace}.partitions`;
  const [row] = await client.rows(
    `SELECT DISTINCT topic_id, part, checkpoint, writer FROM ${table} WHERE ${where}`,
    key,
    { isSerial: true },
  );
  const expected = row === undefined
    ? [null, null]
    : [bigintOrNull(numberOrNullIn(row, "checkpoint")), textOrNullIn(row, "writer")];
  const found = await client.compareAndSet([
    {
      query: `UPDATE ${table} SET checkpoint = ?, writer = ?, watermark_ms = ?, consumed = ?, events = ?, unparsed = ?,
        late = ?, clock_bad = ? WHERE ${where} IF checkpoint = ? AND writer = ?`,
      params: [...Array<null>(8).fill(null), ...key, ...expected],
    },
    { query: `DELETE FROM ${table} WHERE ${where} AND kind >= 0`, params: key },
  ]);
  return found === null;
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
    if (touchedMs < limits.minutesBeforeMs) {
      deleted += await deleteUnit(client, key, limits.minutesBeforeMs);
    }
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
    const old = rows.map((row) => ({ row, entry: decodeEntry(kind, textIn(row, "cell"), bytesIn(row, "data")) }))
      .filter(({ entry }) => entry.lastRecordMs < beforeMs);
    for (let at = 0; at < old.length; at += BLOCKS_AT_ONCE) {
      const some = old.slice(at, at + BLOCKS_AT_ONCE);
      const found = await client.compareAndSet(some.map(({ row, entry }) => ({
        query: `DELETE FROM ${client.keyspace}.${table}
          WHERE ${where} AND kind = ? AND minute = ? AND from_offset = ? AND cell = ? IF EXISTS`,
        params: [
          ...key,
          BLOCK_KIND[kind],
          numberIn(row, "minute"),
          BigInt(numberIn(row, "from_offset")),
          entry.id,
        ],
      })));
      if (found !== null) break; // another engine is at it
      await Promise.all(some.map(({ entry }) =>
        client.write(
          `DELETE FROM ${client.keyspace}.blocks WHERE ${UNIT} AND id = ?`,
          [topicId, partition, bucket ?? NO_BUCKET, entry.id],
        )
      ));
      deleted += some.reduce((sum, { entry }) => sum + entry.rows, 0);
    }
  }
  return deleted;
}

/** Deletes a unit that has not changed since `beforeMs`; answers its cells. */
async function deleteUnit(client: CassandraClient, key: UnitKey, beforeMs: number): Promise<number> {
  const { keyspace } = client;
  const head = await readUnit(client, key);
  if (head.touchedMs !== null && head.touchedMs >= beforeMs) return 0;
  const [topicId, partition, bucket] = key;
  const indexKey = "topic_id = ? AND bucket = ? AND part = ?";
  const marks = await client.rows(
    `SELECT writer, WRITETIME(upto) AS written FROM ${keyspace}.unit_index WHERE ${indexKey}`,
    [topicId, bucket, partition],
  );
  const [row] = await client.rows(`SELECT count(*) AS cells FROM ${keyspace}.units WHERE ${UNIT} AND kind = ?`, [
    ...key,
    CELL,
  ]);
  if (!await removeUnit(client, key, head)) return 0; // a late event has come
  await client.write(`DELETE FROM ${keyspace}.blocks WHERE ${UNIT}`, key);
  // As old as they were read: a mark that a flush has set since stays.
  await Promise.all(marks.map((mark) =>
    client.write(
      `DELETE FROM ${keyspace}.unit_index USING TIMESTAMP ? WHERE ${indexKey} AND writer = ?`,
      [BigInt(numberIn(mark, "written")), topicId, bucket, partition, textIn(mark, "writer")],
    )
  ));
  return numberIn(row, "cells");
}
