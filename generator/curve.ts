/** How many records a second a topic gets at a time: days and weeks, noise, bursts, a ramp, and what incidents do. Pure. */
import { Random } from "./random.ts";

/** How the rate changes over days and weeks. */
export interface Shape {
  /** 0: all day the same; 0.8: from a fifth of the mean at night to nearly twice as much at the peak. */
  readonly daily: number;
  /** 0: all week the same; 0.5: at weekends half as much as on other days. */
  readonly weekly: number;
  /** Spread of a minute's rate around what is usual, as a share of it. */
  readonly noise: number;
  /** Hour of the day, UTC, at which most comes. */
  readonly peakHour: number;
}

export const FLAT: Shape = { daily: 0, weekly: 0, noise: 0, peakHour: 14 };
export const REALISTIC: Shape = { daily: 0.6, weekly: 0.3, noise: 0.03, peakHour: 14 };

/** So many times the rate, for `forMs` of every `everyMs`. */
export interface Burst {
  readonly factor: number;
  readonly forMs: number;
  readonly everyMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SATURDAY = 6;

/** Factor of the mean rate at a time; its mean over whole weeks is 1. */
export function shapeFactor({ daily, weekly, peakHour }: Shape, timeMs: number): number {
  const day = Math.floor(timeMs / DAY_MS);
  const hour = (timeMs - day * DAY_MS) / HOUR_MS;
  const ofDay = 1 + daily * Math.cos(2 * Math.PI * (hour - peakHour) / 24);
  if (weekly === 0) return ofDay;
  // 1970-01-01 was a Thursday, day 4 of a week that begins on Sunday. Five days of `usual`, two of less.
  const weekday = (day + 4) % 7;
  const usual = 7 / (7 - 2 * weekly);
  return ofDay * usual * (weekday === 0 || weekday === SATURDAY ? 1 - weekly : 1);
}

export interface CurveOptions {
  /** Mean records a second, without incidents, bursts and ramp. */
  readonly rate: number;
  readonly shape: Shape;
  readonly seed: number;
  /** Where bursts and the ramp begin. */
  readonly startMs: number;
  /** From the start on the rate grows from 0 to what it is, for so long; 0: no ramp. */
  readonly rampMs: number;
  readonly burst: Burst | null;
  /** Factor that incidents make. */
  readonly trafficAt: (timeMs: number) => number;
}

const NOISE_SALT = 0x6e6f69;
const STEP_MS = 1_000;
const MINUTE_MS = 60_000;

/** The rate over time: the same for all of a second. */
export class RateCurve {
  readonly #noise = new Random(NOISE_SALT);
  #step = NaN;
  #rate = 0;
  #minute = NaN;
  #minuteFactor = 1;

  constructor(private readonly options: CurveOptions) {}

  /** Records a second during the second that `timeMs` is in. */
  rateAt(timeMs: number): number {
    const step = Math.floor(timeMs / STEP_MS);
    if (step !== this.#step) {
      this.#step = step;
      this.#rate = this.#rateOf(step * STEP_MS);
    }
    return this.#rate;
  }

  #rateOf(timeMs: number): number {
    const { rate, startMs, rampMs, burst, trafficAt } = this.options;
    const sinceMs = timeMs - startMs;
    const ramp = rampMs > 0 ? Math.min(1, Math.max(0, (sinceMs + STEP_MS / 2) / rampMs)) : 1;
    const isBurst = burst !== null && sinceMs >= 0 && sinceMs % burst.everyMs < burst.forMs;
    return rate * ramp * (isBurst ? burst.factor : 1) * this.#usualAt(timeMs) * trafficAt(timeMs);
  }

  #usualAt(timeMs: number): number {
    const { shape, seed } = this.options;
    const minute = Math.floor(timeMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#noise.seat(seed, 0, minute);
      // Log-normal with mean 1.
      const noise = shape.noise === 0 ? 1 : Math.exp(shape.noise * this.#noise.normal() - shape.noise ** 2 / 2);
      this.#minuteFactor = shapeFactor(shape, minute * MINUTE_MS) * noise;
    }
    return this.#minuteFactor;
  }

  /** Records that come from one time to another. */
  countOf(fromMs: number, toMs: number): number {
    let count = 0;
    for (let at = fromMs; at < toMs;) {
      const next = Math.min(toMs, (Math.floor(at / STEP_MS) + 1) * STEP_MS);
      count += this.rateAt(at) * (next - at) / 1000;
      at = next;
    }
    return count;
  }
}
