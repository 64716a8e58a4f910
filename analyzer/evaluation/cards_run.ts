/** Whether messages for Slack are within its limits, harmless, and as people have looked at them. */
import golden from "../notify/slack_card_golden.json" with { type: "json" };
import type { SlackMessage } from "../notify/slack_text.ts";
import { lookedAtCards, madeCards, OWN_LINK_ESCAPED } from "./card_cases.ts";
import { faultsOf } from "./card_check.ts";

const GOLDEN = new URL("../notify/slack_card_golden.json", import.meta.url);

export interface CardsReport {
  readonly lookedAt: number;
  /** Names of those that are not as they were. */
  readonly changed: readonly string[];
  readonly made: number;
  /** What is wrong with any of both. */
  readonly faults: readonly string[];
}

/** @param count Cards, and replies, that are made. */
export function runCards(
  seed: number,
  count: number,
  kept: Readonly<Record<string, unknown>> = golden,
): CardsReport {
  const cards = lookedAtCards();
  const faults = Object.entries(cards).flatMap(([name, card]) => faultsIn(card).map((fault) => `${name}: ${fault}`));
  let made = 0;
  for (const card of madeCards(seed, count)) {
    made++;
    faults.push(...faultsIn(card));
  }
  const names = new Set([...Object.keys(cards), ...Object.keys(kept)]);
  const changed = [...names].filter((name) => JSON.stringify(cards[name]) !== JSON.stringify(kept[name]));
  return { lookedAt: Object.keys(cards).length, changed, made, faults };
}

/** Puts the cards as they are now in the place of those that were looked at: after they were looked at again. */
export async function keepCards(): Promise<void> {
  await Deno.writeTextFile(GOLDEN, JSON.stringify(lookedAtCards(), null, 2) + "\n");
}

const faultsIn = (card: SlackMessage): string[] => faultsOf(card, [OWN_LINK_ESCAPED]);
