/**
 * One partition in a worker: fetch, apply, flush, and again from the checkpoint. What to do is decided in other files.
 */
import { messageOf } from "../core/errors.ts";
import { type FetchedBatches, OffsetOutOfRange, type PartitionReader } from "../core/log/partitioned_log.ts";
import { PRESETS } from "../core/minutes/preset.ts";
import type { PartitionFlush } from "../core/store/ports.ts";
import type { CellPool } from "./aggregation/cell_pool.ts";
import { PartitionAggregator } from "./aggregation/partition_aggregator.ts";
import type { CatchUpTurns, Turn } from "./catch_up_turns.ts";
import { Chunk } from "./chunk.ts";
import { encodeBlocks } from "./flush_blocks.ts";
import { FlushIntervals } from "./flush_intervals.ts";
import { detectFormat, findParser } from "./parsing/registry.ts";
import type { Parser } from "./parsing/parser.ts";
import { awaitSchema, NO_SCHEMAS, SchemaMissing, type Schemas } from "./parsing/schemas.ts";
import type { ReadyParser } from "./parsing/shared_parsers.ts";
import { PartitionLoop, type TenureEnd } from "./partition_loop.ts";
import type { Assignment, Notice, StoreCalls, WorkerSettings } from "./protocol.ts";

const FETCH_WAIT_MS = 40;
/**
 * At the log's end records gather until the next multiple of this: a fetch for each few of them costs more than they do,
 * and partitions that wake together flush together.
 */
const LINGER_MS = 100;
/** Cells of finished minutes that are not kept waiting: storing many goes on beside reading, and at the end takes long. */
const FINISHED_CELLS = 8_192;
/** Of a partition's first fetch, which may wait for its turn. */
const FIRST_FETCH_BYTES = 65_536;
/** What a partition reads in a turn while others wait. */
const TURN_BYTES = 32 * 1_048_576;
/** Who waits for a turn looks so often whether a flush is due. */
const WAIT_MS = 1_000;
/** Records that a format is detected from. */
const SAMPLE_RECORDS = 100;

export interface PartitionTaskParts {
  readonly assignment: Assignment;
  readonly settings: WorkerSettings;
  readonly store: StoreCalls;
  readonly openReader: () => PartitionReader;
  readonly notify: (notice: Notice) => void;
  /** Registered schemas of the worker's records; absent: none is known. */
  readonly schemas?: Schemas;
  /** A parser made ready for the topic, which other partitions of the worker may use, too. */
  readonly makeReady: (parser: Parser, assignment: Assignment) => ReadyParser;
  /** Of the partitions of the worker that have much to read. */
  readonly turns: CatchUpTurns;
  /** Of the partitions of the worker, as of an aggregator. */
  readonly cellPool?: CellPool;
  /** The system's clock: flush intervals of all workers begin together. */
  readonly now: () => number;
}

export class PartitionTask extends PartitionLoop {
  readonly #parts: PartitionTaskParts;

  constructor(parts: PartitionTaskParts) {
    super(parts);
    this.#parts = parts;
  }

  protected override async tenure(): Promise<TenureEnd> {
    const { assignment, store, openReader } = this.#parts;
    const state = await store.readPartition(assignment.topicId, assignment.partition);
    const reader = openReader();
    try {
      const start = await this.#skipGap(reader, state);
      if (start === null) return "stopped";
      const first = await this.#firstBatches(reader, start);
      if (first === null) return "stopped";
      const format = assignment.format ?? await store.decideFormat(assignment.topicId, detect(first));
      return await new Tenure(this.#parts, reader, state, start, format, {
        isStopping: () => this.isStopping,
        isForgotten: () => this.isForgotten,
        flushed: () => this.succeeded(),
        sleep: (ms) => this.sleep(ms),
        unreadable: this.unreadable,
        notify: (severity, message) => this.notify(severity, message),
      }).run(first);
    } finally {
      reader.close();
    }
  }

  /**
   * The first offset to read: the checkpoint, or past a gap that may be passed; null to leave the partition alone. What the
   * log no longer held when its topic was first seen is no gap.
   */
  async #skipGap(
    reader: PartitionReader,
    { checkpoint, writer }: Awaited<ReturnType<StoreCalls["readPartition"]>>,
  ): Promise<number | null> {
    for (;;) {
      try {
        await reader.fetch(checkpoint, 1, 0);
        return checkpoint;
      } catch (error) {
        if (!(error instanceof OffsetOutOfRange)) throw error;
        const isTooOld = error.offset < error.start;
        if (isTooOld && (writer === null || this.#parts.settings.onGap === "continue")) return error.start;
        this.notify(
          "error",
          isTooOld
            ? `the log no longer holds offsets ${error.offset} to ${error.start - 1}; the partition waits: ` +
              `set engine.onGap to continue to record the gap and go on`
            : `the store is at offset ${error.offset}, but the log ends at ${error.end}; the partition waits`,
        );
        await this.sleep(60_000);
        if (this.isStopping || this.isForgotten) return null;
      }
    }
  }

  async #firstBatches(reader: PartitionReader, start: number): Promise<FetchedBatches | null> {
    let position = start;
    while (!this.isStopping && !this.isForgotten) {
      const bytesMax = Math.min(FIRST_FETCH_BYTES, this.#parts.settings.fetchBytes);
      const fetched = await reader.fetch(position, bytesMax, FETCH_WAIT_MS);
      if (fetched.bytes.length > 0) return fetched;
      position = fetched.next;
      await this.sleep(LINGER_MS - this.#parts.now() % LINGER_MS);
    }
    return null;
  }
}

function detect(fetched: FetchedBatches): string | null {
  return detectFormat(Chunk.sample(fetched.bytes, SAMPLE_RECORDS, 65_536))?.name ?? null;
}

interface TenureControl {
  isStopping(): boolean;
  isForgotten(): boolean;
  flushed(): void;
  /** Ends early where the task is to stop. */
  sleep(ms: number): Promise<void>;
  /** Base offsets of batches that are corrupt in the log. */
  readonly unreadable: ReadonlySet<number>;
  notify(severity: Notice["severity"], message: string): void;
}

/** From a checkpoint read to a lost race, an error or a stop. */
class Tenure {
  readonly #aggregator: PartitionAggregator;
  readonly #chunk: Chunk;
  readonly #isUndetected: boolean;
  #gaps: { start: number; end: number }[] = [];
  /** The flush under way; resolves to whether the tenure goes on. */
  #flushing: Promise<boolean> | null = null;
  #isLost = false;
  /** Whether the next flush is not to wait for the interval. */
  #isDue = false;
  readonly #intervals: FlushIntervals;
  readonly #turn: Turn;
  #turnBytes = 0;

  constructor(
    readonly parts: PartitionTaskParts,
    readonly reader: PartitionReader,
    state: Awaited<ReturnType<StoreCalls["readPartition"]>>,
    start: number,
    format: string | null,
    readonly control: TenureControl,
  ) {
    const { assignment, settings } = parts;
    const parser = format === null ? undefined : findParser(format);
    if (format !== null && parser === undefined) control.notify("error", `there is no parser ${format}`);
    this.#isUndetected = parser === undefined;
    this.#chunk = new Chunk(control.unreadable);
    this.#aggregator = new PartitionAggregator(crypto.randomUUID(), state, {
      ...(parser === undefined ? { parser: null } : parts.makeReady(parser, assignment)),
      cellPool: parts.cellPool,
      preset: PRESETS[assignment.preset ?? parser?.preset ?? "apps"],
      latenessMs: settings.latenessMs,
      futureMs: settings.futureMs,
      recordBytesMax: settings.recordBytesMax,
      keepsEvents: settings.keepsEvents,
    });
    if (start > state.checkpoint) {
      if (state.writer !== null) this.#gaps.push({ start: state.checkpoint, end: start });
      this.#aggregator.passTo(start);
    }
    this.#intervals = new FlushIntervals(parts.now, settings.flushIntervalMs);
    this.#turn = parts.turns.turn();
  }

  async run(first: FetchedBatches): Promise<TenureEnd> {
    try {
      return await this.#read(first);
    } finally {
      this.#turn.give();
    }
  }

  async #read(first: FetchedBatches): Promise<TenureEnd> {
    const { control, reader } = this;
    const { fetchBytes } = this.parts.settings;
    let fetched = first;
    if (first.next < first.end) await this.#takeTurn(); // hundreds may begin at a time
    let isLast = control.isStopping();
    while (!control.isForgotten()) {
      const { next } = fetched;
      const isAtEnd = next >= fetched.end;
      const hadTurn = this.#turn.isTaken;
      const isReadingOn = this.#readsOn(fetched, isAtEnd);
      // The next fetch is under way while this chunk is parsed; its failure is met when it is awaited.
      const fetching = isLast || !isReadingOn ? null : reader.fetch(next, fetchBytes, FETCH_WAIT_MS);
      fetching?.catch(() => {});
      if (!await this.#applyChunk(fetched)) break;
      if (this.#isLost) return "conflict";
      this.#aggregator.passTo(next);
      if (this.#hasCaughtUp(fetched, next)) this.#isDue = true;
      this.#flushIfDue();
      if (isLast) return await this.#finish();
      if (hadTurn && !isReadingOn) {
        reader.rest?.();
        this.#chunk.release();
        this.#aggregator.forgetBuffer();
        fetched = { ...fetched, bytes: new Uint8Array(0) };
      }
      if (isAtEnd) await control.sleep(LINGER_MS - this.parts.now() % LINGER_MS);
      else if (!isReadingOn) {
        this.#isDue = true; // what was applied does not wait along
        await this.#takeTurn();
      }
      try {
        fetched = await (fetching ?? reader.fetch(next, fetchBytes, 0));
      } catch (error) {
        await this.#finish(); // what was applied may be gone from the log by the next tenure
        throw error;
      }
      if (this.#isUndetected && fetched.bytes.length > 0 && await this.#isDetectedNow(fetched)) return "restart";
      this.#flushIfDue();
      isLast = control.isStopping(); // with what has gathered until then
    }
    if (!control.isForgotten()) return await this.#finish();
    await this.#flushing;
    return "stopped";
  }

  /** Waits for a turn to read on, as long as the task goes on. What was applied is flushed meanwhile. */
  async #takeTurn(): Promise<void> {
    const { control } = this;
    let isTaken = false;
    const taken = this.#turn.take().then(() => isTaken = true);
    await Promise.resolve(); // where nobody waits, it is taken by now
    while (!isTaken && !control.isStopping() && !control.isForgotten()) {
      this.#flushIfDue();
      await Promise.race([taken, control.sleep(WAIT_MS)]);
    }
    this.#turnBytes = 0;
  }

  /** Whether to read on at once after this chunk: not at the log's end, nor where others have waited long for their turn. */
  #readsOn({ bytes }: FetchedBatches, isAtEnd: boolean): boolean {
    this.#turnBytes += bytes.length;
    if (!isAtEnd && this.#turn.isTaken && (this.#turnBytes < TURN_BYTES || !this.#turn.isWanted)) return true;
    this.#turn.give();
    return false;
  }

  /** False: the task is to end, and the rest of the chunk is left for the next start. */
  async #applyChunk({ bytes, next }: FetchedBatches): Promise<boolean> {
    const { assignment, store } = this.parts;
    this.#chunk.reset(bytes, next);
    for (;;) {
      const bucket = await this.#applyOn();
      if (bucket === false) return false;
      if (bucket === null) break;
      const [unit] = await store.readUnits(assignment.topicId, assignment.partition, [bucket]);
      this.#aggregator.addUnit(unit);
    }
    if (this.#isFull() && !this.#isLost) {
      // Never more than one flush and one chunk ahead of the store: bounded memory.
      await this.#flushing;
      this.#startFlush();
      await this.#flushing;
    }
    return true;
  }

  /** Goes on with the chunk, and loads schemas that it asks for; null at its end, else a bucket to load; false to end. */
  async #applyOn(): Promise<number | null | false> {
    const { control } = this;
    for (;;) {
      try {
        return this.#chunk.applyTo(this.#aggregator);
      } catch (error) {
        if (!(error instanceof SchemaMissing)) throw error;
        this.#flushIfDue(); // what was applied does not wait along
        this.#turn.give(); // nor do other partitions
        const isEnding = () => control.isStopping() || control.isForgotten();
        const waiter = { isEnding, sleep: control.sleep, notify: control.notify };
        if (!await awaitSchema(this.parts.schemas ?? NO_SCHEMAS, error.id, waiter)) return false;
      }
    }
  }

  #isFull(): boolean {
    const { pendingRowsMax, pendingBytesMax, changedCellsMax } = this.parts.settings;
    const { pendingRows, pendingBytes, isCrowded } = this.#aggregator;
    return pendingRows >= pendingRowsMax || pendingBytes >= pendingBytesMax || isCrowded ||
      this.#aggregator.hasChanged(changedCellsMax);
  }

  /** True once after a run of large chunks, at the log's end: what was waited for long need not wait for the interval. */
  #hasCaughtUp({ bytes, end }: FetchedBatches, next: number): boolean {
    const wasCatchingUp = this.#intervals.isCatchingUp;
    this.#intervals.isCatchingUp = next < end && (wasCatchingUp || 2 * bytes.length >= this.parts.settings.fetchBytes);
    return wasCatchingUp && !this.#intervals.isCatchingUp;
  }

  #flushIfDue(): void {
    const { hasEnded } = this.#intervals;
    if (hasEnded || this.#isDue || this.#aggregator.hasFinished(FINISHED_CELLS)) this.#startFlush(hasEnded);
  }

  /** @param isAtInterval Whether other partitions begin theirs at the same moment. */
  #startFlush(isAtInterval = false): void {
    if (this.#flushing !== null || this.#isLost) return;
    // Not of minutes that further flushes will have: each would add a row for each of their cells.
    const areFinal = this.#isDue || this.#intervals.isCatchingUp && this.#aggregator.hasMostFinished;
    const content = this.#aggregator.takeFlush(areFinal && this.parts.settings.prefersFinalRows);
    if (content === null) return;
    this.#isDue = false;
    this.#intervals.begin();
    const gaps = this.#gaps;
    this.#gaps = [];
    const { topicId, partition } = this.parts.assignment;
    const flush: PartitionFlush = {
      ...content,
      ...encodeBlocks(this.parts.assignment, content, this.parts.settings.blocksByHour),
      topicId,
      partition,
      writer: this.#aggregator.delivery.writer,
      gaps,
      isAtInterval,
    };
    this.#flushing = this.#flush(flush).then((goesOn) => {
      this.#flushing = null;
      if (!goesOn) this.#isLost = true;
      return goesOn;
    });
  }

  async #flush(flush: PartitionFlush): Promise<boolean> {
    const { units } = flush; // the rest of the flush moves to the main thread
    let isApplied: boolean;
    try {
      const outcome = await this.parts.store.flush(flush);
      isApplied = outcome.kind === "applied";
    } catch (error) {
      if (this.control.isForgotten()) return false;
      isApplied = await this.#readBack(units.map(({ bucket }) => bucket));
      this.control.notify(
        "error",
        `a flush ${isApplied ? "was applied without an answer" : "failed"}: ${messageOf(error)}`,
      );
    }
    if (!isApplied) return false;
    this.#aggregator.delivery.settleApplied();
    if (this.#aggregator.isCrowded) this.#aggregator.forget();
    else this.#aggregator.evictFinal();
    this.control.flushed();
    return true;
  }

  /** After a flush without a clear answer: what does the store hold? A second failure counts as "not applied". */
  async #readBack(buckets: readonly number[]): Promise<boolean> {
    const { assignment, store } = this.parts;
    try {
      const state = await store.readPartition(assignment.topicId, assignment.partition);
      const units = await store.readUnits(assignment.topicId, assignment.partition, buckets);
      return this.#aggregator.delivery.isApplied(state, units);
    } catch {
      return false;
    }
  }

  /** A topic whose first records fit no format may show one later. */
  async #isDetectedNow(fetched: FetchedBatches): Promise<boolean> {
    const { assignment, store } = this.parts;
    if (await store.decideFormat(assignment.topicId, detect(fetched)) === null) return false;
    return await this.#finish() !== "conflict";
  }

  /** Flushes everything that was applied. */
  async #finish(): Promise<TenureEnd> {
    const { delivery } = this.#aggregator;
    while (!this.#isLost && (this.#flushing !== null || delivery.position !== delivery.checkpoint)) {
      if (this.#flushing === null) this.#startFlush();
      await this.#flushing;
    }
    return this.#isLost ? "conflict" : "stopped";
  }
}
