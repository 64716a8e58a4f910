/** Makes the records of one topic in a time range: the time of each follows from the plan. Pure but for its own state. */
import type { RateCurve } from "./curve.ts";
import type { Lane, Lanes } from "./lanes.ts";
import type { BatchMessage, DoneMessage, TopicPlace } from "./protocol.ts";
import { type PartitionSchedule, scheduleOf } from "./schedule.ts";
import type { PlannedPace } from "./traffic.ts";

/** So many partitions get records at a time where there is a pace: each batch costs a write. */
const LANES_PER_RUN = 8;

export interface PlannedSourceOptions {
  readonly lanes: Lanes;
  /** Of the whole topic; each partition asks one of its own, in the order of time. */
  readonly curveOf: () => RateCurve;
  readonly pace: PlannedPace;
  readonly place: TopicPlace;
  /** Records of the whole topic after which it ends; Infinity: none. */
  readonly limit: number;
}

export class PlannedSource {
  readonly #options: PlannedSourceOptions;
  #schedules = new Map<Lane, PartitionSchedule>();
  /** Per lane with records left, the time up to which they are sent. */
  #reached = new Map<Lane, number>();

  constructor(options: PlannedSourceOptions) {
    this.#options = options;
    this.place(options.place);
  }

  /** Begins the plan in a topic. */
  place(place: TopicPlace): void {
    const { lanes, pace } = this.#options;
    const { fromMs, toMs } = pace;
    lanes.place(place);
    const { partitions } = lanes;
    this.#reached = new Map(lanes.all.map((lane) => [lane, fromMs]));
    this.#schedules = new Map(lanes.all.map((lane) => {
      const { partition } = lane;
      const schedule = scheduleOf(this.#options, pace, partition, partitions);
      const { records, previousMs } = place.taken?.[partition] ?? { records: 0, previousMs: NaN };
      for (let i = 0; i < records; i++) if (schedule.nextMs(toMs) < toMs) schedule.take();
      lane.previousMs = previousMs;
      return [lane, schedule];
    }));
  }

  get pendingBytes(): number {
    return this.#options.lanes.pendingBytes;
  }

  get isFinished(): boolean {
    return this.#reached.size === 0;
  }

  /** The time up to which all records are sent; Infinity at the end. */
  get reachedMs(): number {
    return Math.min(Infinity, ...this.#reached.values());
  }

  done(message: DoneMessage): void {
    this.#options.lanes.done(message);
  }

  /** Sends records of before `untilMs`, as far as there is room: a batch of some partitions, in turn. True: there were some. */
  run(untilMs: number, send: (batch: BatchMessage) => void): boolean {
    const { lanes } = this.#options;
    let hasSent = false;
    for (const lane of lanes.open().slice(0, LANES_PER_RUN)) {
      if (this.#fill(lane, untilMs, send)) hasSent = true;
      lanes.passTurn(lane);
    }
    return hasSent;
  }

  #fill(lane: Lane, untilMs: number, send: (batch: BatchMessage) => void): boolean {
    const { lanes } = this.#options;
    const schedule = this.#schedules.get(lane);
    if (schedule === undefined || !this.#reached.has(lane) || !lanes.hasRoom(lane)) return false;
    const first = schedule.index;
    let timeMs = schedule.nextMs(untilMs);
    for (let isFull = false; timeMs < Infinity && !isFull; timeMs = schedule.nextMs(untilMs)) {
      isFull = lanes.write(lane, timeMs);
      schedule.take();
    }
    if (timeMs === Infinity) this.#reached.delete(lane);
    else this.#reached.set(lane, Number.isNaN(timeMs) ? untilMs : timeMs);
    lanes.send(lane, send);
    return schedule.index > first;
  }
}
