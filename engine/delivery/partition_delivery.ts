/**
 * What to apply, skip, flush and drop: the exactly-once decisions of one partition, without I/O, clock or randomness.
 *
 * A unit is one hour bucket of the partition. The store keeps `upto` per unit (every record of the bucket below it is
 * reflected) and a checkpoint per partition (every record below it is reflected somewhere). A record is applied iff its
 * offset is not below the `upto` that its unit had when it was first touched. A flush moves `upto` of all dirty units
 * and the checkpoint from what this delivery read to its position, by compare-and-set; whoever loses a race wrote
 * nothing, forgets what it held, and starts again from the store's checkpoint. So accepted rows always cover exactly
 * [upto before, upto after), whoever wrote them. tests/simulation proves it with crashes, zombies and lost answers.
 */
import type { PartitionState, UnitState } from "../../core/store/ports.ts";

export const MINUTES_PER_BUCKET = 60;

/** The hour bucket of a minute (minutes since 1970 UTC). */
export function bucketOf(minute: number): number {
  return Math.floor(minute / MINUTES_PER_BUCKET);
}

/** The cells of one minute since `fromOffset`, cumulative: a flush writes those that changed, under (minute, fromOffset). */
export interface MinutePartial<Cells> {
  readonly minute: number;
  /** First offset absorbed: what keeps this partial's rows apart from those of other tenures and of evicted partials. */
  readonly fromOffset: number;
  readonly cells: Cells;
  isDirty: boolean;
}

export interface Unit<Cells> {
  readonly bucket: number;
  /** As the store has them: read at first touch, then moved by our own flushes. */
  upto: number;
  writer: string | null;
  isDirty: boolean;
  readonly partials: Map<number, MinutePartial<Cells>>;
}

/** A dirty unit as the store must still have it: a replay changes who wrote it, and not how far it reaches. */
export interface ExpectedUnit {
  readonly bucket: number;
  readonly expect: number;
  readonly expectWriter: string | null;
}

/** One flush: the rows of `partials` as they are when the plan is made, before another record is applied. */
export interface FlushPlan<Cells> {
  readonly at: number;
  readonly expectCheckpoint: number;
  readonly units: readonly ExpectedUnit[];
  readonly partials: readonly MinutePartial<Cells>[];
}

export class PartitionDelivery<Cells> {
  readonly #units = new Map<number, Unit<Cells>>();
  readonly #createCells: (bucket: number) => Cells;
  readonly #dropCells: (cells: Cells) => void;
  #inFlight: FlushPlan<Cells> | null = null;
  #checkpoint: number;
  /** The next offset to apply. */
  position: number;

  /**
   * @param writer Unlike any other's: a random id per tenure.
   * @param dropCells Told of cells that were flushed and are held no more.
   */
  constructor(
    readonly writer: string,
    checkpoint: number,
    createCells: (bucket: number) => Cells,
    dropCells: (cells: Cells) => void = () => {},
  ) {
    this.#checkpoint = checkpoint;
    this.position = checkpoint;
    this.#createCells = createCells;
    this.#dropCells = dropCells;
  }

  get checkpoint(): number {
    return this.#checkpoint;
  }

  get isFlushing(): boolean {
    return this.#inFlight !== null;
  }

  /** The unit of a bucket, or undefined: then read it from the store and {@link addUnit} it before the record is applied. */
  unit(bucket: number): Unit<Cells> | undefined {
    return this.#units.get(bucket);
  }

  /** What `count` says of the cells that a flush would carry, summed over the minutes that `isCounted`. */
  countDirty(isCounted: (minute: number) => boolean, count: (cells: Cells) => number): number {
    let sum = 0;
    for (const { partials, isDirty } of this.#units.values()) {
      if (!isDirty) continue;
      for (const [minute, { isDirty, cells }] of partials) if (isDirty && isCounted(minute)) sum += count(cells);
    }
    return sum;
  }

  addUnit(bucket: number, upto: number, writer: string | null = null): Unit<Cells> {
    const unit: Unit<Cells> = { bucket, upto, writer, isDirty: false, partials: new Map() };
    this.#units.set(bucket, unit);
    return unit;
  }

  /** False where the store's rows of this unit hold the record already. */
  isNew(unit: Unit<Cells>, offset: number): boolean {
    return offset >= unit.upto;
  }

  /** The partial that takes the record at `offset`, marked dirty. Call it for every record that is new to its unit. */
  touch(unit: Unit<Cells>, minute: number, offset: number): MinutePartial<Cells> {
    let partial = unit.partials.get(minute);
    if (partial === undefined) {
      partial = { minute, fromOffset: offset, cells: this.#createCells(unit.bucket), isDirty: true };
      unit.partials.set(minute, partial);
    }
    partial.isDirty = true;
    unit.isDirty = true;
    return partial;
  }

  /**
   * The next flush, or null where nothing is to be flushed or the flush before has not been settled. The caller copies
   * the rows of the plan's partials before it applies another record.
   * @param endsPartials Later records begin new partials, under their own offsets: no flush will replace rows of this one. The
   * plan's cells are then the caller's alone.
   */
  planFlush(endsPartials = false): FlushPlan<Cells> | null {
    if (this.#inFlight !== null || this.position === this.#checkpoint) return null;
    const units: ExpectedUnit[] = [];
    const partials = [];
    for (const unit of this.#units.values()) {
      if (unit.isDirty) units.push({ bucket: unit.bucket, expect: unit.upto, expectWriter: unit.writer });
      unit.isDirty = false;
      for (const partial of unit.partials.values()) {
        if (partial.isDirty) partials.push(partial);
        else if (endsPartials) this.#dropCells(partial.cells);
        partial.isDirty = false;
      }
      if (endsPartials) unit.partials.clear();
    }
    // Old buckets first: a store without a transaction over units then finishes the past before the present.
    units.sort((a, b) => a.bucket - b.bucket);
    this.#inFlight = { at: this.position, expectCheckpoint: this.#checkpoint, units, partials };
    return this.#inFlight;
  }

  /** The flush was applied. */
  settleApplied(): void {
    const plan = this.#inFlight;
    if (plan === null) throw new Error("a flush was settled that was not planned");
    for (const { bucket } of plan.units) {
      const unit = this.#units.get(bucket);
      if (unit === undefined) throw new Error(`unit ${bucket} was evicted while its flush was under way`);
      unit.upto = plan.at;
      unit.writer = this.writer;
    }
    this.#checkpoint = plan.at;
    this.#inFlight = null;
  }

  /**
   * The flush got no clear answer (a time-out, an error): true iff what the store now holds shows that it was applied,
   * in full and by us. In every other case the caller starts again from the store's checkpoint, which is always safe.
   */
  isApplied(partition: Pick<PartitionState, "checkpoint" | "writer">, units: readonly UnitRead[]): boolean {
    const plan = this.#inFlight;
    if (plan === null) return false;
    const found = new Map(units.map((unit) => [unit.bucket, unit]));
    return this.isMine(partition.checkpoint, partition.writer, plan.at) &&
      plan.units.every(({ bucket }) => {
        const unit = found.get(bucket);
        return unit !== undefined && this.isMine(unit.upto, unit.writer, plan.at);
      });
  }

  /** Reaching the same offset is not enough: another tenure may have got there with rows of its own. */
  protected isMine(reached: number, writer: string | null, at: number): boolean {
    return reached === at && writer === this.writer;
  }

  /**
   * Forgets partials that are clean and in a minute that `isOver`, and units without partials but for the `unitsKept` that
   * came last: late events need not have them read again. Later records of such a minute start a new partial under their
   * own offset; readers add partials up. Nothing is evicted during a flush.
   */
  evict(isOver: (minute: number) => boolean, unitsKept = 0): void {
    if (this.#inFlight !== null) return;
    const idle: number[] = [];
    for (const unit of this.#units.values()) {
      for (const partial of unit.partials.values()) {
        if (partial.isDirty || !isOver(partial.minute)) continue;
        unit.partials.delete(partial.minute);
        this.#dropCells(partial.cells);
      }
      if (!unit.isDirty && unit.partials.size === 0) idle.push(unit.bucket);
    }
    for (const bucket of idle.slice(0, Math.max(0, idle.length - unitsKept))) this.#units.delete(bucket);
  }

  /** All units held, for figures on memory. */
  get units(): IterableIterator<Unit<Cells>> {
    return this.#units.values();
  }
}

type UnitRead = Pick<UnitState, "bucket" | "upto" | "writer">;
