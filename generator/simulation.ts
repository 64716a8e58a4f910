/**
 * A scenario under a script in memory: what would be written, without bytes and without a log, for whoever tries rules on
 * traffic whose truth is known. The same records as a plan writes into a topic of as many partitions.
 */
import { FLAT, RateCurve, type Shape } from "./curve.ts";
import { type Incident, Phases } from "./incidents/phases.ts";
import { PartitionSchedule } from "./schedule.ts";
import type { DrawnEvent, Scenario } from "./scenarios/scenario.ts";

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Mean records a second. */
  readonly rate: number;
  /** Epoch milliseconds, `toMs` excluded. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly shape?: Shape;
  readonly incidents?: readonly Incident[];
  /** Of the topic (default 1). */
  readonly partitions?: number;
}

/** Calls `visit` for every record, in the order of their times where there is one partition. It gets the same object. */
export function simulate(options: SimulationOptions, visit: (event: Readonly<DrawnEvent>) => void): void {
  const { scenario, seed, rate, fromMs, toMs, shape = FLAT, incidents = [], partitions = 1 } = options;
  const phases = new Phases(scenario.targets, incidents);
  const trafficAt = (timeMs: number) => phases.at(timeMs).traffic;
  for (let partition = 0; partition < partitions; partition++) {
    const curve = new RateCurve({ rate, shape, seed, startMs: fromMs, rampMs: 0, burst: null, trafficAt });
    const schedule = new PartitionSchedule({ curve, fromMs, toMs, partition, partitions });
    const writer = scenario.create(seed, incidents);
    let previousMs = NaN;
    for (let timeMs = schedule.nextMs(Infinity); timeMs < Infinity; timeMs = schedule.nextMs(Infinity)) {
      visit(writer.draw(partition, schedule.index, timeMs, previousMs));
      previousMs = timeMs;
      schedule.take();
    }
  }
}

/** What came to one endpoint in one minute, by the events' own times. */
export interface MinuteCount {
  readonly minuteMs: number;
  readonly service: string;
  readonly method: string;
  readonly endpoint: string;
  count: number;
  errors: number;
  /** By level, as in WARN. */
  readonly levels: Map<string, number>;
  /** Milliseconds, of events that tell theirs. */
  readonly latenciesMs: number[];
}

/** The minutes of a simulation, in their order, and how many records of each minute could not be parsed. */
export interface MinuteCounts {
  readonly minutes: readonly MinuteCount[];
  /** By the records' minutes. */
  readonly unparsed: ReadonlyMap<number, number>;
}

const MINUTE_MS = 60_000;

/** {@link simulate}, counted by minute and endpoint. Holds all latencies: days at a high rate take memory. */
export function simulateMinutes(options: SimulationOptions): MinuteCounts {
  const byMinute = new Map<number, (MinuteCount | undefined)[]>();
  const unparsed = new Map<number, number>();
  simulate(options, (event) => {
    if (event.isUnparsable) {
      const recordMinuteMs = minuteOf(event.recordTimeMs);
      unparsed.set(recordMinuteMs, (unparsed.get(recordMinuteMs) ?? 0) + 1);
      return;
    }
    const cell = cellOf(byMinute, event);
    cell.count++;
    if (event.isError) cell.errors++;
    cell.levels.set(event.level, (cell.levels.get(event.level) ?? 0) + 1);
    if (!Number.isNaN(event.latencyMs)) cell.latenciesMs.push(event.latencyMs);
  });
  const inOrder = [...byMinute].sort(([a], [b]) => a - b);
  const minutes = inOrder.flatMap(([, cells]) => cells.filter((cell) => cell !== undefined));
  return { minutes, unparsed };
}

const minuteOf = (timeMs: number): number => Math.floor(timeMs / MINUTE_MS) * MINUTE_MS;

function cellOf(byMinute: Map<number, (MinuteCount | undefined)[]>, event: Readonly<DrawnEvent>): MinuteCount {
  const minuteMs = minuteOf(event.timeMs);
  let cells = byMinute.get(minuteMs);
  if (cells === undefined) byMinute.set(minuteMs, cells = []);
  const cell = cells[event.target];
  if (cell !== undefined) return cell;
  const { service, method, endpoint } = event;
  const made: MinuteCount = {
    minuteMs,
    service,
    method,
    endpoint,
    count: 0,
    errors: 0,
    levels: new Map(),
    latenciesMs: [],
  };
  cells[event.target] = made;
  return made;
}
