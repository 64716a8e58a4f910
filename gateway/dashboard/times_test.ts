import { expect } from "expect";
import { clockOf, dayOf, minuteOf, setZone, stampOf, zoneName } from "./times.ts";

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
