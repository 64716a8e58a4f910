/**
 * One budget for all analyzers of a store: what is spent lies in its ledger, and is changed by compare-and-set. A call is
 * reserved there before it is made, so that analyzers together never spend more than one may; what it took is settled after.
 * Who dies in between, or cannot settle, leaves the reservation counted.
 */
import { messageOf } from "../../core/errors.ts";
import type { Ledger } from "../../core/store/ports.ts";
import { type Admission, Budget, type BudgetLimits, type BudgetStatus, type Reservation } from "./budget.ts";

export type BudgetLedger = Pick<Ledger, "get" | "compareAndSet">;

/** Nothing can be reserved, since the store fails or others are always faster. */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly reason: string;
}

/** Its key in the ledger. */
export const BUDGET_KEY = "analyzer/budget";
const ROUNDS_MAX = 30;
/** From here on others are given time: they are many. */
const CROWDED_ROUND = 3;
const PAUSE_MAX_MS = 40;

export class SharedBudget {
  /** As it was when it was last read or written; the limits and prices are these. */
  #seen: Budget;
  /** Changes of this process wait for each other: they would only be in each other's way. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly limits: BudgetLimits, private readonly ledger: BudgetLedger) {
    this.#seen = new Budget(limits);
  }

  /** Whether a call may be made that takes at most so many tokens; where it may, it is paid for. Never throws. */
  admit(
    nowMs: number,
    fingerprint: string,
    tokensIn: number,
    tokensOut: number,
  ): Promise<Admission | Unavailable> {
    return this.#reserved(nowMs, (budget) => budget.admit(nowMs, fingerprint, tokensIn, tokensOut));
  }

  /** As {@link admit}, for a further attempt about an error that was admitted. */
  reserve(
    nowMs: number,
    tokensIn: number,
    tokensOut: number,
  ): Promise<Exclude<Admission, { kind: "resting" }> | Unavailable> {
    return this.#reserved(nowMs, (budget) => budget.reserve(nowMs, tokensIn, tokensOut));
  }

  /**
   * Puts what a call took in the place of the estimate; `null`: it cost nothing. Where the store fails the estimate stays:
   * it may have been changed, and to change it twice would be to spend too much. Never throws.
   */
  async settle(
    nowMs: number,
    reservation: Reservation,
    taken: { readonly tokensIn: number; readonly tokensOut: number } | null,
  ): Promise<void> {
    await this.#change(nowMs, (budget) => [budget.settle(reservation, taken), true]).catch(() => {});
  }

  /** Forgets the rest of an error whose call brought nothing; where the store fails it goes on resting. Never throws. */
  async wake(nowMs: number, fingerprint: string): Promise<void> {
    await this.#change(nowMs, (budget) => [budget.wake(fingerprint), true]).catch(() => {});
  }

  /** US dollars of a call. */
  usdOf(tokensIn: number, tokensOut: number): number {
    return this.#seen.usdOf(tokensIn, tokensOut);
  }

  /** What all analyzers spent, as far as this one knows. */
  status(nowMs: number): BudgetStatus {
    return this.#seen.status(nowMs);
  }

  async #reserved<Answer extends Admission>(
    nowMs: number,
    ask: (budget: Budget) => Answer,
  ): Promise<Answer | Unavailable> {
    try {
      return await this.#change(nowMs, (budget) => {
        const answer = ask(budget);
        return [answer, answer.kind === "admitted"];
      });
    } catch (error) {
      return { kind: "unavailable", reason: messageOf(error) };
    }
  }

  /** @param change Answers a result, and whether anything was changed. It may be run again, on what others have written. */
  #change<Result>(nowMs: number, change: (budget: Budget) => readonly [Result, boolean]): Promise<Result> {
    const changed = this.#last.then(() => this.#write(nowMs, change));
    this.#last = changed.catch(() => {});
    return changed;
  }

  async #write<Result>(nowMs: number, change: (budget: Budget) => readonly [Result, boolean]): Promise<Result> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (round >= CROWDED_ROUND) await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MAX_MS));
      const before = await this.ledger.get(BUDGET_KEY);
      const budget = new Budget(this.limits, before);
      const [result, hasChanged] = change(budget);
      // Where it throws, nobody knows whether it was written: no second time, a reservation may only be counted for nothing.
      if (!hasChanged || await this.ledger.compareAndSet(BUDGET_KEY, before, budget.state(nowMs))) {
        this.#seen = budget;
        return result;
      }
    }
    throw new Error(`the budget was changed by others ${ROUNDS_MAX} times over`);
  }
}

/** The ledger of a budget that is shared with nobody. */
export function ownLedger(): BudgetLedger {
  let kept: string | null = null;
  return {
    get: () => Promise.resolve(kept),
    compareAndSet: (_key, expected, value) => {
      if (kept !== expected) return Promise.resolve(false);
      kept = value;
      return Promise.resolve(true);
    },
  };
}
