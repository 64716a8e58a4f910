/** How many secrets a redactor leaves, and how much it takes for a secret that is none. */
import type { Redactor } from "../errors/redactor.ts";
import { isLeaked, type SecretLine } from "./seeded_secrets.ts";

export interface RedactionReport {
  readonly secrets: number;
  /** Of those that were left, as KIND: LINE (redacted). */
  readonly leaked: readonly string[];
  readonly cleanLines: number;
  /** Clean lines that were changed, as they came out. */
  readonly changed: readonly string[];
}

/** @param cleanLines Lines without anything to hide. */
export function runRedaction(
  redactor: Redactor,
  lines: readonly SecretLine[],
  cleanLines: readonly string[],
): RedactionReport {
  const leaked: string[] = [];
  let secrets = 0;
  for (const line of lines) {
    const redacted = redactor.redact(line.text);
    for (const secret of line.secrets) {
      secrets++;
      if (isLeaked(secret, withoutPseudonyms(redacted))) leaked.push(`${line.kind}: ${redacted}`);
    }
  }
  const changed = cleanLines.map((line) => [line, redactor.redact(line)]).filter(([line, redacted]) =>
    line !== redacted
  );
  return { secrets, leaked, cleanLines: cleanLines.length, changed: changed.map(([, redacted]) => redacted) };
}

/** The digits of a pseudonym may happen to be those of a short secret. */
const withoutPseudonyms = (text: string): string => text.replace(/<[A-Z_]{2,32}_\d{7}>/g, "<>");
