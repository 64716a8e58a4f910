/** When the records of a planned time range come: the time of record i of a partition is a function of the plan and i. */
import type { RateCurve } from "./curve.ts";
import type { PlannedPace } from "./traffic.ts";

const STEP_MS = 1_000;
/** A sum of fractions may end a hair below the whole number that it stands for. */
const ROUNDING = 1e-6;

/** Of `total` records over a topic, those of one partition; they add up over all. */
export function shareOfPartition(total: number, partition: number, partitions: number): number {
  return Math.floor((total + partition) / partitions);
}

/**
 * The times of one partition's records, evenly spread within each second. A partition gets its part of the topic's
 * curve, shifted by a fraction of a record from the others, so that together they come as one evenly spread row.
 */
export class PartitionSchedule {
  readonly #curve: RateCurve;
  readonly #partitions: number;
  readonly #toMs: number;
  readonly #partition: number;
  readonly #limit: number;
  #index = 0;
  /** The second that is being gone through, and the topic's records before it and with it. */
  #stepMs: number;
  #nextStepMs: number;
  #before = 0;
  #after = 0;

  /** From `fromMs` to before `toMs`, and at most `limit` records. */
  constructor(
    { curve, fromMs, toMs, partition, partitions, limit = Infinity }: {
      readonly curve: RateCurve;
      readonly fromMs: number;
      readonly toMs: number;
      readonly partition: number;
      readonly partitions: number;
      readonly limit?: number;
    },
  ) {
    this.#curve = curve;
    this.#toMs = toMs;
    this.#partitions = partitions;
    this.#partition = partition;
    this.#limit = limit;
    this.#stepMs = this.#nextStepMs = fromMs;
  }

  /** Records before the one that {@link nextMs} is about. */
  get index(): number {
    return this.#index;
  }

  /** The time of the next record, whole epoch milliseconds, if it is before `untilMs`; else NaN, and Infinity at the end. */
  nextMs(untilMs: number): number {
    // Records of all partitions up to this one, which come in turn: the last partition's first.
    const needed = (this.#index + 1) * this.#partitions - this.#partition;
    if (this.#index >= this.#limit) return Infinity;
    while (this.#after + ROUNDING < needed) {
      if (this.#nextStepMs >= this.#toMs) return Infinity;
      if (this.#nextStepMs >= untilMs) return NaN;
      this.#stepMs = this.#nextStepMs;
      this.#nextStepMs = Math.min(this.#toMs, (Math.floor(this.#stepMs / STEP_MS) + 1) * STEP_MS);
      this.#before = this.#after;
      this.#after += this.#curve.rateAt(this.#stepMs) * (this.#nextStepMs - this.#stepMs) / 1000;
    }
    const spanMs = this.#nextStepMs - this.#stepMs;
    const share = (needed - this.#before) / (this.#after - this.#before);
    const timeMs = Math.min(this.#nextStepMs - 1, this.#stepMs + Math.floor(spanMs * share + ROUNDING));
    return timeMs < untilMs ? timeMs : NaN;
  }

  /** Goes on behind that record. */
  take(): void {
    this.#index++;
  }
}

/** The schedule of one partition of a plan; `limit` is the whole topic's. */
export function scheduleOf(
  { curveOf, limit }: { readonly curveOf: () => RateCurve; readonly limit: number },
  { fromMs, toMs }: PlannedPace,
  partition: number,
  partitions: number,
): PartitionSchedule {
  const own = limit === Infinity ? Infinity : shareOfPartition(limit, partition, partitions);
  return new PartitionSchedule({ curve: curveOf(), fromMs, toMs, partition, partitions, limit: own });
}
