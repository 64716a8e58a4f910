/** Times as the pages show them: in the browser's zone, or in the one that the settings name. */

let zone: string | undefined;
/** Made when first wanted: making them takes as long as drawing a chart. */
let made: ReturnType<typeof formatsOf> | undefined;
let ownZone: string | undefined;

function formatsOf(timeZone: string | undefined) {
  const clock = { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return {
    // Languages whose way is ISO 8601's, digit for digit.
    day: new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }),
    minute: new Intl.DateTimeFormat("en-GB", clock),
    second: new Intl.DateTimeFormat("en-GB", { ...clock, second: "2-digit" }),
    milli: new Intl.DateTimeFormat("en-GB", { ...clock, second: "2-digit", fractionalSecondDigits: 3 }),
  };
}

const formats = () => made ??= formatsOf(zone);

/** Sets the zone of all times; undefined is the browser's. Takes what the browser does not know for its own. */
export function setZone(timeZone: string | undefined): void {
  if (timeZone === zone) return;
  zone = timeZone;
  made = undefined;
  try {
    formats();
  } catch {
    zone = undefined;
  }
}

/** Whether times are in the browser's own zone. */
export const isOwnZone = (): boolean => zone === undefined;

/** IANA name of the zone that times are in. */
export const zoneName = (): string => zone ?? (ownZone ??= Intl.DateTimeFormat().resolvedOptions().timeZone);

/** 2026-03-01 */
export const dayOf = (ms: number): string => formats().day.format(ms);
/** 13:05 */
export const minuteOf = (ms: number): string => formats().minute.format(ms);
/** 13:05:09.123 */
export const clockOf = (ms: number): string => formats().milli.format(ms);
/** 2026-03-01 13:05:09 */
export const stampOf = (ms: number): string => `${dayOf(ms)} ${formats().second.format(ms)}`;

/** So close to now, a time of day says which day it is of, also past midnight. */
const NEAR_MS = 20 * 3_600_000;
const isNear = (ms: number): boolean => Math.abs(Date.now() - ms) < NEAR_MS;

/** 13:05, and of another day 2026-03-01 13:05 */
export const whenOf = (ms: number): string => isNear(ms) ? minuteOf(ms) : stampOf(ms).slice(0, -3);
/** 13:05:09.123, and of another day 2026-03-01 13:05:09 */
export const momentOf = (ms: number): string => isNear(ms) ? clockOf(ms) : stampOf(ms);

const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$/;

/** Reads a time as people write it: without a zone it is of the zone that times are shown in. NaN where it is none. */
export function parseStamp(text: string): number {
  if (!WITHOUT_ZONE.test(text)) return Date.parse(text);
  const wantedMs = Date.parse(`${text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")}Z`);
  if (Number.isNaN(wantedMs)) return NaN;
  const shownMs = (ms: number) => Date.parse(`${stampOf(ms).replace(" ", "T")}Z`) + ms % 1000;
  // Twice: the first guess may be on the other side of a change of the clocks.
  let ms = wantedMs;
  for (let i = 0; i < 2; i++) ms += wantedMs - shownMs(ms);
  return ms;
}
