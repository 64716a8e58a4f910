import { expect } from "expect";
import { clockOf, dayOf, minuteOf, momentOf, parseStamp, setZone, stampOf, whenOf, zoneName } from "./times.ts";

Deno.test("times are those of the zone, also where another day has begun there", () => {
  const ms = Date.UTC(2026, 2, 1, 23, 5, 9, 7);
  for (
    const [zone, day, minute] of [
      ["UTC", "2026-03-01", "23:05"],
      ["Asia/Kolkata", "2026-03-02", "04:35"],
      ["America/New_York", "2026-03-01", "18:05"],
    ]
  ) {
    setZone(zone);
    expect([zoneName(), dayOf(ms), minuteOf(ms), clockOf(ms), stampOf(ms)])
      .toEqual([zone, day, minute, `${minute}:09.007`, `${day} ${minute}:09`]);
  }
  setZone("UTC");
  expect(minuteOf(Date.UTC(2026, 2, 1))).toBe("00:00"); // not 24:00
  setZone("Mars/Base");
  expect(zoneName()).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  setZone(undefined);
});

Deno.test("a time without a zone is read as it would be shown, through changes of the clocks", () => {
  const instants = [
    Date.UTC(2026, 0, 15, 12, 30, 9),
    Date.UTC(2026, 2, 29, 0, 59, 59), // a second before Berlin's clocks go forward
    Date.UTC(2026, 2, 29, 1),
    Date.UTC(2026, 9, 25, 2, 30),
    Date.UTC(2026, 10, 1, 23, 5, 7),
  ];
  for (const zone of ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Apia"]) {
    setZone(zone);
    for (const ms of instants) expect({ zone, ms: parseStamp(stampOf(ms)) }).toEqual({ zone, ms });
  }
  setZone("Asia/Kolkata");
  expect(parseStamp("2026-03-01")).toBe(Date.UTC(2026, 1, 28, 18, 30));
  expect(parseStamp("2026-03-01 05:30")).toBe(Date.UTC(2026, 2, 1));
  // What names its zone is of that one.
  expect(parseStamp("2026-03-01T12:00:00Z")).toBe(Date.UTC(2026, 2, 1, 12));
  expect(parseStamp("2026-03-01T12:00+01:00")).toBe(Date.UTC(2026, 2, 1, 11));
  expect(parseStamp("yesterday")).toBeNaN();
  expect(parseStamp("2026-03-01 25:00")).toBeNaN();
  setZone(undefined);
});

Deno.test("a time of another day has its day", () => {
  setZone("UTC");
  const HOUR_MS = 3_600_000;
  const recentMs = Date.now() - 2 * HOUR_MS; // yesterday, when it is midnight
  expect([whenOf(recentMs), momentOf(recentMs)]).toEqual([minuteOf(recentMs), clockOf(recentMs)]);
  for (const ms of [Date.UTC(2015, 4, 18, 13, 5, 9), Date.now() - 30 * HOUR_MS, Date.now() + 30 * HOUR_MS]) {
    expect([whenOf(ms), momentOf(ms)]).toEqual([`${dayOf(ms)} ${minuteOf(ms)}`, stampOf(ms)]);
  }
});
