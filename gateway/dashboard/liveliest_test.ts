import { expect } from "expect";
import { liveliest, newestMs } from "./liveliest.ts";

const topic = (name: string, events: number, ...watermarks: (string | null)[]) => ({
  name,
  totals: { events },
  partitions: watermarks.map((at) => ({ watermark: at === null ? null : `2026-03-01T12:${at}Z` })),
});

Deno.test("of live topics the one with the most events is shown, whichever had the very latest", () => {
  const chosen = (...topics: ReturnType<typeof topic>[]) => liveliest(topics)?.name;
  expect(chosen(topic("a", 10, "00:01"), topic("b", 900, "00:00"))).toBe("b");
  expect(chosen(topic("a", 10, "00:00"), topic("b", 900, "00:01"))).toBe("b");
  expect(chosen(topic("b", 10, "00:00"), topic("a", 10, "00:01"))).toBe("a");
  // What has had no event for long is history, however much there is of it.
  expect(chosen(topic("old", 10_000, "00:00", "01:00"), topic("new", 1, "06:01", null))).toBe("new");
  expect(chosen(topic("empty", 0, null), topic("none", 0))).toBe("empty");
  expect(chosen()).toBeUndefined();
  expect(newestMs(topic("a", 1, "00:00", null, "03:00"))).toBe(Date.parse("2026-03-01T12:03:00Z"));
});
