/** Text of logs and models as it may be shown to people: without what hides, reorders, or turns into a link by itself. */

/** What no reader sees: direction marks, zero widths, fillers, tags, variation selectors. */
const HIDDEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** Control characters but for the line feed and the tab; the colours of terminals are among them. */
const CONTROLS = /[^\P{Cc}\t\n]/gu;

/** Well-formed text with line feeds and tabs as its only controls, and at most two marks on a letter. */
export function visibleText(text: string): string {
  return text.toWellFormed().replace(/\r\n?|[\u2028\u2029\u0085]/g, "\n").replace(CONTROLS, "").replace(HIDDEN, "")
    .replace(/(\p{M}{2})\p{M}+/gu, "$1");
}

/** The same, with addresses that a program may make links of written as people do to prevent it: https[:]//example.org. */
export function inertText(text: string): string {
  return visibleText(text).replaceAll("://", "[:]//").replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}[.]`)
    .replace(/\b(mailto|javascript|tel):(?=\S)/gi, "$1[:]");
}

/** One line of it. */
export function inertLine(text: string): string {
  return inertText(text).replace(/\s+/g, " ").trim();
}

/** At most `max` UTF-16 units, an ellipsis among them where something was left out; no character is cut in two. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, Math.max(0, max - 1)).replace(/[\uD800-\uDBFF]$/, "")}…`.slice(0, max);
}

/** As in 2027-01-15 08:00 UTC. */
export function utcMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** As in 3 min, 2 h, 4 d. */
export function durationText(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2 * 1440 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
}
