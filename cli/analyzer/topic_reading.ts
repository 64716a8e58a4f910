/** Reads the errors of one topic, all partitions side by side, and gives them out in batches when it is asked. */
import type { ErrorBatch, ErrorRecord } from "../../analyzer/errors/error_record.ts";
import { OffsetOutOfRange, type PartitionReader, type ReaderSpec } from "../../core/log/partitioned_log.ts";
import { CorruptBatch } from "../../core/log/record_batch.ts";
import { Chunk } from "../../engine/chunk.ts";
import { detectFormat, findParser } from "../../engine/parsing/registry.ts";
import { ErrorCollector } from "./error_collector.ts";
import type { ReadingSpec } from "./error_protocol.ts";

const FETCH_WAIT_MS = 500;
/** At the log's end records gather for so long: a fetch for each few of them costs more than they do. */
const LINGER_MS = 100;
const SAMPLE_RECORDS = 100;
const SAMPLE_BYTES_MAX = 65_536;
/** What may wait to be asked for: then reading rests. */
const WAITING_ERRORS_MAX = 2_000;
const WAITING_CHARS_MAX = 8 * 1_048_576;
const POLL_MS = 50;

export interface TopicReadingParts {
  readonly spec: ReadingSpec;
  readonly openReader: (spec: ReaderSpec) => PartitionReader;
  /** Decides the topic's format, given what was detected; null: none yet. */
  readonly decideFormat: (detected: string | null) => Promise<string | null>;
  readonly onGap: (partition: number, from: number, to: number) => void;
  readonly now: () => number;
}

export class TopicReading {
  readonly #parts: TopicReadingParts;
  readonly #readers: PartitionReader[] = [];
  readonly #loops: Promise<void>[];
  #format: string | null;
  #deciding: Promise<void> | null = null;
  #errors: ErrorRecord[] = [];
  #chars = 0;
  #oldestMs = 0;
  /** What the next batch reaches, where it is more than the one before. */
  #positions = new Map<number, number>();
  readonly #given = new Map<number, number>();
  #read = 0;
  #isClosed = false;
  #failure: unknown = null;

  constructor(parts: TopicReadingParts) {
    this.#parts = parts;
    this.#format = parts.spec.format;
    this.#loops = parts.spec.partitions.map((each, partition) =>
      this.#follow(partition, each.reader, each.from).catch((error) => this.#failure ??= error)
    );
  }

  /** A batch that is large or old enough, or says how far was read without an error; null after `waitMs`. */
  async next(waitMs: number): Promise<ErrorBatch | null> {
    const { now, spec } = this.#parts;
    const deadlineMs = now() + waitMs;
    for (;;) {
      const isDue = this.#errors.length >= spec.batchErrors ||
        (this.#errors.length > 0 && now() - this.#oldestMs >= spec.batchMs);
      if (isDue) return this.#take();
      if (this.#failure !== null) throw this.#failure; // what was read before it was given out
      if (now() >= deadlineMs) return this.#errors.length === 0 && this.#positions.size > 0 ? this.#take() : null;
      await pause(POLL_MS);
    }
  }

  #take(): ErrorBatch {
    const batch = {
      topicId: this.#parts.spec.topicId,
      records: this.#errors,
      positions: this.#positions,
      read: this.#read,
    };
    this.#errors = [];
    this.#chars = 0;
    this.#positions = new Map();
    this.#read = 0;
    return batch;
  }

  #add(error: ErrorRecord): boolean {
    if (this.#errors.length === 0) this.#oldestMs = this.#parts.now();
    this.#errors.push(error);
    this.#chars += error.message.length + error.raw.length;
    return this.#hasRoom();
  }

  #hasRoom(): boolean {
    return this.#errors.length < WAITING_ERRORS_MAX && this.#chars < WAITING_CHARS_MAX;
  }

  async #room(): Promise<void> {
    while (!this.#hasRoom() && !this.#isClosed) await pause(POLL_MS);
  }

  async #follow(partition: number, readerSpec: ReaderSpec, from: number): Promise<void> {
    const { spec, openReader, onGap } = this.#parts;
    const reader = openReader(readerSpec);
    this.#readers.push(reader);
    const unreadable = new Set<number>();
    const chunk = new Chunk(unreadable);
    let collector = this.#collectorOf(partition, from);
    let corruptAt = -1;
    while (!this.#isClosed) {
      try {
        const { bytes, next, end } = await reader.fetch(collector.position, spec.fetchBytes, FETCH_WAIT_MS);
        if (bytes.length > 0) collector = await this.#withFormat(collector, partition, bytes);
        chunk.reset(bytes, next);
        while (chunk.applyTo(collector) !== null) {
          this.#reached(partition, collector);
          await this.#room();
          if (this.#isClosed) return;
        }
        collector.passTo(next);
        this.#reached(partition, collector);
        await this.#room();
        if (next >= end) await pause(LINGER_MS);
      } catch (error) {
        if (this.#isClosed) return;
        if (error instanceof CorruptBatch && error.offset !== null) {
          if (error.offset === corruptAt) unreadable.add(error.offset); // stays so: the engine keeps it in quarantine
          corruptAt = error.offset;
        } else if (error instanceof OffsetOutOfRange && error.offset < error.start) {
          onGap(partition, error.offset, error.start);
          collector.passTo(error.start);
        } else throw error;
      }
    }
  }

  #reached(partition: number, collector: ErrorCollector): void {
    const before = this.#given.get(partition) ?? this.#parts.spec.partitions[partition].from;
    this.#read += collector.read;
    collector.read = 0;
    if (collector.position === before) return;
    this.#positions.set(partition, collector.position);
    this.#given.set(partition, collector.position);
  }

  #collectorOf(partition: number, from: number): ErrorCollector {
    const { timeZone, mapping, futureMs, recordBytesMax } = this.#parts.spec;
    const parser = this.#format === null ? undefined : findParser(this.#format);
    return new ErrorCollector(from, {
      partition,
      parser: parser?.compile({ timeZone, mapping }) ?? null,
      futureMs,
      recordBytesMax,
      take: (error) => this.#add(error),
    });
  }

  /** Until the format is known, each chunk may show it. */
  async #withFormat(collector: ErrorCollector, partition: number, bytes: Uint8Array): Promise<ErrorCollector> {
    if (collector.hasParser) return collector;
    if (this.#format === null) {
      // One partition asks for all.
      this.#deciding ??= this.#decide(bytes).finally(() => this.#deciding = null);
      await this.#deciding;
    }
    return this.#format === null ? collector : this.#collectorOf(partition, collector.position);
  }

  async #decide(bytes: Uint8Array): Promise<void> {
    const detected = detectFormat(Chunk.sample(bytes, SAMPLE_RECORDS, SAMPLE_BYTES_MAX))?.name ?? null;
    this.#format = await this.#parts.decideFormat(detected);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.close();
    await Promise.all(this.#loops);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
