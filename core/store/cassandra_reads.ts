/** Fetches from Cassandra what a read needs and this process does not have yet. */
import {
  bytesIn,
  type CassandraClient,
  type CassandraRow,
  numberIn,
  numberOrNullIn,
  textIn,
  textOrNullIn,
} from "./cassandra_client.ts";
import { type BlockEntry, decodeBlock, decodeEntry } from "./cassandra_blocks.ts";
import { rowsOfCells, type StoredCell } from "./cassandra_cells.ts";
import { BLOCK_KIND, CELL, NO_BUCKET } from "./cassandra_flush.ts";
import type { TimeRange } from "./ports.ts";
import type { ReadCache } from "./read_cache.ts";
import type { RecordTable } from "./segment_catalog.ts";

const HOUR_MS = 3_600_000;
/** What a 32-bit bucket can be: times beyond are no events'. */
const BUCKET_MAX = 2_147_483_647;
/** Units that are fetched side by side, and put into the cache together. */
const UNITS_AT_ONCE = 32;
/** Blocks likewise: some megabytes. */
const BLOCKS_AT_ONCE = 64;

/** A unit as the index tells of it. */
export interface IndexedUnit {
  readonly partition: number;
  readonly bucket: number;
  /** `UPTO/WRITER/` of the unit; null while somebody may be changing it. */
  readonly version: string | null;
  readonly touchedMs: number;
}

/** Units of a topic with buckets in [first, last], oldest first. */
export async function indexedUnits(
  client: CassandraClient,
  topicId: string,
  [first, last]: readonly [number, number] = [-BUCKET_MAX, BUCKET_MAX],
): Promise<IndexedUnit[]> {
  const units = new Map<string, { bucket: number; partition: number; rows: CassandraRow[] }>();
  const rows = client.stream(
    `SELECT bucket, part, writer, upto, is_flushing, touched_ms FROM ${client.keyspace}.unit_index
     WHERE topic_id = ? AND bucket >= ? AND bucket <= ?`,
    [topicId, first, last],
  );
  for await (const row of rows) {
    const [bucket, partition] = [numberIn(row, "bucket"), numberIn(row, "part")];
    const unit = units.get(`${bucket}/${partition}`);
    if (unit === undefined) units.set(`${bucket}/${partition}`, { bucket, partition, rows: [row] });
    else unit.rows.push(row);
  }
  return [...units.values()].map(({ bucket, partition, rows }) => {
    // Writers follow each other: the one who got furthest is the unit's, unless somebody is at it or was killed at it.
    const last = rows.reduce((a, b) => (numberIn(b, "upto") > numberIn(a, "upto") ? b : a));
    // A replay reaches no further than who was there before: then the index cannot tell.
    const isTied = rows.some((row) => row !== last && numberIn(row, "upto") === numberIn(last, "upto"));
    return {
      bucket,
      partition,
      version: isTied || rows.some((row) => row.is_flushing === true) ? null : versionOf(last),
      touchedMs: Math.max(...rows.map((row) => numberIn(row, "touched_ms"))),
    };
  });
}

const versionOf = (row: CassandraRow): string => `${numberIn(row, "upto")}/${textIn(row, "writer")}/`;

/** Times that the unit was replaced by a replay: then what was fetched before is void. */
const replacementsOf = (version: string): string => version.slice(version.lastIndexOf("/"));

const uptoOf = (version: string): number => Number(version.slice(0, version.indexOf("/")));

/** Buckets that times of a range may be in. */
export function bucketsOf({ fromMs, toMs }: TimeRange): [number, number] {
  const clamp = (bucket: number) => Math.max(-BUCKET_MAX, Math.min(BUCKET_MAX, bucket));
  return [clamp(Math.floor(fromMs / HOUR_MS)), clamp(Math.floor(toMs / HOUR_MS))];
}

/** A block and where its bytes lie. */
interface PlacedBlock {
  readonly partition: number;
  readonly bucket: number;
  readonly entry: BlockEntry;
}

/** A replay has put other blocks in the place of those that were fetched. */
class Replaced extends Error {
  override readonly name = "Replaced";
}

export class CassandraReads {
  readonly #client: CassandraClient;
  readonly #cache: ReadCache;

  constructor(client: CassandraClient, cache: ReadCache) {
    this.#client = client;
    this.#cache = cache;
  }

  /** Loads what a read of a topic needs; begins again where a replay has voided what was fetched. */
  async load(topicId: string, load: (reads: CassandraReads) => Promise<void>): Promise<void> {
    try {
      await load(this);
    } catch (error) {
      if (!(error instanceof Replaced)) throw error;
      await this.#cache.forgetLoaded(topicId);
      await load(this);
    }
  }

  /** Makes the cache hold the minutes of the range as they are now. */
  async loadMinutes(topicId: string, range: TimeRange): Promise<void> {
    await this.loadUnits(topicId, await indexedUnits(this.#client, topicId, bucketsOf(range)));
  }

  /** Makes the cache hold the minutes of units as they are now. */
  async loadUnits(topicId: string, units: readonly IndexedUnit[]): Promise<void> {
    const stale = units.filter(({ partition, bucket, version }) =>
      version === null || !this.#isLoaded(`minutes/${topicId}/${partition}/${bucket}`, version)
    );
    for (let at = 0; at < stale.length; at += UNITS_AT_ONCE) {
      const some = stale.slice(at, at + UNITS_AT_ONCE);
      const fetched = await Promise.all(some.map((unit) => this.#fetchMinutes(topicId, unit)));
      const changed = fetched.flatMap((unit) => unit ?? []);
      await this.#cache.putMinutes(changed);
      for (const { name, version } of changed) this.#cache.loaded.set(name, version);
    }
  }

  /** The unit's minutes and the version that they have at least; null where the cache has them, or there is no unit. */
  async #fetchMinutes(topicId: string, { partition, bucket }: IndexedUnit) {
    const name = `minutes/${topicId}/${partition}/${bucket}`;
    const version = await this.unitVersion(topicId, partition, bucket);
    const cached = this.#cache.loaded.get(name);
    if (version === null || cached === version) return null;
    // `upto` only grows: what was flushed since is all that has changed.
    const since = cached === undefined || replacementsOf(cached) !== replacementsOf(version) ? null : uptoOf(cached);
    const isWhole = since === null || since >= uptoOf(version);
    const cells: StoredCell[] = [];
    const select = this.#select("minute, from_offset, cell, amount, data");
    const key = [topicId, partition, bucket, CELL];
    const rows = isWhole
      ? this.#client.stream(select, key)
      : this.#client.stream(`${select} AND flushed_upto > ? ALLOW FILTERING`, [...key, BigInt(since)]);
    for await (const row of rows) {
      cells.push({
        minute: numberIn(row, "minute"),
        fromOffset: numberIn(row, "from_offset"),
        key: textIn(row, "cell"),
        count: numberIn(row, "amount"),
        data: bytesIn(row, "data"),
      });
    }
    return { topicId, partition, bucket, minutes: rowsOfCells(cells), isWhole, name, version };
  }

  #select(columns: string): string {
    return `SELECT ${columns} FROM ${this.#client.keyspace}.units
      WHERE topic_id = ? AND part = ? AND bucket = ? AND kind = ?`;
  }

  /** Whether the cache has what the index tells of. */
  #isLoaded(name: string, version: string): boolean {
    return this.#cache.loaded.get(name)?.startsWith(version) ?? false;
  }

  /** Per hour that has units, oldest first, what changes with every flush and replacement of one of them. */
  async hourVersions(
    topicId: string,
    indexed?: readonly IndexedUnit[],
  ): Promise<{ readonly bucket: number; readonly version: string }[]> {
    const all = indexed ?? await indexedUnits(this.#client, topicId);
    const units = await Promise.all(all.map(async ({ partition, bucket, version: settled }) => {
      // Whoever marked it may have been killed at it, and the mark stays: the unit itself tells.
      const version = settled ?? await this.unitVersion(topicId, partition, bucket);
      // Without the count of replacements, which the index does not have: each has a writer of its own.
      return version === null ? [] : [{ bucket, text: `${partition}:${version.slice(0, version.lastIndexOf("/"))}` }];
    }));
    const byBucket = Map.groupBy(units.flat(), ({ bucket }) => bucket);
    return [...byBucket].map(([bucket, of]) => ({ bucket, version: of.map(({ text }) => text).sort().join() }))
      .sort((a, b) => a.bucket - b.bucket);
  }

  /** `UPTO/WRITER/REPLACEMENTS` of a unit; null where there is none. */
  async unitVersion(topicId: string, partition: number, bucket: number): Promise<string | null> {
    const [row] = await this.#client.rows(
      `SELECT DISTINCT topic_id, part, bucket, upto, writer, replaced FROM ${this.#client.keyspace}.units
       WHERE topic_id = ? AND part = ? AND bucket = ?`,
      [topicId, partition, bucket],
    );
    if (row === undefined || textOrNullIn(row, "writer") === null) return null;
    return `${versionOf(row)}${numberOrNullIn(row, "replaced") ?? 0}`;
  }

  /** Makes the cache hold all blocks of these tables that have rows of the range. */
  async loadTables(tables: readonly RecordTable[], topicId: string, range: TimeRange): Promise<void> {
    for (const table of tables) await this.#loadBlocks(table, topicId, range);
  }

  async #loadBlocks(table: RecordTable, topicId: string, range: TimeRange): Promise<void> {
    const units = await indexedUnits(this.#client, topicId, bucketsOf(range));
    const names = new Map(
      units.map((unit) => [`${table}/${topicId}/${unit.partition}/${unit.bucket}`, unit] as const),
    );
    const stale = [...names].filter(([name, { version }]) => version === null || !this.#isLoaded(name, version));
    for (let at = 0; at < stale.length; at += UNITS_AT_ONCE) {
      const some = stale.slice(at, at + UNITS_AT_ONCE);
      const listed = await Promise.all(some.map(([name, unit]) => this.#listBlocks(table, topicId, name, unit)));
      await this.#addBlocks(table, topicId, listed.flatMap(({ entries }) => entries));
      for (const { name, version } of listed) if (version !== null) this.#cache.loaded.set(name, version);
    }
    await this.#loadLooseBlocks(table, topicId);
  }

  /** Blocks of a unit that the cache has not, and the version of the unit before they were listed. */
  async #listBlocks(table: RecordTable, topicId: string, name: string, { partition, bucket }: IndexedUnit) {
    const version = await this.unitVersion(topicId, partition, bucket);
    if (version === null || this.#cache.loaded.get(name) === version) return { name, version, entries: [] };
    const cached = this.#cache.loaded.get(name);
    if (cached !== undefined && replacementsOf(cached) !== replacementsOf(version)) throw new Replaced(topicId);
    const since = cached === undefined || uptoOf(cached) >= uptoOf(version) ? -1 : uptoOf(cached);
    const rows = await this.#client.rows(
      `${this.#select("cell, data")} AND flushed_upto > ? ALLOW FILTERING`,
      [topicId, partition, bucket, BLOCK_KIND[table], BigInt(since)],
    );
    return { name, version, entries: this.#missing(table, topicId, rows, { partition, bucket }) };
  }

  #missing(
    table: RecordTable,
    topicId: string,
    rows: readonly CassandraRow[],
    { partition, bucket }: Pick<PlacedBlock, "partition" | "bucket">,
  ): PlacedBlock[] {
    return rows.map((row) => ({
      partition,
      bucket,
      entry: decodeEntry(table, textIn(row, "cell"), bytesIn(row, "data")),
    })).filter((block) => !this.#cache.loaded.has(nameOf(topicId, block)));
  }

  /** Blocks that belong to no unit lie with their partition. */
  async #loadLooseBlocks(table: RecordTable, topicId: string): Promise<void> {
    for (const partition of await partitionsOf(this.#client, topicId)) {
      const rows = await this.#client.rows(
        `SELECT cell, data FROM ${this.#client.keyspace}.partitions WHERE topic_id = ? AND part = ? AND kind = ?`,
        [topicId, partition, BLOCK_KIND[table]],
      );
      await this.#addBlocks(table, topicId, this.#missing(table, topicId, rows, { partition, bucket: NO_BUCKET }));
    }
  }

  async #addBlocks(
    table: RecordTable,
    topicId: string,
    blocks: readonly PlacedBlock[],
  ): Promise<void> {
    for (let at = 0; at < blocks.length; at += BLOCKS_AT_ONCE) {
      const some = blocks.slice(at, at + BLOCKS_AT_ONCE);
      const fetched = await Promise.all(some.map(async ({ partition, bucket, entry }) => {
        const rows = await this.#client.rows(
          `SELECT data FROM ${this.#client.keyspace}.blocks WHERE topic_id = ? AND part = ? AND bucket = ? AND id = ?`,
          [topicId, partition, bucket, entry.id],
        );
        // Events live shorter than minutes: what names them stays.
        return rows.length < entry.chunks ? null : decodeBlock(entry, rows.map((row) => bytesIn(row, "data")));
      }));
      await this.#cache.addBlocks(table, topicId, fetched.flatMap((block) => block ?? []));
      for (const block of some) this.#cache.loaded.set(nameOf(topicId, block), "");
    }
  }
}

const nameOf = (topicId: string, { partition, entry }: PlacedBlock): string =>
  `block/${topicId}/${partition}/${entry.id}`;

/** Partitions of a topic that were ever flushed. */
export async function partitionsOf(client: CassandraClient, topicId: string): Promise<number[]> {
  const rows = await client.rows(`SELECT part FROM ${client.keyspace}.partition_index WHERE topic_id = ?`, [topicId]);
  return rows.map((row) => numberIn(row, "part"));
}
