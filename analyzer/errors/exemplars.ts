/** Lines of a fingerprint that differ from each other: ten at most, whatever comes. Pure. */
import { createHash } from "node:crypto";
import type { Exemplar } from "../../core/incidents/documents.ts";

/** The first, the latest, and others by their text: Kiran et al. (LogBatcher, 2024) found ten to explain best. */
export const EXEMPLARS_MAX = 10;
const PLACES = EXEMPLARS_MAX - 2;

/**
 * Takes a line in. The first stays, the last is the latest; in between each line has a place by its text, so that lines that
 * are alike do not crowd out others. Answers whether anything has changed.
 */
export function addExemplar(exemplars: Exemplar[], line: Exemplar): boolean {
  const known = exemplars.findIndex(({ text }) => text === line.text);
  if (known >= 0) return false;
  if (exemplars.length < EXEMPLARS_MAX) {
    exemplars.push(line);
    return true;
  }
  const latest = exemplars[EXEMPLARS_MAX - 1];
  const place = 1 + placeOf(latest.text);
  if (placeOf(exemplars[place].text) !== placeOf(latest.text)) exemplars[place] = latest;
  exemplars[EXEMPLARS_MAX - 1] = line;
  return true;
}

function placeOf(text: string): number {
  return createHash("sha256").update(text).digest()[0] % PLACES;
}
