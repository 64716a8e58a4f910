/**
 * Text of logs, models and people, made fit to show, in one set of words. Pure.
 * - *visible*: without what no reader sees or what changes how others read: marks of direction, zero widths, tags, controls,
 *   the escapes of terminals. Line feeds and tabs stay, and so does everything that people write.
 * - *inert*: visible, and nothing in it becomes a link by itself.
 * - *plain*: visible, on one line, and in the plain forms of its characters, so that words are what they seem to be.
 */

const ESC = String.fromCharCode(0x1b);
const BELL = String.fromCharCode(0x07);

/** CSI, then OSC (titles, links), then the others of a terminal; one that does not end is cut after 256 characters. */
const ESCAPES = new RegExp(
  [
    `(?:${ESC}\\[|\\u009b)[0-?]{0,64}[ -/]{0,16}[@-~]?`,
    `(?:${ESC}\\]|\\u009d)[^${BELL}${ESC}\\u009c\\n]{0,256}(?:${BELL}|${ESC}\\\\|\\u009c)?`,
    `${ESC}[PX^_][^${ESC}\\u009c\\n]{0,256}(?:${ESC}\\\\|\\u009c)?`,
    `${ESC}[ -/]{0,16}[0-~]?`,
  ].join("|"),
  "g",
);
const LINE_BREAKS = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
/** Controls, formats and fillers; but for the few formats that are seen, Arabic signs before numbers and the like. */
const UNSEEN =
  /[^\P{Cc}\n\t]|(?![\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** More marks on a character than any orthography puts there. */
const PILED_MARKS = /(\p{M}{2})\p{M}+/gu;

/**
 * The text without what is not seen. What is taken out may have kept the parts of another escape apart: those are left, without
 * their control character, as text.
 */
export function visible(text: string): string {
  if (isPrintable(text)) return text;
  return text.toWellFormed().replace(ESCAPES, "").replace(LINE_BREAKS, "\n").replace(UNSEEN, "").replace(
    PILED_MARKS,
    "$1",
  );
}

/** Whether it is of printable ASCII, line feeds and tabs, as most are. */
function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x7f || (code < 0x20 && code !== 0x0a && code !== 0x09)) return false;
  }
  return true;
}

/** Visible, with addresses that a program may make links of written as people do to prevent it: https[:]//example.org. */
export function inert(text: string): string {
  return visible(text).replaceAll("://", "[:]//").replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}[.]`)
    .replace(/\b(mailto|javascript|tel):(?=\S)/gi, "$1[:]");
}

/** The same on one line. */
export function inertLine(text: string): string {
  return inert(text).replace(/\s+/g, " ").trim();
}

/** Halves of characters, private and unassigned ones, and the one that looks like a space and is a letter. */
const WITHOUT_MEANING = /[\p{Cs}\p{Co}\p{Cn}\u2800]/gu;
const SPACES = /[\s\p{Z}]+/gu;

/** Visible, with compatibility forms (full width, mathematical, ligatures) as plain ones, and any white space as one space. */
export function plainLine(text: string): string {
  // Forms of fillers become fillers, and letters and marks that something stood between become one.
  const plain = visible(visible(text.replace(WITHOUT_MEANING, "")).normalize("NFKC")).normalize("NFKC");
  return plain.replace(SPACES, " ").trim();
}

/** A word whose letters are of more than one of the scripts that look alike. */
const LATIN = /\p{Script=Latin}/u;
const LOOKALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

/** Whether a word mixes Latin letters with those of a script that has letters of the same looks. */
export function mixesScripts(word: string): boolean {
  return LATIN.test(word) && LOOKALIKE.test(word);
}

/**
 * At most `max` UTF-16 units, dots among them where something was left out; no character is cut in two.
 * @param dots Three of them where the text is to stay {@link plainLine}: the single character is not.
 */
export function cutText(text: string, max: number, dots: "…" | "..." = "…"): string {
  if (text.length <= max) return text;
  return `${text.slice(0, Math.max(0, max - dots.length)).replace(/[\uD800-\uDBFF]$/, "")}${dots}`.slice(0, max);
}
