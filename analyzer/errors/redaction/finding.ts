/** What a finder of secrets answers, and how what was found is replaced. */

/** A secret or personal value in a text. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  /** In capitals, as it stands in the pseudonym. */
  readonly kind: string;
  /** What the pseudonym is made of, where that is not the text itself: the decoded form, say. */
  readonly value?: string;
  /** Stands in place of the text as it is, without a pseudonym of its own. */
  readonly instead?: string;
}

/** Findings in order, none overlapping another. Linear in the length of the text. */
export type Finder = (text: string) => readonly Finding[];

export const NOTHING: readonly Finding[] = [];

/** A pseudonym, or what is written as one. */
export const PSEUDONYM = /<[A-Z][A-Z_]{1,30}_\d{7}>/y;

/** Where a pseudonym that begins here ends; `at` where none does. */
export function endOfPseudonym(text: string, at: number): number {
  PSEUDONYM.lastIndex = at;
  return PSEUDONYM.test(text) ? PSEUDONYM.lastIndex : at;
}

/**
 * Whether a word may begin here: no letter or digit before it, but for what is an escape (`%3D`, `\n`, `\u003d`).
 */
export function isStart(text: string, at: number): boolean {
  if (at === 0 || !isAlphanumeric(text.charCodeAt(at - 1))) return true;
  return /(?:%[0-9A-Fa-f]{2}|\\[nrtbf]|\\[ux][0-9A-Fa-f]{2,4})$/.test(text.slice(Math.max(0, at - 6), at));
}

/** Letters and digits of ASCII. */
export function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || isLetter(code);
}

export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

const isLetter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

/** Where a run of what a sticky pattern takes ends. */
export function endOfRun(text: string, at: number, run: RegExp): number {
  run.lastIndex = at;
  return run.test(text) ? run.lastIndex : at;
}
