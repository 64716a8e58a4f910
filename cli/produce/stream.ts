/** Moves lines from an input into a sink: bounded memory, at a pace, told how far it came. */
import { MillraceError } from "../../core/errors.ts";
import { formatPlural } from "../format.ts";
import type { Input } from "./input.ts";
import { LineSplitter } from "./lines.ts";
import { type RecordSink, Undelivered } from "./sink.ts";

/** Records that wait for company in a slow pipe are sent after this long. */
const FLUSH_AFTER_MS = 250;
/** Records of this much time are sent between two pauses. */
const PACE_SLICE_MS = 50;

export interface StreamOptions {
  /** Records to send at most. */
  readonly limit?: number;
  /** Records a second. */
  readonly rate?: number;
  /** Lines to leave out at the start, empty ones counted. */
  readonly skipLines: number;
  readonly lineBytesMax: number;
  /** Resolves when the user wants to stop: what was read is flushed. */
  readonly stopped: Promise<void>;
  readonly onProgress?: (progress: StreamProgress) => void;
}

export interface StreamProgress {
  records: number;
  /** Of the records, without line ends. */
  recordBytes: number;
  emptyLines: number;
  /** Lines up to this number are durable, or were left out. */
  durableLine: number;
  durableRecords: number;
}

/** What came of it. */
export interface StreamResult extends Readonly<StreamProgress> {
  readonly isStopped: boolean;
}

/** Streams all of `input`. A failure says which lines are surely in, so that nothing need be sent twice. */
export async function streamLines(input: Input, sink: RecordSink, options: StreamOptions): Promise<StreamResult> {
  return await new LineStream(input, sink, options).run();
}

class LineStream {
  readonly #lines: LineSplitter;
  readonly #progress: StreamProgress = { records: 0, recordBytes: 0, emptyLines: 0, durableLine: 0, durableRecords: 0 };
  readonly #startMs = performance.now();
  #lastFlushMs = this.#startMs;
  #isStopped = false;
  /** Number of the last line taken (sent or left out). */
  #takenLine = 0;
  #nextPause: number;
  readonly #paceRecords: number;

  constructor(
    private readonly input: Input,
    private readonly sink: RecordSink,
    private readonly options: StreamOptions,
  ) {
    this.#lines = new LineSplitter(options.lineBytesMax);
    this.#paceRecords = Math.max(1, Math.floor((options.rate ?? 0) * PACE_SLICE_MS / 1000));
    this.#nextPause = options.rate === undefined ? Infinity : this.#paceRecords;
    void options.stopped.then(() => this.#isStopped = true);
  }

  async run(): Promise<StreamResult> {
    try {
      if (this.options.limit !== 0) await this.#readAll();
      await this.#flush();
    } catch (error) {
      throw await this.#explained(error);
    }
    return { ...this.#progress, isStopped: this.#isStopped };
  }

  async #readAll(): Promise<void> {
    const chunks = this.input.chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        const chunk = await this.#nextChunk(chunks.next());
        if (chunk === null) break;
        this.#lines.push(chunk);
        if (await this.#takeLines()) return;
        if (performance.now() - this.#lastFlushMs >= FLUSH_AFTER_MS) await this.#flush();
        this.#report();
      }
      if (!this.#isStopped && this.#lines.finish()) await this.#take();
    } finally {
      // A read of a pipe may never end: it is not waited for.
      void chunks.return?.().catch(() => {});
    }
  }

  /** The next chunk; null at the end or when told to stop. While none comes, what waits is sent. */
  async #nextChunk(reading: Promise<IteratorResult<Uint8Array>>): Promise<Uint8Array | null> {
    for (;;) {
      const timer = timeout(FLUSH_AFTER_MS);
      const result = await Promise.race([reading, timer.elapsed, this.options.stopped]);
      timer.cancel();
      if (this.#isStopped) {
        reading.catch(() => {});
        return null;
      }
      if (typeof result === "object") return result.done ? null : result.value;
      await this.#flush();
    }
  }

  /** Takes the whole lines of the chunk; true where no more are wanted. */
  async #takeLines(): Promise<boolean> {
    while (this.#lines.next()) {
      // Awaited only where there is something to wait for: a promise a line would cost more than the line.
      const wait = this.#take();
      if (wait !== null) await wait;
      if (this.#progress.records === this.options.limit || this.#isStopped) return true;
    }
    return false;
  }

  #take(): Promise<void> | null {
    const { bytes, start, end, lineNumber } = this.#lines;
    if (lineNumber <= this.options.skipLines) {
      this.#takenLine = lineNumber;
      return null;
    }
    if (!this.sink.add(bytes, start, end)) return this.#takeAfterFlush();
    return this.#count();
  }

  async #takeAfterFlush(): Promise<void> {
    await this.#flush();
    const { bytes, start, end } = this.#lines;
    if (!this.sink.add(bytes, start, end)) throw new Error("an empty sink takes any record");
    await this.#count();
  }

  #count(): Promise<void> | null {
    this.#takenLine = this.#lines.lineNumber;
    this.#progress.records++;
    this.#progress.recordBytes += this.#lines.end - this.#lines.start;
    return this.#progress.records < this.#nextPause ? null : this.#pause();
  }

  /** Waits until the clock has caught up with the records. */
  async #pause(): Promise<void> {
    const { rate } = this.options;
    if (rate === undefined) return;
    this.#nextPause = this.#progress.records + this.#paceRecords;
    if (performance.now() - this.#lastFlushMs >= FLUSH_AFTER_MS) await this.#flush();
    this.#report();
    const dueMs = this.#startMs + this.#progress.records * 1000 / rate;
    while (!this.#isStopped && performance.now() < dueMs) {
      const timer = timeout(Math.min(dueMs - performance.now(), FLUSH_AFTER_MS));
      await Promise.race([timer.elapsed, this.options.stopped]);
      timer.cancel();
      if (this.#progress.durableRecords < this.#progress.records && dueMs - performance.now() > 0) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#progress.records > this.#progress.durableRecords) await this.sink.flush();
    this.#lastFlushMs = performance.now();
    this.#progress.durableRecords = this.#progress.records;
    this.#progress.durableLine = this.#takenLine;
    this.#report();
  }

  #report(): void {
    this.#progress.emptyLines = this.#lines.emptyLines;
    this.options.onProgress?.(this.#progress);
  }

  /** The error with what is in. A line that cannot be read still lets the ones before it in. */
  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof Undelivered) return this.#withPosition(error.reason, error.mayBeIn);
    if (!(error instanceof MillraceError)) return error;
    try {
      await this.#flush();
    } catch (second) {
      if (second instanceof Undelivered) return this.#withPosition(second.reason, second.mayBeIn);
      throw second;
    }
    return this.#withPosition(error, false);
  }

  #withPosition(reason: MillraceError, mayBeIn: boolean): MillraceError {
    const { durableLine, durableRecords } = this.#progress;
    const sent = formatPlural(durableRecords, "record");
    const surely = durableLine === 0 ? "nothing was produced" : `${sent}, up to line ${durableLine}, are in`;
    const doubt = mayBeIn ? `; lines ${durableLine + 1} to ${this.#takenLine} may be in or not` : "";
    const goOn = durableLine > 0 || mayBeIn ? `; go on with --skip ${durableLine}` : "";
    const doubling = mayBeIn ? `, which may double lines, or --skip ${this.#takenLine}, which may lose some` : "";
    return new MillraceError(
      reason.code,
      `${this.input.name}: ${reason.message}; ${surely}${doubt}`,
      `${reason.remedy}${goOn}${doubling}`,
      { cause: reason },
    );
  }
}

function timeout(ms: number): { elapsed: Promise<"elapsed">; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<"elapsed">();
  const timer = setTimeout(() => resolve("elapsed"), ms);
  return { elapsed: promise, cancel: () => clearTimeout(timer) };
}
