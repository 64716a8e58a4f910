/** Times as people write them: RFC 3339, a date, epoch milliseconds, or relative to now (`now-15m`). */

/** Milliseconds of the units in `15m` and the like. */
export const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const RELATIVE = /^now(?:([+-])((?:\d{1,9}[smhdw])+))?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;
/** As points of a series have them. Shorter ones would be mistaken for years or seconds. */
const EPOCH_MS = /^\d{12,14}$/;
/** What a date can say: the years 0 to 9999. */
const EARLIEST_MS = Date.parse("0000-01-01T00:00:00Z");
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

export const TIME_HINT = "use RFC 3339 with a zone (2026-03-01T12:00:00Z), a date (2026-03-01), epoch milliseconds, " +
  "or now, now-15m, now-1h30m, now-7d";

/** Epoch milliseconds, or null where the text is no time of the years 0 to 9999. */
export function parseTime(text: string, nowMs: number): number | null {
  const ms = readTime(text, nowMs);
  return ms !== null && ms >= EARLIEST_MS && ms <= LATEST_MS ? ms : null;
}

function readTime(text: string, nowMs: number): number | null {
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const [, sign, amount = ""] = relative;
    let shiftMs = 0;
    for (const [, count, unit] of amount.matchAll(/(\d+)([smhdw])/g)) shiftMs += Number(count) * UNIT_MS[unit];
    return sign === "-" ? nowMs - shiftMs : nowMs + shiftMs;
  }
  if (EPOCH_MS.test(text)) return Number(text);
  // A + that was not percent-encoded arrives as a space.
  const stamp = text.replace(/(:\d{2}(?:\.\d+)?) (\d{2}:\d{2})$/, "$1+$2");
  if (!RFC3339.test(stamp)) return null;
  const ms = Date.parse(stamp.toUpperCase().replace(" ", "T"));
  if (Number.isNaN(ms)) return null;
  // Date.parse takes the 30th of February for the 2nd of March.
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() ? ms : null;
}
