import { expect } from "expect";
import { digestOf, finalUntil, messageOf, NOTHING_PUBLISHED, revise, sent } from "./final_minutes.ts";

Deno.test("a minute is published once for each content that it had, with revisions that count up", () => {
  const first = revise(NOTHING_PUBLISHED, new Map([[3, "a"], [4, "b"]]));
  expect(first.unsent).toEqual([3, 4]);
  expect(first.hour.minutes[3]).toEqual({ revision: 0, digest: "a", isSent: false });

  const again = revise(first.hour, new Map([[3, "a"], [4, "b"]])); // ended before they were sent
  expect(again).toEqual(first);

  const hour = sent(first.hour, first.unsent, null);
  expect(revise(hour, new Map([[3, "a"], [4, "b"]])).unsent).toEqual([]);

  const changed = revise(hour, new Map([[3, "c"], [4, "b"]]));
  expect(changed.unsent).toEqual([3]);
  expect(changed.hour.minutes[3]).toEqual({ revision: 1, digest: "c", isSent: false });
  expect(changed.hour.minutes[4]).toEqual(hour.minutes[4]);
});

Deno.test("figures decide what is the same, not their order nor what follows from them", async () => {
  const row = { minute: "2026-01-01T00:00:00Z", service: "a", count: 3, response_time_stddev: 1.0000001 };
  const other = { ...row, service: "b" };
  expect(await digestOf([row, other])).toBe(await digestOf([other, { ...row, response_time_stddev: 1 }]));
  expect(await digestOf([row, other])).not.toBe(await digestOf([row, { ...other, count: 4 }]));
  expect(await digestOf([row, other])).not.toBe(await digestOf([row]));
});

Deno.test("a minute is final when it ends before the watermark of every partition that is read", () => {
  const at = (minute: number, isIdle = false) => ({ watermarkMs: minute * 60_000 + 59_999, isIdle });
  expect(finalUntil([at(7), at(5)])).toBe(5);
  expect(finalUntil([at(7), at(5, true)])).toBe(7);
  expect(finalUntil([at(7), { watermarkMs: null, isIdle: false }])).toBeNull();
  expect(finalUntil([at(7), { watermarkMs: null, isIdle: true }])).toBe(7);
  expect(finalUntil([at(7, true)])).toBe(Infinity);
});

Deno.test("a message has the dimensions and the figures that there are", () => {
  const row = {
    minute: "2026-01-01T00:01:00.000000Z",
    service: "cart",
    host: "",
    count: 2,
    errors: 0,
    amount_count: 0,
    amount_sum: null,
    response_time_count: 2,
    response_time_sum: 1.5,
  };
  const { key, value } = messageOf("shop", row, 4);
  expect(JSON.parse(key)).toEqual({ minute: "2026-01-01T00:01:00.000Z", service: "cart" });
  expect(JSON.parse(value)).toEqual({
    topic: "shop",
    minute: "2026-01-01T00:01:00.000Z",
    revision: 4,
    service: "cart",
    count: 2,
    errors: 0,
    response_time_count: 2,
    response_time_sum: 1.5,
  });
});
