/**
 * A store whose records go on in the archive: of what came into the log before the topic's floor, the offsets that are
 * archived are read from there, all else from the store. Both answer by the same statements; everything else is the store's
 * own.
 */
import type {
  AccessReport,
  AccessReportQuery,
  CountQuery,
  DocumentCollection,
  DocumentPut,
  EventQuery,
  EventRecord,
  Export,
  ExportQuery,
  FlushOutcome,
  OffsetCover,
  PartitionFlush,
  PartitionState,
  QuarantineQuery,
  QuarantineRecord,
  RowCount,
  SeriesQuery,
  SeriesResult,
  Store,
  SummaryQuery,
  SummaryResult,
  TimeRange,
  UnitExtent,
  UnitReplacement,
  UnitState,
} from "../store/ports.ts";
import type { ArchivedReads, ArchivedShare, ArchivedTopic, Cuts } from "./archived_reads.ts";
import { readCovers } from "./chain.ts";
import { readFloor } from "./floor.ts";
import { ARCHIVED_TABLES, type ArchivedTable } from "./keys.ts";

const HOUR_MS = 3_600_000;

export interface ArchivedStoreParts {
  readonly store: Store;
  readonly reads: ArchivedReads;
  /** How much later than its time in the log an event may say that it was. */
  readonly futureMs: number;
  /** Undefined where the log has no topic of that id. */
  readonly topicOf: (topicId: string) => Promise<{ readonly name: string; readonly partitions: number } | undefined>;
}

export class ArchivedStore implements Store {
  readonly #parts: ArchivedStoreParts;
  readonly #store: Store;

  constructor(parts: ArchivedStoreParts) {
    this.#parts = parts;
    this.#store = parts.store;
  }

  /** The times below which a topic's records may be the archive's; null where the range has none of those. */
  async #split(
    topicId: string,
    { fromMs }: TimeRange,
    tables: readonly ArchivedTable[],
  ): Promise<{ topic: ArchivedTopic; cuts: Cuts; covers: () => Promise<readonly OffsetCover[]> } | null> {
    const cuts: Record<ArchivedTable, number> = { events: -Infinity, quarantine: -Infinity };
    for (const table of tables) {
      const floorMs = await readFloor(this.#store, table, topicId);
      if (floorMs === null) continue;
      // Events may be ahead of their time in the log; quarantined records go by that.
      const latestMs = table === "events" ? floorMs + this.#parts.futureMs : floorMs;
      cuts[table] = Math.ceil(latestMs / HOUR_MS) * HOUR_MS;
    }
    if (tables.every((table) => fromMs >= cuts[table])) return null;
    const topic = await this.#parts.topicOf(topicId);
    if (topic === undefined) return null;
    const { name, partitions } = topic;
    return { topic: { id: topicId, name }, cuts, covers: () => readCovers(this.#store, topicId, partitions) };
  }

  async events(query: EventQuery): Promise<readonly EventRecord[]> {
    const split = await this.#split(query.topicId, query.range, ["events"]);
    if (split === null) return await this.#store.events(query);
    return await pageOf(
      query,
      split.cuts.events,
      split.covers,
      ({ timestampMicros }) => timestampMicros,
      (query) => this.#store.events(query),
      (query, covers) => this.#parts.reads.events(split.topic, query, covers),
    );
  }

  async quarantine(query: QuarantineQuery): Promise<readonly QuarantineRecord[]> {
    const split = await this.#split(query.topicId, query.range, ["quarantine"]);
    if (split === null) return await this.#store.quarantine(query);
    return await pageOf(
      query,
      split.cuts.quarantine,
      split.covers,
      ({ recordTimeMs }) => recordTimeMs,
      (query) => this.#store.quarantine(query),
      (query, covers) => this.#parts.reads.quarantine(split.topic, query, covers),
    );
  }

  async accessReport(query: AccessReportQuery): Promise<AccessReport> {
    const split = await this.#split(query.topicId, query.range, ARCHIVED_TABLES);
    if (split === null) return await this.#store.accessReport(query);
    const share = await this.#share(query, split);
    return await this.#parts.reads.accessReport(split.topic, query, share);
  }

  async export(query: ExportQuery): Promise<Export> {
    const { table, topicId, range } = query;
    if (table !== "events" && table !== "quarantine") return await this.#store.export(query);
    const split = await this.#split(topicId, range, [table]);
    if (split === null) return await this.#store.export(query);
    // Before the records: they reflect at least that.
    const frontier = (await this.#store.partitions(topicId)).map(({ partition, checkpoint }) => ({
      partition,
      offset: checkpoint,
    }));
    const share = await this.#share(query, split);
    return { stream: await this.#parts.reads.export(split.topic, { ...query, table }, share), frontier };
  }

  /** Those of the store alone: whoever wants to know how many there are does not want to fetch the archive for it. */
  async count(query: CountQuery): Promise<RowCount> {
    const { table, topicId, range } = query;
    if (table !== "events" && table !== "quarantine") return await this.#store.count(query);
    const split = await this.#split(topicId, range, [table]);
    if (split === null) return await this.#store.count(query);
    const kept = { ...range, fromMs: Math.max(range.fromMs, split.cuts[table]) };
    const rows = kept.fromMs >= range.toMs ? 0 : (await this.#store.count({ ...query, range: kept })).rows;
    return { rows, isAll: false };
  }

  /** What of a range is the archive's, and how to copy the rest of it from the store. */
  async #share(
    { topicId, range: { fromMs, toMs } }: { readonly topicId: string; readonly range: TimeRange },
    split: { readonly cuts: Cuts; readonly covers: () => Promise<readonly OffsetCover[]> },
  ): Promise<ArchivedShare> {
    const { cuts } = split;
    const covers = await split.covers();
    const rest = async (table: ArchivedTable): Promise<readonly string[]> => {
      const older = { fromMs, toMs: Math.min(toMs, cuts[table]) };
      const newer = { fromMs: Math.max(fromMs, cuts[table]), toMs };
      const paths: string[] = [];
      if (older.fromMs < older.toMs) paths.push(await this.#store.copyRecords(table, topicId, older, covers));
      if (newer.fromMs < newer.toMs) paths.push(await this.#store.copyRecords(table, topicId, newer));
      return paths;
    };
    return { cuts, covers, rest };
  }

  copyRecords(...of: Parameters<Store["copyRecords"]>): Promise<string> {
    return this.#store.copyRecords(...of);
  }

  series(query: SeriesQuery): Promise<SeriesResult> {
    return this.#store.series(query);
  }

  summary(query: SummaryQuery): Promise<SummaryResult> {
    return this.#store.summary(query);
  }

  partitions(topicId: string): Promise<readonly (PartitionState & { readonly partition: number })[]> {
    return this.#store.partitions(topicId);
  }

  gaps(topicId: string): ReturnType<Store["gaps"]> {
    return this.#store.gaps(topicId);
  }

  unitVersions(topicId: string): ReturnType<Store["unitVersions"]> {
    return this.#store.unitVersions(topicId);
  }

  countStored(topicId: string): ReturnType<Store["countStored"]> {
    return this.#store.countStored(topicId);
  }

  unitExtents(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitExtent[]> {
    return this.#store.unitExtents(topicId, partition, buckets);
  }

  replaceUnits(replacements: readonly UnitReplacement[]): Promise<boolean> {
    return this.#store.replaceUnits(replacements);
  }

  readPartition(topicId: string, partition: number): Promise<PartitionState> {
    return this.#store.readPartition(topicId, partition);
  }

  readUnits(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitState[]> {
    return this.#store.readUnits(topicId, partition, buckets);
  }

  flush(flush: PartitionFlush): Promise<FlushOutcome> {
    return this.#store.flush(flush);
  }

  putIfAbsent(key: string, value: string): Promise<string> {
    return this.#store.putIfAbsent(key, value);
  }

  get(key: string): Promise<string | null> {
    return this.#store.get(key);
  }

  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    return this.#store.compareAndSet(key, expected, value);
  }

  readDocuments(collection: string): Promise<DocumentCollection> {
    return this.#store.readDocuments(collection);
  }

  documentsVersion(collection: string): Promise<number> {
    return this.#store.documentsVersion(collection);
  }

  commitDocuments(collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    return this.#store.commitDocuments(collection, expect, puts);
  }

  dropDocuments(collection: string): Promise<void> {
    return this.#store.dropDocuments(collection);
  }

  dropTopic(topicId: string): Promise<void> {
    return this.#store.dropTopic(topicId);
  }

  retain(limits: { minutesBeforeMs: number; eventsBeforeMs: number }): Promise<number> {
    return this.#store.retain(limits);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

interface PageQuery {
  readonly range: TimeRange;
  readonly limit: number;
  readonly bytesMax?: number;
  readonly without?: readonly OffsetCover[];
}

interface PageRow {
  readonly partition: number;
  readonly offset: number;
  readonly raw: Uint8Array;
}

/** A page, newest first: from the store alone, and where that does not fill it, older ones from both. */
async function pageOf<Q extends PageQuery, T extends PageRow>(
  query: Q,
  cutMs: number,
  readCovers: () => Promise<readonly OffsetCover[]>,
  timeOf: (row: T) => number,
  fromStore: (query: Q) => Promise<readonly T[]>,
  fromArchive: (query: Q, covers: readonly OffsetCover[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const { range: { fromMs, toMs }, limit, bytesMax = Infinity } = query;
  const newer = toMs <= cutMs ? [] : await fromStore({ ...query, range: { fromMs: cutMs, toMs } });
  const bytes = newer.reduce((sum, { raw }) => sum + raw.length, 0);
  if (newer.length >= limit || bytes >= bytesMax) return newer;
  const older = {
    ...query,
    range: { fromMs, toMs: Math.min(toMs, cutMs) },
    limit: limit - newer.length,
    ...(bytesMax === Infinity ? {} : { bytesMax: bytesMax - bytes }),
  };
  const covers = await readCovers(); // before both: what is archived meanwhile is still the store's
  const [kept, archived] = await Promise.all([
    fromStore({ ...older, without: covers }),
    fromArchive(older, covers),
  ]);
  const both = [...kept, ...archived].sort((a, b) =>
    timeOf(b) - timeOf(a) || b.partition - a.partition || b.offset - a.offset
  );
  return [...newer, ...firstOf(both, older)];
}

/** As many as a page has. Each of the pages that were merged goes at least as far, or to its end. */
function firstOf<T extends PageRow>(rows: readonly T[], { limit, bytesMax = Infinity }: PageQuery): readonly T[] {
  let bytes = 0;
  const last = rows.slice(0, limit).findIndex(({ raw }) => (bytes += raw.length) >= bytesMax);
  return rows.slice(0, last < 0 ? limit : last + 1);
}
