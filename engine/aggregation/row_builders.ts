/** Growing columns of events and quarantined records, handed to the store whole with each flush. */
import { type EventFields, type Measure, MEASURE_SLOT, SLOT, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import type { EventRows, QuarantineRows } from "../../core/store/record_blocks.ts";

/**
 * Bytes that grow by doubling; `take` hands them over and starts anew, with room for as many. Where they are kept, what was
 * taken is good until the next append: no memory is asked for, and none is left to the collector (bench/scan).
 */
class Arena {
  #bytes = new Uint8Array(0);
  #expected = 4096;
  size = 0;

  constructor(readonly isKept: boolean) {}

  /** Copies source[start, end) and answers where it begins. */
  append(source: Uint8Array, start: number, end: number): number {
    const at = this.size;
    const size = at + end - start;
    if (size > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(size, this.#bytes.length * 2, this.#expected));
      bytes.set(this.#bytes.subarray(0, at));
      this.#bytes = bytes;
    }
    this.#bytes.set(source.subarray(start, end), at);
    this.size = size;
    return at;
  }

  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.size);
    if (!this.isKept) this.#bytes = new Uint8Array(0);
    this.#expected = this.size + (this.size >> 2);
    this.size = 0;
    return bytes;
  }
}

/** A typed-array column that grows by doubling, and hands itself over like {@link Arena}. */
class Column<A extends Float64Array | Int32Array | Uint32Array> {
  #values: A;
  #expected = 64;
  size = 0;

  constructor(readonly create: (length: number) => A, readonly isKept: boolean) {
    this.#values = create(0);
  }

  push(value: number): void {
    if (this.size === this.#values.length) {
      const values = this.create(Math.max(this.size * 2, this.#expected));
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.size++] = value;
  }

  take(): A {
    const values = this.#values.subarray(0, this.size) as A;
    if (!this.isKept) this.#values = this.create(0);
    this.#expected = this.size + (this.size >> 2);
    this.size = 0;
    return values;
  }
}

const floats = (isKept: boolean) => new Column((length) => new Float64Array(length), isKept);
const ints = (isKept: boolean) => new Column((length) => new Int32Array(length), isKept);
const uints = (isKept: boolean) => new Column((length) => new Uint32Array(length), isKept);

export class EventRowsBuilder {
  readonly #arena: Arena;
  readonly #offsets: ReturnType<typeof floats>;
  readonly #times: ReturnType<typeof floats>;
  readonly #recordTimes: ReturnType<typeof floats>;
  readonly #rawStarts: ReturnType<typeof uints>;
  readonly #rawEnds: ReturnType<typeof uints>;
  readonly #starts: readonly ReturnType<typeof ints>[];
  readonly #ends: readonly ReturnType<typeof ints>[];
  readonly #measures: readonly {
    readonly slot: number;
    readonly name: Measure;
    readonly values: ReturnType<typeof floats>;
  }[];

  /** @param isKept Whether its memory stays its own: then rows that were taken are good until the next is added. */
  constructor(measures: readonly Measure[], isKept = false) {
    this.#arena = new Arena(isKept);
    this.#offsets = floats(isKept);
    this.#times = floats(isKept);
    this.#recordTimes = floats(isKept);
    this.#rawStarts = uints(isKept);
    this.#rawEnds = uints(isKept);
    this.#starts = TEXT_FIELDS.map(() => ints(isKept));
    this.#ends = TEXT_FIELDS.map(() => ints(isKept));
    this.#measures = measures.map((name) => ({ name, slot: MEASURE_SLOT[name], values: floats(isKept) }));
  }

  get rows(): number {
    return this.#offsets.size;
  }

  get sizeBytes(): number {
    return this.#arena.size;
  }

  /** Adds the event `fields` of the record bytes[start, end), counted at `times.micros`. */
  add(
    offset: number,
    times: { micros: number; recordTimeMs: number },
    bytes: Uint8Array,
    start: number,
    end: number,
    fields: EventFields,
  ): void {
    const rawStart = this.#arena.append(bytes, start, end);
    this.#offsets.push(offset);
    this.#times.push(times.micros);
    this.#recordTimes.push(times.recordTimeMs);
    this.#rawStarts.push(rawStart);
    this.#rawEnds.push(rawStart + end - start);
    // Spans of the record itself move with it; spans of a scratch buffer are copied behind it.
    const isRecord = fields.bytes === bytes;
    for (let slot = 0; slot < this.#starts.length; slot++) {
      const from = fields.starts[slot];
      if (from < 0) {
        this.#starts[slot].push(-1);
        this.#ends[slot].push(0);
        continue;
      }
      const to = fields.ends[slot];
      const at = isRecord && from >= start && to <= end
        ? rawStart + from - start
        : this.#arena.append(fields.bytes, from, to);
      this.#starts[slot].push(at);
      this.#ends[slot].push(at + to - from);
    }
    for (const { slot, values } of this.#measures) values.push(fields.measures[slot]);
  }

  /** The rows so far, or null where there are none; the builder is empty afterwards. */
  take(): EventRows | null {
    if (this.rows === 0) return null;
    const rows = this.rows;
    return {
      rows,
      bytes: this.#arena.take(),
      offsets: this.#offsets.take(),
      timestampMicros: this.#times.take(),
      recordTimesMs: this.#recordTimes.take(),
      rawStarts: this.#rawStarts.take(),
      rawEnds: this.#rawEnds.take(),
      text: Object.fromEntries(
        TEXT_FIELDS.map((
          name,
        ) => [name, { starts: this.#starts[SLOT[name]].take(), ends: this.#ends[SLOT[name]].take() }]),
      ),
      measures: Object.fromEntries(this.#measures.map(({ name, values }) => [name, values.take()])),
    };
  }
}

export class QuarantineRowsBuilder {
  readonly #arena = new Arena(false);
  readonly #offsets = floats(false);
  readonly #times = floats(false);
  readonly #rawStarts = uints(false);
  readonly #rawEnds = uints(false);
  #reasons: string[] = [];

  get rows(): number {
    return this.#reasons.length;
  }

  get sizeBytes(): number {
    return this.#arena.size;
  }

  add(offset: number, recordTimeMs: number, bytes: Uint8Array, start: number, end: number, reason: string): void {
    const rawStart = this.#arena.append(bytes, start, end);
    this.#offsets.push(offset);
    this.#times.push(recordTimeMs);
    this.#rawStarts.push(rawStart);
    this.#rawEnds.push(rawStart + end - start);
    this.#reasons.push(reason);
  }

  take(): QuarantineRows | null {
    if (this.rows === 0) return null;
    const reasons = this.#reasons;
    this.#reasons = [];
    return {
      rows: reasons.length,
      bytes: this.#arena.take(),
      offsets: this.#offsets.take(),
      recordTimesMs: this.#times.take(),
      rawStarts: this.#rawStarts.take(),
      rawEnds: this.#rawEnds.take(),
      reasons,
    };
  }
}
