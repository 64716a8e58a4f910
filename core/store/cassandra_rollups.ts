/**
 * Hours and days of minutes, added up, in Cassandra (docs/adr/026): made by whoever reads them first, or anew, from hours
 * that nobody is writing; found by the versions of their units, so that a late event makes them be made again. They are
 * derived: losing one costs time, never an answer.
 */
import { z } from "zod";
import { RowGroupEncoder } from "../parquet/encoder.ts";
import { decodeBlock, encodeBlock } from "./cassandra_blocks.ts";
import { bytesIn, type CassandraClient, numberIn, textIn } from "./cassandra_client.ts";
import { bucketsOf, type CassandraReads, type IndexedUnit, indexedUnits } from "./cassandra_reads.ts";
import { rollUp } from "./duckdb_rollup.ts";
import { minuteRowGroup } from "./duckdb_rows.ts";
import type { TimeRange } from "./ports.ts";
import type { ReadCache } from "./read_cache.ts";
import type { RecordBlock } from "./record_blocks.ts";
import { planRollups, type Rollup, ROLLUP_MINUTES, rollupOf, type RollupPlan } from "./rollup_plan.ts";

const MS_PER_MINUTE = 60_000;
const MINUTES_PER_HOUR = 60;
/** Rollups that are fetched side by side. */
const FETCHED_AT_ONCE = 16;
/** Partition of rows that are of all partitions. */
const ALL_PARTITIONS = -1;

const pointerSchema = z.object({ version: z.string(), id: z.string(), chunks: z.int(), rows: z.int(), bytes: z.int() });
/** Where the bytes of a rollup are. One value of one column, so that of two writers at once one wins as a whole. */
type Pointer = z.infer<typeof pointerSchema>;

const nameOf = (topicId: string, { level, bucket }: Pick<Rollup, "level" | "bucket">) =>
  `${level}/${topicId}/${bucket}`;

export class CassandraRollups {
  readonly #client: CassandraClient;
  readonly #cache: ReadCache;
  readonly #reads: CassandraReads;
  readonly #encoder = new RowGroupEncoder("zstd");

  constructor(client: CassandraClient, cache: ReadCache, reads: CassandraReads) {
    this.#client = client;
    this.#cache = cache;
    this.#reads = reads;
  }

  /** Makes the cache hold what a query needs, and answers where it is; null where it is all in the minutes. */
  async load(topicId: string, range: TimeRange, stepMinutes: number): Promise<RollupPlan | null> {
    if (stepMinutes % ROLLUP_MINUTES.hours !== 0) {
      await this.#reads.loadMinutes(topicId, range);
      return null;
    }
    const units = await indexedUnits(this.#client, topicId, bucketsOf(range));
    const plan = planRollups(await this.#reads.hourVersions(topicId, units), await this.#newestBucket(topicId), {
      from: Math.ceil(range.fromMs / MS_PER_MINUTE),
      to: Math.ceil(range.toMs / MS_PER_MINUTE),
      stepMinutes,
    });
    const unitsOf = Map.groupBy(units, ({ bucket }) => bucket);
    const raw = plan.buckets.flatMap((bucket) => unitsOf.get(bucket) ?? []);
    await this.#reads.loadUnits(topicId, raw);
    const missing = await this.#fetch(topicId, plan.rollups);
    const unmade = new Set<Rollup>();
    for (const rollup of missing) if (!await this.#make(topicId, rollup, unitsOf)) unmade.add(rollup);
    const made = plan.rollups.filter((rollup) => !unmade.has(rollup));
    const buckets = [...unmade].flatMap(({ hours }) => hours.map(({ bucket }) => bucket));
    await this.#reads.loadUnits(topicId, buckets.flatMap((bucket) => unitsOf.get(bucket) ?? []));
    return { rollups: made, buckets: [...plan.buckets, ...buckets] };
  }

  /** The last hour of a topic that has units. */
  async #newestBucket(topicId: string): Promise<number> {
    const [row] = await this.#client.rows(
      `SELECT bucket FROM ${this.#client.keyspace}.unit_index WHERE topic_id = ? ORDER BY bucket DESC LIMIT 1`,
      [topicId],
    );
    return row === undefined ? -Infinity : numberIn(row, "bucket");
  }

  /** Puts those into the cache that are stored in the version asked for; answers the others. */
  async #fetch(topicId: string, rollups: readonly Rollup[]): Promise<Rollup[]> {
    const wanted = rollups.filter((rollup) => this.#cache.loaded.get(nameOf(topicId, rollup)) !== rollup.version);
    if (wanted.length === 0) return [];
    const pointers = new Map<string, Pointer>();
    for (const level of ["hours", "days"] as const) {
      const buckets = wanted.filter((rollup) => rollup.level === level).map(({ bucket }) => bucket);
      if (buckets.length === 0) continue;
      const rows = await this.#client.rows(
        `SELECT bucket, pointer FROM ${this.#client.keyspace}.rollup_index
         WHERE topic_id = ? AND level = ? AND bucket >= ? AND bucket <= ?`,
        [topicId, level, Math.min(...buckets), Math.max(...buckets)],
      );
      for (const row of rows) {
        pointers.set(nameOf(topicId, { level, bucket: numberIn(row, "bucket") }), pointerIn(textIn(row, "pointer")));
      }
    }
    const missing: Rollup[] = [];
    for (let at = 0; at < wanted.length; at += FETCHED_AT_ONCE) {
      await Promise.all(
        wanted.slice(at, at + FETCHED_AT_ONCE).map(async (rollup) => {
          const pointer = pointers.get(nameOf(topicId, rollup));
          const block = pointer?.version === rollup.version ? await this.#read(topicId, rollup, pointer) : null;
          if (block === null) missing.push(rollup);
          else await this.#put(topicId, rollup, block);
        }),
      );
    }
    return missing;
  }

  async #read(topicId: string, { level, bucket }: Rollup, pointer: Pointer): Promise<RecordBlock | null> {
    const rows = await this.#client.rows(
      `SELECT data FROM ${this.#client.keyspace}.rollups WHERE topic_id = ? AND level = ? AND bucket = ? AND id = ?`,
      [topicId, level, bucket, pointer.id],
    );
    if (rows.length !== pointer.chunks) return null; // replaced meanwhile
    return decodeBlock({ firstMicros: 0, lastMicros: 0, lastRecordMs: 0 }, rows.map((row) => bytesIn(row, "data")));
  }

  async #put(topicId: string, rollup: Rollup, { group }: RecordBlock): Promise<void> {
    const from = rollup.bucket * MINUTES_PER_HOUR;
    await this.#cache.putRollup(rollup.level, topicId, from, group);
    this.#cache.loaded.set(nameOf(topicId, rollup), rollup.version);
  }

  /** Adds up an hour's minutes, or a day's hours, and stores the sum; false where that is not possible, or not exact. */
  async #make(
    topicId: string,
    rollup: Rollup,
    unitsOf: ReadonlyMap<number, readonly IndexedUnit[]>,
  ): Promise<boolean> {
    const { level, bucket, hours } = rollup;
    if (level === "hours") await this.#reads.loadUnits(topicId, unitsOf.get(bucket) ?? []);
    else {
      const parts = hours.map((hour) => rollupOf("hours", hour.bucket, [hour]));
      for (const part of await this.#fetch(topicId, parts)) {
        if (!await this.#make(topicId, part, unitsOf)) return false;
      }
    }
    const from = bucket * MINUTES_PER_HOUR;
    const rows = await this.#cache.look((connection) =>
      rollUp(connection, {
        table: level === "hours" ? "minutes" : "hours",
        topicId,
        from,
        to: from + ROLLUP_MINUTES[level],
      })
    );
    if (rows === null) return false;
    const { columns } = minuteRowGroup([{ topicId, partition: ALL_PARTITIONS, minutes: rows }]);
    const block = { group: this.#encoder.encode(rows.rows, columns), firstMicros: 0, lastMicros: 0, lastRecordMs: 0 };
    await this.#store(topicId, rollup, block);
    await this.#put(topicId, rollup, block);
    return true;
  }

  /** The bytes first, under an id of their own; then the pointer to them; then those before it go. */
  async #store(topicId: string, { level, bucket, version }: Rollup, block: RecordBlock): Promise<void> {
    const { keyspace } = this.#client;
    const id = crypto.randomUUID();
    const key = [topicId, level, bucket];
    const parts = encodeBlock(block);
    const insert =
      `INSERT INTO ${keyspace}.rollups (topic_id, level, bucket, id, chunk, data) VALUES (?, ?, ?, ?, ?, ?)`;
    await Promise.all(parts.map((part, chunk) => this.#client.write(insert, [...key, id, chunk, part])));
    const before = await this.#client.rows(
      `SELECT pointer FROM ${keyspace}.rollup_index WHERE topic_id = ? AND level = ? AND bucket = ?`,
      key,
    );
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    const pointer: Pointer = { version, id, chunks: parts.length, rows: block.group.rows, bytes };
    await this.#client.write(
      `INSERT INTO ${keyspace}.rollup_index (topic_id, level, bucket, pointer) VALUES (?, ?, ?, ?)`,
      [...key, JSON.stringify(pointer)],
    );
    for (const row of before) {
      await this.#client.write(
        `DELETE FROM ${keyspace}.rollups WHERE topic_id = ? AND level = ? AND bucket = ? AND id = ?`,
        [...key, pointerIn(textIn(row, "pointer")).id],
      );
    }
  }
}

/** Forgets the rollups of a topic. */
export async function dropRollups(client: CassandraClient, topicId: string): Promise<void> {
  const { keyspace } = client;
  const rows = await client.rows(`SELECT level, bucket FROM ${keyspace}.rollup_index WHERE topic_id = ?`, [topicId]);
  await Promise.all(rows.map((row) =>
    client.write(
      `DELETE FROM ${keyspace}.rollups WHERE topic_id = ? AND level = ? AND bucket = ?`,
      [topicId, textIn(row, "level"), numberIn(row, "bucket")],
    )
  ));
  await client.write(`DELETE FROM ${keyspace}.rollup_index WHERE topic_id = ?`, [topicId]);
}

function pointerIn(text: string): Pointer {
  return pointerSchema.parse(JSON.parse(text));
}
