/** Where the format of a topic is kept once it was detected, or given when the topic was made: decided once, in the ledger. */
import type { Ledger } from "./ports.ts";

const formatKey = (topicId: string): string => `format/${topicId}`;

/** The format that was decided, or null. */
export function formatOf(ledger: Pick<Ledger, "get">, topicId: string): Promise<string | null> {
  return ledger.get(formatKey(topicId));
}

/** Decides it, unless it was decided before; answers the one that stands. */
export function decideFormat(ledger: Pick<Ledger, "putIfAbsent">, topicId: string, format: string): Promise<string> {
  return ledger.putIfAbsent(formatKey(topicId), format);
}
