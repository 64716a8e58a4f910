/** How one channel fares: when its next call may begin, whether it is down, and what was done. No I/O, no clock. */

/** What is exported about a channel; numbers since the start, but for `pending`. */
export interface ChannelStatus {
  readonly channel: string;
  /** Messages and replies that are there. */
  readonly posted: number;
  readonly updated: number;
  /** Attempts of which nobody knew whether they arrived. */
  readonly unknown: number;
  /** Messages that were sent again though an attempt before may have arrived. */
  readonly repeats: number;
  /** Messages that were there twice, and taken back. */
  readonly duplicates: number;
  /** Refused for good. */
  readonly failed: number;
  /** Matters of which something is still to be told. */
  readonly pending: number;
  readonly isDown: boolean;
}

export type Counts = { -readonly [Key in Exclude<keyof ChannelStatus, "channel" | "pending" | "isDown">]: number };

const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 60_000;
/** It fails for so long before people hear of it. */
const DOWN_MS = 60_000;

export class Pacing {
  readonly counts: Counts = { posted: 0, updated: 0, unknown: 0, repeats: 0, duplicates: 0, failed: 0 };
  /** No call before. */
  nextMs = 0;
  #failures = 0;
  #failingSinceMs: number | null = null;
  #isDown = false;

  constructor(private readonly channel: string, private readonly intervalMs: number) {}

  get isDown(): boolean {
    return this.#isDown;
  }

  /** After a call that the place answered. Answers what the operator should know. */
  succeeded(nowMs: number, waiting: () => number): string | null {
    const sinceMs = this.#failingSinceMs;
    this.nextMs = nowMs + this.intervalMs;
    this.#failures = 0;
    this.#failingSinceMs = null;
    if (!this.#isDown) return null;
    this.#isDown = false;
    return `${this.channel} takes messages again, after ${minutes(nowMs - (sinceMs ?? nowMs))}; ${waiting()} wait`;
  }

  /**
   * After a call that failed for now: the pause doubles, up to a minute, and is no shorter than the place asks for.
   * @param jitter In [0, 1): spreads the attempts of many.
   */
  failed(reason: string, afterMs: number | null, nowMs: number, jitter: number, waiting: () => number): string | null {
    this.#failures++;
    this.#failingSinceMs ??= nowMs;
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10));
    this.nextMs = nowMs + Math.max(this.intervalMs, afterMs ?? 0, pause * (0.75 + jitter / 2));
    if (this.#isDown || nowMs - this.#failingSinceMs < DOWN_MS) return null;
    this.#isDown = true;
    return `${this.channel} has taken no message for ${minutes(nowMs - this.#failingSinceMs)}: ${reason}; ` +
      `${waiting()} wait, none is lost, and it is tried again at least every ${PAUSE_MAX_MS / 1000} s or so`;
  }
}

function minutes(ms: number): string {
  const count = Math.max(1, Math.round(ms / 60_000));
  return `${count} minute${count === 1 ? "" : "s"}`;
}
