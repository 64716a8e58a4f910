/**
 * Text of a log, made safe to show: what is not seen but changes how a text reads (direction marks, zero-width and tag
 * characters, control characters, the escapes of terminals) is taken out, and whatever breaks a line is a line feed. Pure.
 */

const ESC = String.fromCharCode(0x1b);
const BELL = String.fromCharCode(0x07);

/** Neither seen nor taking room, besides control characters: fillers, zero widths, direction marks, selectors, tags. */
const UNSEEN_RANGES = "\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e" +
  "\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb";

const UNSEEN = new RegExp(`[^\\P{Cc}\\n\\t]|[${UNSEEN_RANGES}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]`, "gu");

const LINE_BREAKS = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;

/** With the flag u, half of a pair is none. */
const HALVES = /\p{Cs}/gu;

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

/**
 * The text without what is not seen; line feeds and tabs stay, and so does everything that people write. What is taken out
 * may have kept the parts of another escape apart: those are left, without their control character, as text.
 */
export function inert(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(ESCAPES, "").replace(LINE_BREAKS, "\n").replace(UNSEEN, "").replace(HALVES, "\ufffd");
}

/** Whether it is of printable ASCII, line feeds and tabs, as most are. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x7f || (code < 0x20 && code !== 0x0a && code !== 0x09)) return false;
  }
  return true;
}

/** The same on one line, for our own logs: line feeds and tabs are spaces. */
export function inertLine(text: string): string {
  return inert(text).replace(/[\n\t]+/g, " ").trim();
}
