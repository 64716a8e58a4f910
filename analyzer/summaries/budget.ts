/**
 * What summaries may take: calls, tokens and money, in any 60 seconds and in a day (UTC), and rest between two calls about one
 * error. Pure: the time is given. A call is paid for before it is made, by an estimate, and settled when its answer says
 * what it took; where none comes, the estimate stands. shared_budget.ts keeps one for all analyzers of a store.
 */
import { z } from "zod";

/** 0: no limit. */
export interface BudgetLimits {
  readonly callsPerMinute: number;
  readonly callsPerDay: number;
  readonly tokensPerMinute: number;
  readonly tokensPerDay: number;
  readonly usdPerMinute: number;
  readonly usdPerDay: number;
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
  readonly coolDownSeconds: number;
}

export const LIMIT_NAMES = [
  "callsPerMinute",
  "callsPerDay",
  "tokensPerMinute",
  "tokensPerDay",
  "usdPerMinute",
  "usdPerDay",
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** Money in billionths of a dollar: whole numbers add up the same in any order. */
export interface Spending {
  readonly calls: number;
  readonly tokens: number;
  readonly nanoUsd: number;
}

export interface Reservation {
  readonly second: number;
  readonly day: number;
  readonly spending: Spending;
}

export type Admission =
  | { readonly kind: "admitted"; readonly reservation: Reservation }
  | { readonly kind: "refused"; readonly limit: LimitName; readonly retryAfterMs: number }
  | { readonly kind: "resting"; readonly retryAfterMs: number };

export interface BudgetStatus {
  readonly minute: Spending;
  readonly day: Spending;
  readonly resting: number;
}

const SECOND = 1000;
const DAY = 86_400_000;
const WINDOW_SECONDS = 60;
/** Errors at rest that are remembered; beyond, those whose rest ends first are forgotten. */
const RESTS_MAX = 10_000;
const NONE: Spending = { calls: 0, tokens: 0, nanoUsd: 0 };

const spendingState = z.tuple([z.int().min(0), z.int().min(0), z.int().min(0)]);
const stateSchema = z.object({
  version: z.literal(1),
  day: z.int().min(0),
  spent: spendingState,
  seconds: z.array(z.tuple([z.int().min(0), spendingState])).max(10_000),
  rests: z.array(z.tuple([z.string(), z.number()])).max(RESTS_MAX),
});

export class Budget {
  readonly #limits: BudgetLimits;
  #day = 0;
  #spentToday: Spending = NONE;
  /** By second. */
  readonly #seconds = new Map<number, Spending>();
  /** When the rest of an error ends, by fingerprint, in the order that they were called. */
  readonly #rests = new Map<string, number>();

  /** @param saved What {@link state} gave; what cannot be read counts as nothing spent. */
  constructor(limits: BudgetLimits, saved: string | null = null) {
    this.#limits = limits;
    if (saved !== null) this.#restore(saved);
  }

  /** Whether a call may be made now that takes at most so many tokens; where it may, they are spent. */
  admit(nowMs: number, fingerprint: string, tokensIn: number, tokensOut: number): Admission {
    const rest = (this.#rests.get(fingerprint) ?? 0) - nowMs;
    if (rest > 0) return { kind: "resting", retryAfterMs: rest };
    const reserved = this.reserve(nowMs, tokensIn, tokensOut);
    if (reserved.kind === "admitted") this.#letRest(nowMs, fingerprint);
    return reserved;
  }

  /** As {@link admit}, for a further attempt about an error that was admitted. */
  reserve(nowMs: number, tokensIn: number, tokensOut: number): Exclude<Admission, { kind: "resting" }> {
    const asked = this.#spendingOf(tokensIn, tokensOut);
    const broken = this.#brokenLimit(nowMs, asked);
    if (broken !== null) {
      return { kind: "refused", limit: broken, retryAfterMs: this.#waitFor(nowMs, broken, asked) };
    }
    const reservation: Reservation = {
      second: Math.floor(nowMs / SECOND),
      // Where another's clock has reached the next day, it is spent on that one: on the day before nobody would count it.
      day: Math.max(this.#day, Math.floor(nowMs / DAY)),
      spending: asked,
    };
    this.#add(reservation, asked);
    return { kind: "admitted", reservation };
  }

  /** Puts what a call took in the place of the estimate. `null`: the server refused it, and takes no money for that. */
  settle(reservation: Reservation, taken: { readonly tokensIn: number; readonly tokensOut: number } | null): void {
    const actual = taken === null ? { ...NONE, calls: 1 } : this.#spendingOf(taken.tokensIn, taken.tokensOut);
    const { second, day, spending } = reservation;
    const change = { calls: 0, tokens: actual.tokens - spending.tokens, nanoUsd: actual.nanoUsd - spending.nanoUsd };
    if (day === this.#day) this.#spentToday = changed(this.#spentToday, change);
    // One that has left the window counts for nothing any more.
    const then = this.#seconds.get(second);
    if (then !== undefined) this.#seconds.set(second, changed(then, change));
  }

  /** US dollars of a call. */
  usdOf(tokensIn: number, tokensOut: number): number {
    return this.#spendingOf(tokensIn, tokensOut).nanoUsd / 1e9;
  }

  /** Forgets the rest of an error whose call brought nothing, so that it may be asked again. */
  wake(fingerprint: string): void {
    this.#rests.delete(fingerprint);
  }

  status(nowMs: number): BudgetStatus {
    const resting = [...this.#rests.values()].filter((until) => until > nowMs).length;
    return { minute: this.#lastMinute(nowMs), day: this.#today(nowMs), resting };
  }

  /** All that must outlive the process, as JSON. */
  state(nowMs: number): string {
    this.#forget(nowMs);
    const tuple = ({ calls, tokens, nanoUsd }: Spending) => [calls, tokens, nanoUsd];
    return JSON.stringify({
      version: 1,
      day: this.#day,
      spent: tuple(this.#spentToday),
      seconds: [...this.#seconds].map(([second, spending]) => [second, tuple(spending)]),
      rests: [...this.#rests].filter(([, until]) => until > nowMs),
    });
  }

  #restore(saved: string): void {
    let json: unknown;
    try {
      json = JSON.parse(saved);
    } catch {
      return;
    }
    const parsed = stateSchema.safeParse(json);
    if (!parsed.success) return;
    const spending = ([calls, tokens, nanoUsd]: readonly [number, number, number]) => ({ calls, tokens, nanoUsd });
    this.#day = parsed.data.day;
    this.#spentToday = spending(parsed.data.spent);
    for (const [second, spent] of parsed.data.seconds) this.#seconds.set(second, spending(spent));
    for (const [fingerprint, until] of parsed.data.rests) this.#rests.set(fingerprint, until);
  }

  /** Rounded up, so that many small calls never come out for nothing. */
  #spendingOf(tokensIn: number, tokensOut: number): Spending {
    const { inputUsdPerMillion, outputUsdPerMillion } = this.#limits;
    const nanoUsd = Math.ceil((tokensIn * inputUsdPerMillion + tokensOut * outputUsdPerMillion) * 1000);
    return { calls: 1, tokens: tokensIn + tokensOut, nanoUsd };
  }

  /** What was spent moves with the clock: a day that is over takes no more, nor does a second that left the window. */
  #add({ second, day }: Reservation, more: Spending): void {
    if (day > this.#day) {
      this.#day = day;
      this.#spentToday = NONE;
    }
    if (day === this.#day) this.#spentToday = sum(this.#spentToday, more);
    this.#seconds.set(second, sum(this.#seconds.get(second) ?? NONE, more));
    if (this.#seconds.size > 2 * WINDOW_SECONDS) this.#forget(second * SECOND);
  }

  #forget(nowMs: number): void {
    const first = Math.floor(nowMs / SECOND) - WINDOW_SECONDS;
    for (const second of this.#seconds.keys()) if (second <= first) this.#seconds.delete(second);
  }

  #lastMinute(nowMs: number): Spending {
    const first = Math.floor(nowMs / SECOND) - WINDOW_SECONDS;
    return [...this.#seconds].reduce((total, [second, spent]) => second > first ? sum(total, spent) : total, NONE);
  }

  #today = (nowMs: number): Spending => Math.floor(nowMs / DAY) > this.#day ? NONE : this.#spentToday;

  #brokenLimit(nowMs: number, asked: Spending): LimitName | null {
    const minute = sum(this.#lastMinute(nowMs), asked);
    const day = sum(this.#today(nowMs), asked);
    const values: Readonly<Record<LimitName, number>> = {
      callsPerDay: day.calls,
      tokensPerDay: day.tokens,
      usdPerDay: day.nanoUsd / 1e9,
      callsPerMinute: minute.calls,
      tokensPerMinute: minute.tokens,
      usdPerMinute: minute.nanoUsd / 1e9,
    };
    const names = [...LIMIT_NAMES].sort((a, b) => Number(b.endsWith("Day")) - Number(a.endsWith("Day")));
    return names.find((name) => this.#limits[name] > 0 && values[name] > this.#limits[name]) ?? null;
  }

  /** Until enough seconds have left the window, or the day is over. */
  #waitFor(nowMs: number, limit: LimitName, asked: Spending): number {
    if (limit.endsWith("Day")) return (Math.floor(nowMs / DAY) + 1) * DAY - nowMs;
    const amount = (spending: Spending): number =>
      limit === "callsPerMinute"
        ? spending.calls
        : limit === "tokensPerMinute"
        ? spending.tokens
        : spending.nanoUsd / 1e9;
    let total = amount(sum(this.#lastMinute(nowMs), asked));
    const first = Math.floor(nowMs / SECOND) - WINDOW_SECONDS;
    for (const [second, spent] of [...this.#seconds].filter(([at]) => at > first).sort(([a], [b]) => a - b)) {
      total -= amount(spent);
      if (total <= this.#limits[limit]) return (second + WINDOW_SECONDS) * SECOND - nowMs;
    }
    return WINDOW_SECONDS * SECOND;
  }

  #letRest(nowMs: number, fingerprint: string): void {
    if (this.#limits.coolDownSeconds === 0) return;
    this.#rests.delete(fingerprint);
    this.#rests.set(fingerprint, nowMs + this.#limits.coolDownSeconds * SECOND);
    if (this.#rests.size <= RESTS_MAX) return;
    const [oldest] = this.#rests.keys();
    this.#rests.delete(oldest);
  }
}

/** Never below nothing, as where what is changed was lost meanwhile. */
function changed(spent: Spending, change: Spending): Spending {
  const { calls, tokens, nanoUsd } = sum(spent, change);
  return { calls, tokens: Math.max(0, tokens), nanoUsd: Math.max(0, nanoUsd) };
}

const sum = (a: Spending, b: Spending): Spending => ({
  calls: a.calls + b.calls,
  tokens: a.tokens + b.tokens,
  nanoUsd: a.nanoUsd + b.nanoUsd,
});
