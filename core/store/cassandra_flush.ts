/**
 * Rule 1 in Cassandra: one conditional batch a unit, then one for the partition's checkpoint. Blocks of events are written
 * before, under an id of the flush, and count only where a unit names them: so the events of a unit are there exactly if
 * its cells are.
 */
import {
  type CassandraClient,
  type CassandraRow,
  numberOrNullIn,
  type Statement,
  type Value,
} from "./cassandra_client.ts";
import { type BlockEntry, encodeBlock, encodeEntry } from "./cassandra_blocks.ts";
import { cellsOf } from "./cassandra_cells.ts";
import { MillraceError } from "../errors.ts";
import type { FlushOutcome, MinuteRows, PartitionFlush, PartitionTotals } from "./ports.ts";
import { RECORD_TABLES, type RecordTable } from "./segment_catalog.ts";

/** Kinds of rows in a unit. */
export const CELL = 0;
export const BLOCK_KIND: Readonly<Record<RecordTable, number>> = { events: 1, quarantine: 2 };

/** Statements that the protocol lets a batch have. */
export const BATCH_MAX = 65_535;
const MICROS_PER_BUCKET = 3_600_000_000;

/** Blocks that were written and wait to be named, by bucket; under null those that are of no unit of the flush. */
type Written = ReadonlyMap<number | null, readonly BlockEntry[]>;

/** What the partition's row has before a flush. */
export interface KnownState {
  readonly checkpoint: number;
  readonly writer: string | null;
  readonly watermarkMs: number | null;
  readonly totals: PartitionTotals;
}

const NO_TOTALS = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };
/** What a partition is like that was never flushed. */
export const NEVER_FLUSHED: KnownState = { checkpoint: 0, writer: null, watermarkMs: null, totals: NO_TOTALS };

/** Applies a flush whose partition was as `known`. */
export async function applyFlush(
  client: CassandraClient,
  flush: PartitionFlush,
  known: KnownState,
): Promise<FlushOutcome> {
  if (known.checkpoint !== flush.expectCheckpoint) {
    return { kind: "conflict", bucket: null, found: known.checkpoint };
  }
  const written = await writeBlocks(client, flush);
  await markUnits(client, flush, true);
  for (const unit of flush.units) {
    const found = await client.compareAndSet(
      unitStatements(client.keyspace, flush, unit, written.get(unit.bucket) ?? []),
    );
    if (found !== null) return { kind: "conflict", bucket: unit.bucket, found: uptoIn(found, "upto") };
  }
  const [found] = await Promise.all([
    client.compareAndSet(checkpointStatements(client.keyspace, flush, known, written.get(null) ?? [])),
    markUnits(client, flush, false),
  ]);
  if (found === null) return { kind: "applied" };
  const checkpoint = uptoIn(found, "checkpoint");
  // Another's tenure came and went, and the totals that were added to are not those any more: read everything back.
  if (checkpoint === flush.expectCheckpoint) throw new Error("the partition was changed by another engine");
  return { kind: "conflict", bucket: null, found: checkpoint };
}

const uptoIn = (row: CassandraRow, name: string): number => numberOrNullIn(row, name) ?? 0;

/** The unit of the flush that a block lies in as a whole; null where there is none. */
function bucketOf(
  { firstMicros, lastMicros }: { firstMicros: number; lastMicros: number },
  flush: Pick<PartitionFlush, "units">,
): number | null {
  const bucket = Math.floor(firstMicros / MICROS_PER_BUCKET);
  const isWithin = bucket === Math.floor(lastMicros / MICROS_PER_BUCKET);
  return isWithin && flush.units.some((unit) => unit.bucket === bucket) ? bucket : null;
}

/** Under which bucket the bytes of a block lie that is of no unit. */
export const NO_BUCKET = -2_147_483_648;

type BlocksOfFlush = Pick<PartitionFlush, "topicId" | "partition" | "writer" | "at" | "units" | RecordTable>;

/** Writes the bytes of blocks, which nothing names yet. */
export async function writeBlocks(client: CassandraClient, flush: BlocksOfFlush): Promise<Written> {
  const written = new Map<number | null, BlockEntry[]>();
  const writes: Promise<void>[] = [];
  for (const table of RECORD_TABLES) {
    flush[table].forEach((block, n) => {
      const bucket = bucketOf(block, flush);
      const id = `${flush.writer}/${flush.at}/${table}/${n}`;
      const parts = encodeBlock(block);
      const entry: BlockEntry = {
        table,
        id,
        chunks: parts.length,
        rows: block.group.rows,
        bytes: parts.reduce((sum, { length }) => sum + length, 0),
        firstMicros: block.firstMicros,
        lastMicros: block.lastMicros,
        lastRecordMs: block.lastRecordMs,
      };
      const entries = written.get(bucket);
      if (entries === undefined) written.set(bucket, [entry]);
      else entries.push(entry);
      parts.forEach((part, chunk) => {
        const key = [flush.topicId, flush.partition, bucket ?? NO_BUCKET, id, chunk];
        const insert = `INSERT INTO ${client.keyspace}.blocks (topic_id, part, bucket, id, chunk, data)`;
        writes.push(client.write(`${insert} VALUES (?, ?, ?, ?, ?, ?)`, [...key, part]));
      });
    });
  }
  await Promise.all(writes);
  return written;
}

/** Tells in the index that units are being changed, before, and what they are, after: see {@link unitVersions}. */
export async function markUnits(
  client: CassandraClient,
  flush: Pick<PartitionFlush, "topicId" | "partition" | "writer" | "at" | "units" | "lastRecordTimeMs">,
  isFlushing: boolean,
): Promise<void> {
  const { topicId, partition, writer, at, lastRecordTimeMs } = flush;
  const insert = `INSERT INTO ${client.keyspace}.unit_index
    (topic_id, bucket, part, writer, upto, is_flushing, touched_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`;
  const touchedMs = BigInt(Math.floor(lastRecordTimeMs));
  await Promise.all(
    flush.units.map(({ bucket }) =>
      client.write(insert, [topicId, bucket, partition, writer, BigInt(at), isFlushing, touchedMs])
    ),
  );
}

/** `IF upto = null` holds where there is no such unit. */
const expected = (offset: number): bigint | null => offset === 0 ? null : BigInt(offset);

function unitStatements(
  keyspace: string,
  flush: PartitionFlush,
  { bucket, expect, expectWriter }: PartitionFlush["units"][number],
  blocks: readonly BlockEntry[],
): Statement[] {
  const key = [flush.topicId, flush.partition, bucket];
  const touchedMs = BigInt(Math.floor(flush.lastRecordTimeMs));
  const statements: Statement[] = [{
    query: `UPDATE ${keyspace}.units SET upto = ?, writer = ?, touched_ms = ?
      WHERE topic_id = ? AND part = ? AND bucket = ? IF upto = ?${expectWriter === undefined ? "" : " AND writer = ?"}`,
    params: [
      BigInt(flush.at),
      flush.writer,
      touchedMs,
      ...key,
      expected(expect),
      ...(expectWriter === undefined ? [] : [expectWriter]),
    ],
  }];
  statements.push(...unitRows(keyspace, key, { minutes: flush.minutes, bucket, upto: flush.at }, blocks));
  if (statements.length > BATCH_MAX) {
    throw new MillraceError(
      "REFUSED",
      `hour ${bucket} of partition ${flush.partition} has ${statements.length} cells in one flush, at most ${BATCH_MAX} fit`,
      "lower engine.flushIntervalMs, or use a preset with fewer dimensions",
    );
  }
  return statements;
}

/** Insertions of a unit's cells and of the blocks that it names. */
export function unitRows(
  keyspace: string,
  key: readonly Value[],
  { minutes, bucket, upto }: { readonly minutes: MinuteRows; readonly bucket: number; readonly upto: number },
  blocks: readonly BlockEntry[],
): Statement[] {
  const columns = "topic_id, part, bucket, kind, minute, from_offset, cell, amount, data, flushed_upto";
  const query = `INSERT INTO ${keyspace}.units (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  const statements: Statement[] = [];
  for (const { minute, fromOffset, key: name, count, data } of cellsOf(minutes, bucket)) {
    const params = [...key, CELL, minute, BigInt(fromOffset), name, BigInt(count), data, BigInt(upto)];
    statements.push({ query, params });
  }
  for (const entry of blocks) statements.push({ query, params: [...key, ...blockRow(entry, upto), BigInt(upto)] });
  return statements;
}

function blockRow(entry: BlockEntry, at: number): Value[] {
  return [BLOCK_KIND[entry.table], 0, BigInt(at), entry.id, BigInt(entry.rows), encodeEntry(entry)];
}

/** Rows of a partition that are no blocks: gaps in its log. */
export const GAP = 3;

function checkpointStatements(
  keyspace: string,
  flush: PartitionFlush,
  known: KnownState,
  blocks: readonly BlockEntry[],
): Statement[] {
  const key = [flush.topicId, flush.partition];
  const sum = (name: keyof PartitionTotals) => BigInt(known.totals[name] + flush.totals[name]);
  const { watermarkMs } = flush;
  const watermark = watermarkMs === null || known.watermarkMs === null
    ? watermarkMs ?? known.watermarkMs
    : Math.max(watermarkMs, known.watermarkMs);
  const statements: Statement[] = [{
    query: `UPDATE ${keyspace}.partitions SET checkpoint = ?, writer = ?, watermark_ms = ?, consumed = ?, events = ?,
      unparsed = ?, late = ?, clock_bad = ? WHERE topic_id = ? AND part = ? IF checkpoint = ? AND writer = ?`,
    params: [
      BigInt(Math.max(flush.at, known.checkpoint)),
      flush.writer,
      watermark === null ? null : BigInt(Math.floor(watermark)),
      sum("consumed"),
      sum("events"),
      sum("unparsed"),
      sum("late"),
      sum("clockBad"),
      ...key,
      expected(flush.expectCheckpoint),
      known.writer,
    ],
  }];
  const columns = "topic_id, part, kind, minute, from_offset, cell, amount, data";
  const query = `INSERT INTO ${keyspace}.partitions (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
  for (const { start, end } of flush.gaps) {
    statements.push({ query, params: [...key, GAP, 0, BigInt(start), "", BigInt(end), null] });
  }
  for (const entry of blocks) statements.push({ query, params: [...key, ...blockRow(entry, flush.at)] });
  return statements;
}

/** The partition after a flush that was applied. */
export function stateAfter(known: KnownState, { at, writer, watermarkMs, totals }: PartitionFlush): KnownState {
  const sum = (name: keyof PartitionTotals) => known.totals[name] + totals[name];
  const times = [known.watermarkMs, watermarkMs].filter((time) => time !== null);
  return {
    checkpoint: Math.max(known.checkpoint, at),
    writer,
    watermarkMs: times.length === 0 ? null : Math.max(...times),
    totals: {
      consumed: sum("consumed"),
      events: sum("events"),
      unparsed: sum("unparsed"),
      late: sum("late"),
      clockBad: sum("clockBad"),
    },
  };
}
