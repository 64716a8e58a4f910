/** Characters that are not what they seem to be: invisible ones, lookalikes, marks that pile up. Pure. */

/** What has no glyph or changes the order of others: format, control, private, unassigned, surrogates, fillers, selectors. */
const INVISIBLE = /[\p{Cf}\p{Cc}\p{Co}\p{Cn}\p{Cs}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f]/gu;
const SPACES = /[\s\p{Z}\u2028\u2029]+/gu;
/** More marks on a character than any orthography puts there. */
const PILED_MARKS = /(\p{M}{2})\p{M}+/gu;
/** A word whose letters are of more than one of the scripts that look alike. */
const LATIN = /\p{Script=Latin}/u;
const LOOKALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

/** Compatibility forms (full width, mathematical, ligatures) as plain ones, invisible ones gone, any white space one space. */
export function withoutInvisible(text: string): string {
  const visible = text.normalize("NFKC").replace(SPACES, " ").replace(INVISIBLE, "");
  return visible.replace(PILED_MARKS, "$1").replace(SPACES, " ").trim();
}

/** Whether a word mixes Latin letters with those of a script that has letters of the same looks. */
export function mixesScripts(word: string): boolean {
  return LATIN.test(word) && LOOKALIKE.test(word);
}

/** The first `max` UTF-16 units, no pair split, ending in three dots where something is left out. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const cut = text.slice(0, max - 3);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}...`;
}
