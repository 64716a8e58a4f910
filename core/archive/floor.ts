/**
 * Up to when a topic's events, or its quarantined records, may be missing from the store: what came into the log before that
 * is to be looked for in the archive. The floor is raised before anything is deleted, and never lowered.
 */
import { z } from "zod";
import type { Ledger } from "../store/ports.ts";
import type { ArchivedTable } from "./keys.ts";

const keyOf = (table: ArchivedTable, topicId: string) => `archive-floor/${table}/${topicId}`;
const floor = z.coerce.number();

/** Epoch milliseconds of time in the log; null where the store lacks nothing. */
export async function readFloor(
  ledger: Pick<Ledger, "get">,
  table: ArchivedTable,
  topicId: string,
): Promise<number | null> {
  const text = await ledger.get(keyOf(table, topicId));
  return text === null ? null : floor.parse(text);
}

export async function raiseFloor(
  ledger: Pick<Ledger, "get" | "compareAndSet">,
  table: ArchivedTable,
  topicId: string,
  toMs: number,
): Promise<void> {
  for (;;) {
    const text = await ledger.get(keyOf(table, topicId));
    if (text !== null && floor.parse(text) >= toMs) return;
    if (await ledger.compareAndSet(keyOf(table, topicId), text, String(Math.floor(toMs)))) return;
  }
}
