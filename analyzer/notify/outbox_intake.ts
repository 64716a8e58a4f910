/** How a notice becomes entries of the outbox, one a channel: pure. */
import { isUntold, newEntry, wanted, type Way } from "./outbox.ts";
import { keyOf } from "./outbox_codec.ts";
import type { Transaction } from "./outbox_ledger.ts";
import type { Notice } from "./notice.ts";

/** How long a matter that is over is remembered. */
export const KEEP_MS = 7 * 86_400_000;

export interface Intake {
  readonly transaction: Transaction;
  /** What each channel can do, by its name. */
  readonly ways: ReadonlyMap<string, Way>;
  readonly nonce: () => string;
  readonly nowMs: number;
  readonly skipUntold: boolean;
}

/**
 * Puts a notice into the entries. Who was told of its beginning is told how it goes on, whatever the routes say now.
 * @param waiting Matters that wait, by channel: counted up.
 * @returns False where a channel has no room for it.
 */
export function takeIn(
  notice: Notice,
  routed: ReadonlySet<string>,
  { transaction, ways, nonce, nowMs, skipUntold }: Intake,
  waiting: Map<string, number>,
  waitingMax: number,
): boolean {
  const isOver = notice.state === "resolved";
  let isTaken = true;
  for (const [channel, way] of ways) {
    const key = keyOf(channel, notice.id);
    const known = transaction.get(key);
    if (known !== null) {
      const next = isOver && skipUntold && isUntold(known) ? null : wanted(known, notice, way, nonce, nowMs);
      if (next !== known) transaction.set(key, next);
    } else if (routed.has(channel) && !(isOver && (skipUntold || nowMs - notice.updatedMs > KEEP_MS))) {
      const count = waiting.get(channel) ?? 0;
      if (count >= waitingMax) isTaken = false;
      else {
        waiting.set(channel, count + 1);
        transaction.set(key, newEntry(channel, notice, way, nonce, nowMs));
      }
    }
  }
  return isTaken;
}
