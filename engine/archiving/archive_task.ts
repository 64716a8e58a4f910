/**
 * One partition on its way into the archive, beside its way into minutes: a reader of its own, so that an archive that is
 * out of reach keeps nothing else waiting. What is not archived yet is read again from the log.
 */
import type { ChainOwner, ChainState } from "../../core/archive/chain.ts";
import { type FetchedBatches, OffsetOutOfRange, type PartitionReader } from "../../core/log/partitioned_log.ts";
import { PRESETS } from "../../core/minutes/preset.ts";
import { Chunk } from "../chunk.ts";
import { findParser } from "../parsing/registry.ts";
import { awaitSchema, NO_SCHEMAS, SchemaMissing, type Schemas } from "../parsing/schemas.ts";
import { PartitionLoop, type TenureEnd } from "../partition_loop.ts";
import type { Assignment, Notice, StoreCalls, WorkerSettings } from "../protocol.ts";
import { RecordCollector } from "./record_collector.ts";

const FETCH_WAIT_MS = 40;
/** Nobody waits for a segment: what comes at the log's end may gather. */
const LINGER_MS = 500;
const FORMAT_WAIT_MS = 1_000;
/** Bytes of records that become a row group, at most. */
const GROUP_BYTES = 8 * 1_048_576;
/** Records of a partition may be of any hours: a segment is written before it has more files than this. */
const HOURS_MAX = 64;

export interface ArchiveTaskParts {
  readonly assignment: Assignment;
  readonly settings: WorkerSettings;
  readonly store: StoreCalls;
  readonly openReader: () => PartitionReader;
  readonly notify: (notice: Notice) => void;
  /** Registered schemas of the worker's records; absent: none is known. */
  readonly schemas?: Schemas;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** What this partition may hold in memory at the moment. */
  readonly bytesMax: () => number;
}

export class ArchiveTask extends PartitionLoop {
  readonly #parts: ArchiveTaskParts;
  protected override readonly restartsFrom = "what is archived";

  constructor(parts: ArchiveTaskParts) {
    super(parts);
    this.#parts = parts;
  }

  get #owner(): ChainOwner {
    const { topicId, topicName, partition } = this.#parts.assignment;
    return { topicId, topicName, partition };
  }

  protected override async tenure(): Promise<TenureEnd> {
    const { store, openReader } = this.#parts;
    const chain = await store.readChain(this.#owner);
    const reader = openReader();
    try {
      const end = await this.#meetGap(reader, chain);
      if (end !== null) return end;
      const format = await this.#format(chain.from);
      if (format === undefined) return "stopped";
      return await this.#collect(reader, chain, format);
    } finally {
      reader.close();
    }
  }

  /** Null where the log holds what comes next. What it no longer held when the archive began is no gap. */
  async #meetGap(reader: PartitionReader, { from, taken }: ChainState): Promise<TenureEnd | null> {
    const { settings, store } = this.#parts;
    try {
      await reader.fetch(from, 1, 0);
      return null;
    } catch (error) {
      if (!(error instanceof OffsetOutOfRange)) throw error;
      if (error.offset > error.end) {
        this.notify("error", `the archive is at offset ${from}, but the log ends at ${error.end}; it waits`);
      } else if (from > 0 && settings.onGap === "stop") {
        this.notify(
          "error",
          `the log no longer holds offsets ${from} to ${error.start - 1}, which are not archived; the archive waits: ` +
            "set engine.onGap to continue to go on without them",
        );
      } else {
        const to = Math.max(error.start, taken?.to ?? 0);
        this.notify(
          "warning",
          from === 0
            ? `the archive begins at offset ${to}: the log holds nothing before that`
            : `offsets ${from} to ${to - 1} are lost to the archive`,
        );
        await store.passArchive(this.#owner, from, to);
        return "restart";
      }
      await this.sleep(60_000);
      return "restart";
    }
  }

  /** As the engine decided it; null where it found none, undefined where there is nothing more to do. */
  async #format(from: number): Promise<string | null | undefined> {
    const { assignment, store } = this.#parts;
    while (!this.isStopping && !this.isForgotten) {
      const format = assignment.format ?? await store.decideFormat(assignment.topicId, null);
      if (format !== null) return format;
      if ((await store.readPartition(assignment.topicId, assignment.partition)).checkpoint > from) return null;
      await this.sleep(FORMAT_WAIT_MS);
    }
    return undefined;
  }

  async #collect(reader: PartitionReader, chain: ChainState, format: string | null): Promise<TenureEnd> {
    const { assignment, settings } = this.#parts;
    const parser = format === null ? undefined : findParser(format);
    const compiled = parser?.compile({ ...assignment, schemas: this.#parts.schemas }) ?? null;
    const batches = new Batches(reader, settings.fetchBytes);
    let [from, until] = [chain.from, chain.taken?.to ?? Infinity];
    while (!this.isForgotten) {
      const collector = new RecordCollector({
        topicId: assignment.topicId,
        partition: assignment.partition,
        parser: compiled,
        measures: PRESETS[assignment.preset ?? parser?.preset ?? "apps"].measures,
        futureMs: settings.futureMs,
        recordBytesMax: settings.recordBytesMax,
        from,
        until,
      });
      await this.#fill(collector, batches, until);
      if (this.isForgotten) break;
      if (until !== Infinity && collector.position < until) return "stopped"; // what was taken is archived whole
      if (collector.position > from) {
        if (!await this.#commit(collector, from)) return "conflict";
        this.succeeded();
      }
      if (this.isStopping) return "stopped";
      if (parser === undefined) return "restart"; // the engine may have found a format since
      [from, until] = [collector.position, Infinity];
    }
    return "stopped";
  }

  /** Reads on until there is enough for a segment, or it has waited for long enough. */
  async #fill(collector: RecordCollector, batches: Batches, until: number): Promise<void> {
    const { settings, bytesMax, now } = this.#parts;
    const chunk = new Chunk(this.unreadable);
    const from = collector.position;
    let beganMs: number | null = null;
    for (;;) {
      const { bytes, next, end } = await batches.at(collector.position);
      chunk.reset(bytes, next);
      if (!await this.#apply(chunk, collector)) break;
      collector.passTo(next);
      if (collector.position > from) beganMs ??= now();
      const limit = bytesMax();
      if (collector.pendingBytes >= Math.min(GROUP_BYTES, limit / 2)) collector.encode();
      const isFull = collector.encodedBytes >= Math.min(settings.segmentBytes, limit) || collector.hours >= HOURS_MAX;
      const isOld = beganMs !== null &&
        (settings.segmentMs === 0 ? next >= end : now() - beganMs >= settings.segmentMs);
      // What was taken is read to its end, whatever it takes.
      if (collector.position >= until || (until === Infinity && (isFull || isOld))) break;
      if (this.isStopping || this.isForgotten) break;
      if (next >= end) await this.sleep(settings.segmentMs === 0 ? FETCH_WAIT_MS : LINGER_MS);
    }
    collector.encode();
  }

  /** Applies the chunk, and loads schemas that it asks for; false where the task is to end before. */
  async #apply(chunk: Chunk, collector: RecordCollector): Promise<boolean> {
    for (;;) {
      try {
        chunk.applyTo(collector);
        return true;
      } catch (error) {
        if (!(error instanceof SchemaMissing)) throw error;
        const waiter = {
          isEnding: () => this.isStopping || this.isForgotten,
          sleep: (ms: number) => this.sleep(ms),
          notify: () => {}, // the other task of the partition tells
        };
        if (!await awaitSchema(this.#parts.schemas ?? NO_SCHEMAS, error.id, waiter)) return false;
      }
    }
  }

  async #commit(collector: RecordCollector, from: number): Promise<boolean> {
    const { store } = this.#parts;
    const range = { ...this.#owner, from, to: collector.position, files: collector.files() };
    return await store.commitArchive(range, collector.lastRecordMs);
  }
}

/** Fetches ahead: the next batches are under way while these are collected. */
class Batches {
  readonly #reader: PartitionReader;
  readonly #fetchBytes: number;
  #ahead: { readonly offset: number; readonly fetched: Promise<FetchedBatches> } | null = null;

  constructor(reader: PartitionReader, fetchBytes: number) {
    this.#reader = reader;
    this.#fetchBytes = fetchBytes;
  }

  async at(offset: number): Promise<FetchedBatches> {
    const ahead = this.#ahead;
    this.#ahead = null;
    let fetched = await ahead?.fetched;
    if (fetched === undefined || ahead?.offset !== offset) {
      fetched = await this.#reader.fetch(offset, this.#fetchBytes, FETCH_WAIT_MS);
    }
    const { next, end } = fetched;
    if (next < end) {
      const following = this.#reader.fetch(next, this.#fetchBytes, 0);
      following.catch(() => {}); // met when it is awaited
      this.#ahead = { offset: next, fetched: following };
    }
    return fetched;
  }
}
