/** Every parser: a new format is one file and one line here. */
import { accessParser } from "./access.ts";
import { json } from "./json.ts";
import { logfmtParser } from "./logfmt.ts";
import type { Parser } from "./parser.ts";
import { payments } from "./payments.ts";
import { registered, registeredPayments } from "./registered.ts";
import { syslogParser } from "./syslog.ts";

/** The more particular format first: a payment is JSON too, and a tie goes to the earlier one. */
export const PARSERS: readonly Parser[] = [
  registeredPayments,
  registered,
  payments,
  json,
  accessParser,
  syslogParser,
  logfmtParser,
];

/** A sample of which less is surely in a format is in none that we know. */
const SHARE_MIN = 0.5;

/** The parser of that name. */
export function findParser(name: string): Parser | undefined {
  return PARSERS.find((parser) => parser.name === name);
}

/** The parser that surely takes the largest share of the sample, at least half; null where none does. */
export function detectFormat(sample: readonly Uint8Array[]): Parser | null {
  let best: Parser | null = null;
  let bestShare = 0;
  for (const parser of PARSERS) {
    const share = parser.detect(sample);
    if (share >= SHARE_MIN && share > bestShare) {
      best = parser;
      bestShare = share;
    }
  }
  return best;
}
