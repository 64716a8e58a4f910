import { expect } from "expect";
import { NoticeFilter } from "./notice_filter.ts";

const notice = (partition: number, message: string) => ({
  topicName: "access",
  partition,
  severity: "error" as const,
  message,
});

Deno.test("the like of a notice is told once, then counted for half a minute", () => {
  const filter = new NoticeFilter();
  const told: (string | null)[] = [];
  for (let second = 0; second <= 31; second++) {
    told.push(filter.filter(notice(second % 3, `no room for ${second} bytes`), second * 1000));
  }
  expect(told.filter((line) => line !== null)).toEqual([
    "error: access/0: no room for 0 bytes",
    "error: access/0: no room for 30 bytes (30 times in 30 s, on 3 partitions)",
  ]);
});

Deno.test("other notices are told at once, and the same again after a quiet time", () => {
  const filter = new NoticeFilter();
  expect(filter.filter(notice(0, "gone"), 0)).toBe("error: access/0: gone");
  expect(filter.filter(notice(0, "lost"), 1)).toBe("error: access/0: lost");
  expect(filter.filter(notice(1, "gone"), 29_999)).toBeNull();
  expect(filter.filter(notice(1, "gone"), 40_000)).toBe(
    "error: access/1: gone (2 times in 40 s, on 1 partition)",
  );
  expect(filter.filter(notice(2, "gone"), 80_000)).toBe("error: access/2: gone");
});
