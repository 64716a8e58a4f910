import { expect } from "expect";
import { faultOf, nextAfter } from "./calendar.ts";

const NOW = Date.parse("2026-03-02T10:00:00Z");

Deno.test("a schedule that never fires, and what is none, are told", () => {
  expect(faultOf("0 6 * * *", "UTC", NOW)).toBe(null);
  expect(faultOf("0 0 29 2 *", "UTC", NOW)).toBe(null);
  expect(faultOf("0 0 30 2 *", "UTC", NOW)).toBe("never fires: no day is like that");
  expect(faultOf("0 0 1 1 * 2020", "UTC", NOW)).toMatch(/never fires|is no cron expression/);
  expect(faultOf("every day", "UTC", NOW)).toMatch(/^is no cron expression/);
  expect(faultOf("61 * * * *", "UTC", NOW)).toMatch(/^is no cron expression/);
});

Deno.test("times are those of the zone, through the change of clocks", () => {
  expect(nextAfter("0 6 * * *", "Europe/Berlin", NOW)).toBe(Date.parse("2026-03-03T05:00:00Z"));
  expect(nextAfter("0 6 * * *", "Europe/Berlin", Date.parse("2026-03-29T00:00:00Z"))).toBe(
    Date.parse("2026-03-29T04:00:00Z"),
  );
});
