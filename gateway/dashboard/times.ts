/** Times as the pages show them: in the browser's zone, or in the one that the settings name. */

let zone: string | undefined;
let formats = formatsOf(zone);

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

/** Sets the zone of all times; undefined is the browser's. Takes what the browser does not know for its own. */
export function setZone(timeZone: string | undefined): void {
  try {
    formats = formatsOf(timeZone);
    zone = timeZone;
  } catch {
    formats = formatsOf(undefined);
    zone = undefined;
  }
}

/** IANA name of the zone that times are in. */
export const zoneName = (): string => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/** 2026-03-01 */
export const dayOf = (ms: number): string => formats.day.format(ms);
/** 13:05 */
export const minuteOf = (ms: number): string => formats.minute.format(ms);
/** 13:05:09.123 */
export const clockOf = (ms: number): string => formats.milli.format(ms);
/** 2026-03-01 13:05:09 */
export const stampOf = (ms: number): string => `${dayOf(ms)} ${formats.second.format(ms)}`;
