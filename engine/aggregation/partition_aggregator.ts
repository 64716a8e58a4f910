/**
 * One partition's records on their way into minute cells, events and quarantine: the hot path. Pure: no I/O, no clock;
 * the record's own time stands in where an event has none, so that a replay gives the same. bench/scan times it.
 */
import { EventFields, MEASURE_SLOT, SLOT } from "../../core/minutes/fields.ts";
import { RecordWalker } from "../../core/log/record_batch.ts";
import type { Preset } from "../../core/minutes/preset.ts";
import type { PartitionState, UnitState } from "../../core/store/ports.ts";
import type { CompiledParser, Reason } from "../parsing/parser.ts";
import { bucketOf, type MinutePartial, PartitionDelivery, type Unit } from "../delivery/partition_delivery.ts";
import { CellPool } from "./cell_pool.ts";
import { PresetDimensionIds, UnitCaps } from "./dimension_ids.ts";
import { EventRowsBuilder, QuarantineRowsBuilder } from "./row_builders.ts";
import { MinuteCells } from "./minute_cells.ts";
import { takeMinuteRows } from "./minute_rows.ts";
import type { FlushContent } from "./flush_content.ts";
import type { RecordSource } from "./record_source.ts";
import { Kernel } from "../kernel/kernel.ts";
import { AT_ROWS, AT_SCANNED, Lane, type LaneBounds, ROW_VALUES } from "../kernel/lane.ts";
import { NOT_CACHED, TupleCache } from "./tuple_cache.ts";

const MICROS_PER_MINUTE = 60_000_000;
const NOTHING = new Uint8Array(0);
/** Distinct dimension values held before memory is given back (between two flushes). */
const VALUES_MAX = 200_000;
/** Hours without a minute in memory that are remembered: as many as late events commonly fall into. */
const IDLE_UNITS = 16;

export interface AggregatorOptions {
  readonly parser: CompiledParser | null;
  /** What tuples are remembered with, also those of others; the parser's own, where it has one. Absent: a new one. */
  readonly kernel?: Kernel;
  /** Where tables of cells come from and go to; absent: one of its own. */
  readonly cellPool?: CellPool;
  readonly preset: Preset;
  readonly latenessMs: number;
  readonly futureMs: number;
  readonly recordBytesMax: number;
  readonly keepsEvents: boolean;
}

export class PartitionAggregator {
  readonly delivery: PartitionDelivery<MinuteCells>;
  readonly #options: AggregatorOptions;
  readonly #fields = new EventFields();
  #ids: PresetDimensionIds;
  readonly #caps = new Map<number, UnitCaps>();
  readonly #kernel: Kernel;
  readonly #cellPool: CellPool;
  readonly #tuples: TupleCache;
  readonly #cellIds: Int32Array;
  readonly #measureSlots: readonly number[];
  readonly #events: EventRowsBuilder | null;
  readonly #quarantine = new QuarantineRowsBuilder();
  readonly #totals = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };
  #watermarkMicros: number;
  #lastRecordTimeMs = 0;
  /** Counts the usual records by itself, where their events need not be kept. */
  readonly #lane: Lane | null;
  readonly #bounds: LaneBounds = { serial: 0, firstOffset: 0, minuteStartMicros: Infinity, watermarkMicros: 0 };
  /** Why the record at hand could not be parsed, or null. */
  #reason: Reason | null = null;
  readonly #times = { micros: 0, recordTimeMs: 0 };
  /** Set while a record waits for its unit: the next call begins with it. */
  #isHolding = false;
  // The unit and partial of the record before: nearly always those of this one.
  #unit: Unit<MinuteCells> | null = null;
  #partial: MinutePartial<MinuteCells> | null = null;
  #minuteStartMicros = 0;

  constructor(writer: string, state: Pick<PartitionState, "checkpoint" | "watermarkMs">, options: AggregatorOptions) {
    const { preset } = options;
    this.#options = options;
    this.#ids = new PresetDimensionIds(preset);
    this.#cellIds = new Int32Array(preset.dimensions.length);
    this.#kernel = options.kernel ?? options.parser?.kernel ?? new Kernel();
    this.#lane = options.keepsEvents || options.parser?.parseScanned === undefined
      ? null
      : new Lane(this.#kernel, options);
    this.#tuples = new TupleCache(preset.dimensions.map(({ name }) => SLOT[name]), this.#kernel);
    this.#measureSlots = preset.measures.map((name) => MEASURE_SLOT[name]);
    this.#events = options.keepsEvents ? new EventRowsBuilder(preset.measures) : null;
    this.#watermarkMicros = state.watermarkMs === null ? -Infinity : state.watermarkMs * 1000;
    const pool = this.#cellPool = options.cellPool ?? new CellPool();
    this.delivery = new PartitionDelivery(
      writer,
      state.checkpoint,
      () => pool.take(preset.dimensions.length, preset.measures.length, this.#partial?.cells.size),
      (cells) => pool.give(cells),
    );
  }

  /** Event and quarantine rows that wait for the next flush, and their bytes: what bounds memory. */
  get pendingRows(): number {
    return (this.#events?.rows ?? 0) + this.#quarantine.rows;
  }

  get pendingBytes(): number {
    return (this.#events?.sizeBytes ?? 0) + this.#quarantine.sizeBytes;
  }

  /** Whether the next flush would carry this many minute cells, or more. */
  hasChanged(cells: number): boolean {
    if (this.delivery.countDirty(() => true, ({ size }) => size) < cells) return false; // nearly always
    return this.delivery.countDirty(() => true, (held) => held.countChanged()) >= cells;
  }

  /** Whether minutes that only late events can change have this many cells that the next flush would carry, or more. */
  hasFinished(cells: number): boolean {
    return this.#countCells(true) >= cells;
  }

  /** Whether most cells that the next flush would carry are of such minutes. */
  get hasMostFinished(): boolean {
    return this.#countCells(true) >= 2 * this.#countCells(false);
  }

  #countCells(areFinished: boolean): number {
    const isCounted = (minute: number) => (minute + 1) * MICROS_PER_MINUTE <= this.#watermarkMicros === areFinished;
    return this.delivery.countDirty(isCounted, ({ size }) => size);
  }

  /** Call it where the bytes of a buffer that was applied may have changed, or are to be let go of. */
  forgetBuffer(): void {
    this.#kernel.forget();
    this.#fields.bytes = NOTHING;
  }

  /**
   * Applies the records of `source`, whose values lie in `bytes`. Answers null at its end, or the bucket of a unit that
   * must be read from the store and handed to {@link addUnit} before the call is repeated with the same source.
   */
  apply(bytes: Uint8Array, source: RecordSource): number | null {
    const { delivery } = this;
    const fields = this.#fields;
    if (this.#isHolding) this.#parse(bytes, source);
    else if (!this.#advance(bytes, source)) return null;
    do {
      const { offset, timestampMs } = source;
      const reason = this.#reason;
      const recordMicros = timestampMs * 1000;
      const isClockBad = reason === null &&
        !(fields.timestampMicros <= recordMicros + this.#options.futureMs * 1000);
      const micros = reason !== null || isClockBad ? recordMicros : fields.timestampMicros;
      const inMinute = micros - this.#minuteStartMicros;
      if (this.#partial === null || inMinute < 0 || inMinute >= MICROS_PER_MINUTE) {
        const missing = this.#enterMinute(micros, offset);
        if (missing !== null) {
          this.#isHolding = true;
          return missing;
        }
      }
      this.#isHolding = false;
      this.#count(offset, micros, isClockBad, reason, bytes, source);
      delivery.position = offset + 1;
    } while (this.#advance(bytes, source));
    return null;
  }

  /** Goes to the next record that the lane does not count, if there is one, and parses it. */
  #advance(bytes: Uint8Array, source: RecordSource): boolean {
    if (this.#lane !== null && source instanceof RecordWalker) {
      const stop = this.#runLane(this.#lane, bytes, source);
      if (stop === AT_SCANNED) {
        this.#reason = this.#parseScanned(this.#lane.answer, bytes, source);
        return true;
      }
    }
    do {
      if (!source.next()) return false;
    } while (source.offset < this.delivery.position); // the batch begins before the checkpoint
    this.#parse(bytes, source);
    return true;
  }

  #parse(bytes: Uint8Array, { valueStart, valueEnd, timestampMs, reason }: RecordSource): void {
    const { parser, recordBytesMax } = this.#options;
    this.#isHolding = true; // until it is counted: a parser may throw for want of a schema
    if (reason !== undefined) this.#reason = reason;
    else if (valueStart < 0) this.#reason = "empty";
    else if (valueEnd - valueStart > recordBytesMax) this.#reason = "too_large";
    else if (parser === null) this.#reason = "unknown_format";
    else this.#reason = parser.parse(bytes, valueStart, valueEnd, timestampMs, this.#fields);
  }

  #parseScanned(answer: number, bytes: Uint8Array, { valueStart, valueEnd, timestampMs }: RecordSource): Reason | null {
    return this.#options.parser?.parseScanned?.(answer, bytes, valueStart, valueEnd, timestampMs, this.#fields) ?? null;
  }

  /** Counts usual records of the current minute, and answers why it stopped. */
  #runLane(lane: Lane, bytes: Uint8Array, walker: RecordWalker): number {
    const { delivery } = this;
    const bounds = this.#bounds;
    for (;;) {
      const unit = this.#unit;
      const partial = this.#partial;
      const isCounting = unit !== null && partial !== null;
      bounds.serial = partial?.cells.serial ?? 0;
      bounds.firstOffset = Math.max(delivery.position, unit?.upto ?? 0);
      bounds.minuteStartMicros = isCounting ? this.#minuteStartMicros : Infinity;
      bounds.watermarkMicros = this.#watermarkMicros;
      const stop = lane.run(bytes, walker, bounds);
      if (isCounting && lane.rows > 0) {
        this.#addRows(lane, partial.cells);
        partial.isDirty = true;
        unit.isDirty = true;
        delivery.position = walker.baseOffset + walker.previousDelta + (stop === AT_SCANNED ? 0 : 1);
      }
      if (stop !== AT_ROWS) return stop;
    }
  }

  #addRows(lane: Lane, cells: MinuteCells): void {
    const { rows, values, cells: tagged } = lane;
    const { counts, errors, measures } = cells;
    for (let row = 0; row < rows; row++) {
      counts[tagged[row] >> 1]++;
      errors[tagged[row] >> 1] += tagged[row] & 1;
    }
    const slots = this.#measureSlots;
    for (let i = 0; i < slots.length; i++) measures[i].addRows(rows, tagged, values, ROW_VALUES, slots[i]);
    const totals = this.#totals;
    totals.consumed += rows;
    totals.events += rows;
    totals.late += lane.late;
    this.#tuples.foundByKernel(rows);
    this.#watermarkMicros = lane.watermarkMicros;
    this.#lastRecordTimeMs = lane.recordTimeMs;
  }

  /** Offsets below `next` that hold no record (control batches, compaction, gaps) are passed over. */
  passTo(next: number): void {
    if (next > this.delivery.position) this.delivery.position = next;
  }

  addUnit(state: UnitState): void {
    this.delivery.addUnit(state.bucket, state.upto, state.writer);
    this.#caps.set(state.bucket, new UnitCaps(this.#ids, state.values));
  }

  /** Makes the minute of `micros` the current one; answers the bucket whose unit is not known yet. */
  #enterMinute(micros: number, offset: number): number | null {
    const minute = Math.floor(micros / MICROS_PER_MINUTE);
    const bucket = bucketOf(minute);
    const unit = this.delivery.unit(bucket);
    if (unit === undefined) return bucket;
    this.#unit = unit;
    this.#minuteStartMicros = minute * MICROS_PER_MINUTE;
    // A record that its unit holds already must not begin a partial: #count looks again at the next new one.
    this.#partial = this.delivery.isNew(unit, offset)
      ? this.delivery.touch(unit, minute, offset)
      : unit.partials.get(minute) ?? null;
    return null;
  }

  #count(
    offset: number,
    micros: number,
    isClockBad: boolean,
    reason: Reason | null,
    bytes: Uint8Array,
    source: RecordSource,
  ): void {
    const totals = this.#totals;
    totals.consumed++;
    this.#lastRecordTimeMs = source.timestampMs;
    if (reason === null) {
      totals.events++;
      if (isClockBad) totals.clockBad++;
      // A late event's whole minute lies behind the watermark.
      if (this.#minuteStartMicros + MICROS_PER_MINUTE <= this.#watermarkMicros) totals.late++;
      const watermark = micros - this.#options.latenessMs * 1000;
      if (watermark > this.#watermarkMicros) this.#watermarkMicros = watermark;
    } else totals.unparsed++;
    const unit = this.#unit;
    if (unit === null || !this.delivery.isNew(unit, offset)) return;
    let partial = this.#partial;
    if (partial === null) {
      partial = this.delivery.touch(unit, Math.floor(micros / MICROS_PER_MINUTE), offset);
      this.#partial = partial;
    }
    partial.isDirty = true;
    unit.isDirty = true;
    if (reason === null) {
      this.#addEvent(partial.cells, unit.bucket);
      this.#addEventRow(offset, micros, bytes, source);
      return;
    }
    this.#addUnparsed(partial.cells);
    const start = Math.max(0, source.valueStart);
    this.#quarantine.add(offset, source.timestampMs, bytes, start, Math.max(start, source.valueEnd), reason);
  }

  #addEvent(cells: MinuteCells, bucket: number): void {
    const fields = this.#fields;
    let cell = this.#tuples.find(fields, cells.serial);
    if (cell === NOT_CACHED) cell = this.#findCell(cells, bucket);
    cells.counts[cell]++;
    if (this.#tuples.isError) cells.errors[cell]++;
    for (let i = 0; i < this.#measureSlots.length; i++) {
      const value = fields.measures[this.#measureSlots[i]];
      if (value === value) cells.measures[i].add(cell, value);
    }
  }

  #findCell(cells: MinuteCells, bucket: number): number {
    const columns = this.#ids.columns;
    const ids = this.#cellIds;
    const fields = this.#fields;
    let isError = false;
    for (let i = 0; i < columns.length; i++) {
      const id = columns[i].read(fields);
      ids[i] = id;
      if (columns[i].marksError(id)) isError = true;
    }
    let cell = cells.find(ids);
    if (cell < 0) {
      this.#caps.get(bucket)?.apply(ids);
      cell = cells.find(ids);
      if (cell < 0) cell = cells.insert(ids);
    }
    this.#tuples.put(cells.serial, cell, isError);
    return cell;
  }

  #addEventRow(offset: number, micros: number, bytes: Uint8Array, source: RecordSource): void {
    if (this.#events === null) return;
    this.#times.micros = micros;
    this.#times.recordTimeMs = source.timestampMs;
    this.#events.add(offset, this.#times, bytes, source.valueStart, source.valueEnd, this.#fields);
  }

  #addUnparsed(cells: MinuteCells): void {
    const ids = this.#ids.unparsedIds;
    let cell = cells.find(ids);
    if (cell < 0) cell = cells.insert(ids);
    cells.counts[cell]++;
  }

  /**
   * Everything that the next flush carries, copied; null where there is nothing to flush or one is under way.
   * @param endsPartials As of {@link PartitionDelivery.planFlush}.
   */
  takeFlush(endsPartials = false): FlushContent | null {
    const plan = this.delivery.planFlush(endsPartials);
    if (plan === null) return null;
    if (endsPartials) this.#unit = this.#partial = null;
    const { preset } = this.#options;
    const minutes = takeMinuteRows(plan.partials, {
      dimensions: preset.dimensions.map(({ name }) => name),
      measures: preset.measures,
      interners: this.#ids.columns.map((column) => column.interner),
    });
    if (endsPartials) { for (const { cells } of plan.partials) this.#cellPool.give(cells); }
    const totals = { ...this.#totals };
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) this.#totals[key] = 0;
    return {
      at: plan.at,
      expectCheckpoint: plan.expectCheckpoint,
      units: plan.units,
      minutes,
      events: this.#events?.take() ?? null,
      quarantine: this.#quarantine.take(),
      watermarkMs: this.#watermarkMicros === -Infinity ? null : Math.floor(this.#watermarkMicros / 1000),
      lastRecordTimeMs: this.#lastRecordTimeMs,
      totals,
      hasFinalRows: endsPartials,
    };
  }

  /** True once so many distinct values are held that the next settled flush should be followed by {@link forget}. */
  get isCrowded(): boolean {
    return this.#ids.size > VALUES_MAX;
  }

  /** Gives back what final minutes hold. Call it after a flush was settled. */
  evictFinal(): void {
    this.#evict((minute) => (minute + 1) * MICROS_PER_MINUTE <= this.#watermarkMicros, IDLE_UNITS);
  }

  /** Gives back everything, if all of it is flushed. */
  forget(): void {
    this.#evict(() => true, 0);
    if (this.#caps.size === 0) this.#ids = new PresetDimensionIds(this.#options.preset);
  }

  #evict(isOver: (minute: number) => boolean, unitsKept: number): void {
    if (this.#isHolding) return;
    this.delivery.evict(isOver, unitsKept);
    for (const bucket of this.#caps.keys()) if (this.delivery.unit(bucket) === undefined) this.#caps.delete(bucket);
    this.#unit = null;
    this.#partial = null;
  }
}
