/** The past of a scenario under a script, as an engine would have counted it: late events late, wrong clocks wrong. */
import type { FingerprintMinutes, FingerprintReader, Fingerprints } from "../../analyzer/alerts/ports.ts";
import type { Past } from "../../analyzer/alerts/backtest.ts";
import { MINUTE_MS } from "../../analyzer/alerts/durations.ts";
import { MemoryMinutes } from "../../analyzer/alerts/memory_minutes.ts";
import { PatternBook } from "../../analyzer/errors/pattern_book.ts";
import { UNPARSED } from "../../core/minutes/fields.ts";
import type { Shape } from "../../generator/curve.ts";
import type { Incident } from "../../generator/incidents/phases.ts";
import { RECORD_ROOM_BYTES, type Scenario } from "../../generator/scenarios/scenario.ts";
import { simulate } from "../../generator/simulation.ts";

const HOUR_MS = 3_600_000;
/** An event further ahead of its record than this is counted at the record's time, as the engine does. */
const FUTURE_MS = 600_000;
/** Minutes that events may still change. */
const OPEN_MINUTES = 120;

export interface ScriptedOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly rate: number;
  readonly shape: Shape;
  readonly incidents: readonly Incident[];
  /** Where the traffic begins: what lies before the backtest is history. */
  readonly fromMs: number;
  readonly latenessMs: number;
  /** Whether patterns of error messages are found, too: it takes time. */
  readonly hasFingerprints: boolean;
}

interface Drawn {
  readonly recordTimeMs: number;
  readonly timeMs: number;
  readonly service: string;
  readonly isError: boolean;
  readonly latencyMs: number;
  readonly isUnparsable: boolean;
  /** Number of the pattern of its message, or -1. */
  readonly pattern: number;
}

interface OpenCell {
  count: number;
  errors: number;
  readonly latencies: number[];
  isDirty: boolean;
}

export class ScriptedPast implements Past {
  readonly source: MemoryMinutes;
  readonly #options: ScriptedOptions;
  readonly #book = new PatternBook();
  /** Drawn and not arrived yet, in the order of their records' times, from #next on. */
  #hour: Drawn[] = [];
  #next = 0;
  #hourMs: number;
  #watermarkMs = -Infinity;
  /** By minute, then by service. */
  readonly #cells = new Map<number, Map<string, OpenCell>>();
  readonly #patterns = new Map<number, { readonly firstSeen: number; readonly counts: Map<number, number> }>();

  constructor(options: ScriptedOptions) {
    this.#options = options;
    this.#hourMs = options.fromMs;
    this.source = new MemoryMinutes({ id: options.scenario.topic, name: options.scenario.topic });
  }

  /** Null where patterns are not looked for. */
  get fingerprints(): FingerprintReader | undefined {
    if (!this.#options.hasFingerprints) return undefined;
    return { fingerprints: (_topic, from, to) => Promise.resolve(this.#fingerprints(from, to)) };
  }

  /** All records that came into the log before `nowMs` are counted. */
  advance(nowMs: number): void {
    for (;;) {
      while (this.#next < this.#hour.length && this.#hour[this.#next].recordTimeMs < nowMs) {
        this.#count(this.#hour[this.#next++]);
      }
      if (this.#next < this.#hour.length || this.#hourMs >= nowMs) break;
      this.#drawHour();
    }
    this.#flush(nowMs);
    const { latenessMs } = this.#options;
    const untilMs = Math.min(this.#watermarkMs, nowMs - latenessMs);
    const isKnown = Number.isFinite(untilMs);
    this.source.finalUntil = isKnown ? Math.floor(untilMs / MINUTE_MS) : null;
    this.source.endedUntil = isKnown ? Math.floor((untilMs + latenessMs) / MINUTE_MS) : null;
  }

  #drawHour(): void {
    const { scenario, seed, rate, shape, incidents, hasFingerprints } = this.#options;
    const fromMs = this.#hourMs;
    this.#hourMs = fromMs + HOUR_MS;
    // Each hour begins at record 0: a seed of its own, or all hours were the same.
    const hourSeed = (seed * 1_000_003 + fromMs / HOUR_MS) % 2 ** 31;
    const writer = hasFingerprints ? scenario.create(hourSeed, incidents) : null;
    const out = new Uint8Array(RECORD_ROOM_BYTES);
    const decoder = new TextDecoder();
    let previousMs = NaN;
    const drawn: Drawn[] = [];
    simulate({ scenario, seed: hourSeed, rate, shape, incidents, fromMs, toMs: this.#hourMs }, (event) => {
      const { recordTimeMs, timeMs, service, isError, latencyMs, isUnparsable, level, index } = event;
      let pattern = -1;
      if (writer !== null && isError && !isUnparsable) {
        const text = decoder.decode(out.subarray(0, writer.write(0, index, recordTimeMs, out, 0, previousMs)));
        pattern = this.#book.add(service, level, messageIn(text));
      }
      previousMs = recordTimeMs;
      drawn.push({ recordTimeMs, timeMs, service, isError, latencyMs, isUnparsable, pattern });
    });
    this.#hour = drawn;
    this.#next = 0;
  }

  #count({ recordTimeMs, timeMs, service, isError, latencyMs, isUnparsable, pattern }: Drawn): void {
    const eventMs = isUnparsable || timeMs - recordTimeMs > FUTURE_MS ? recordTimeMs : timeMs;
    const minute = Math.floor(eventMs / MINUTE_MS);
    if (!isUnparsable) this.#watermarkMs = Math.max(this.#watermarkMs, eventMs - this.#options.latenessMs);
    const services = this.#cells.get(minute) ?? new Map<string, OpenCell>();
    this.#cells.set(minute, services);
    const key = isUnparsable ? UNPARSED : service;
    let cell = services.get(key);
    if (cell === undefined) services.set(key, cell = { count: 0, errors: 0, latencies: [], isDirty: true });
    cell.count++;
    cell.isDirty = true;
    if (isError && !isUnparsable) cell.errors++;
    if (!Number.isNaN(latencyMs) && !isUnparsable) cell.latencies.push(latencyMs);
    if (pattern >= 0) this.#countPattern(pattern, minute);
  }

  #countPattern(number: number, minute: number): void {
    let pattern = this.#patterns.get(number);
    if (pattern === undefined) this.#patterns.set(number, pattern = { firstSeen: minute, counts: new Map() });
    pattern.counts.set(minute, (pattern.counts.get(minute) ?? 0) + 1);
  }

  #flush(nowMs: number): void {
    for (const [minute, services] of this.#cells) {
      for (const [key, cell] of services) {
        if (!cell.isDirty) continue;
        cell.isDirty = false;
        const { count, errors, latencies } = cell;
        const labels: Record<string, string> = key === UNPARSED ? { level: UNPARSED } : { service: key };
        const sorted = latencies.toSorted((a, b) => a - b);
        const values = sorted.length === 0 ? undefined : { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
        this.source.set(labels, minute, { count, errors, values });
      }
      if (minute < nowMs / MINUTE_MS - OPEN_MINUTES) this.#cells.delete(minute);
    }
  }

  /** Patterns that were merged count as one, as those who keep them do. */
  #fingerprints(from: number, to: number): Fingerprints {
    const merged = new Map<
      number,
      { template: string; service: string; firstSeen: number; points: Map<number, number> }
    >();
    for (const [number, { firstSeen, counts }] of this.#patterns) {
      const { number: root, template, service } = this.#book.patternOf(number);
      const entry = merged.get(root) ?? { template, service, firstSeen, points: new Map<number, number>() };
      entry.firstSeen = Math.min(entry.firstSeen, firstSeen);
      for (const [minute, count] of counts) {
        if (minute < from - 1440) counts.delete(minute);
        else if (minute >= from && minute < to) entry.points.set(minute, (entry.points.get(minute) ?? 0) + count);
      }
      merged.set(root, entry);
    }
    const patterns = [...merged].flatMap(([id, { template, service, firstSeen, points }]): FingerprintMinutes[] =>
      points.size === 0 ? [] : [{ id: String(id), template, labels: { service }, firstSeen, points: [...points] }]
    );
    return { watchedSince: Math.floor(this.#options.fromMs / MINUTE_MS), patterns };
  }
}

function messageIn(text: string): string {
  const record: unknown = JSON.parse(text);
  if (typeof record !== "object" || record === null || !("message" in record)) return text;
  return String(record.message);
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}
