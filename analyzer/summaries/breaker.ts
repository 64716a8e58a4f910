/** A circuit breaker: after failures in a row nothing is asked for a while, then once, to see. Pure: the time is given. */

export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly failuresMax: number;
  /** First rest; each that follows without a success is twice as long, up to the longest. */
  readonly restMs: number;
  readonly restMsMax: number;
}

export type BreakerState = "closed" | "open" | "half_open";

export type Passage = { readonly passes: true } | { readonly passes: false; readonly retryAfterMs: number };

export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  /** Rests in a row. */
  #rests = 0;
  #restsUntil = 0;
  #probeUnderWay = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  state(nowMs: number): BreakerState {
    if (this.#rests === 0) return "closed";
    return nowMs < this.#restsUntil ? "open" : "half_open";
  }

  /** Whether a call may be made; where it may, {@link succeeded}, {@link failed} or {@link withdrawn} must follow. */
  pass(nowMs: number): Passage {
    const state = this.state(nowMs);
    if (state === "closed") return { passes: true };
    if (state === "open") return { passes: false, retryAfterMs: this.#restsUntil - nowMs };
    if (this.#probeUnderWay) return { passes: false, retryAfterMs: this.#options.restMs };
    this.#probeUnderWay = true;
    return { passes: true };
  }

  succeeded(): void {
    this.#failures = 0;
    this.#rests = 0;
    this.#probeUnderWay = false;
  }

  /** @param atOnce It will fail again until somebody does something: no further failure is waited for, and the rest is the longest. */
  failed(nowMs: number, atOnce = false): void {
    this.#failures++;
    const wasProbe = this.#probeUnderWay;
    this.#probeUnderWay = false;
    const isOpen = this.state(nowMs) === "open";
    if (!atOnce && !wasProbe && (isOpen || this.#failures < this.#options.failuresMax)) return;
    this.#rests++;
    const { restMs, restMsMax } = this.#options;
    const rest = atOnce ? restMsMax : Math.min(restMsMax, restMs * 2 ** Math.min(this.#rests - 1, 30));
    this.#restsUntil = Math.max(this.#restsUntil, nowMs + rest);
  }

  /** The call was given up by whoever made it, and says nothing of the server. */
  withdrawn(): void {
    this.#probeUnderWay = false;
  }
}
