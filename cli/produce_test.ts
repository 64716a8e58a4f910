import { expect } from "expect";
import { summary } from "./produce.ts";

const done = { emptyLines: 0, durableLine: 5000, durableRecords: 5000, isStopped: false };

Deno.test("the summary says what went where and how fast", () => {
  expect(
    summary({ ...done, records: 5000, recordBytes: 1_157_930 }, { topic: "access", partitions: 4, elapsedMs: 400 }),
  ).toBe("produced 5000 records (1.2 MB) to access, 4 partitions, in 0.4 s (12 500 records/s)");
});

Deno.test("the summary of nothing, of empty lines and of a stop", () => {
  const none = { ...done, records: 0, recordBytes: 0, emptyLines: 2 };
  expect(summary(none, { topic: "access", partitions: 1, elapsedMs: 10 }))
    .toBe("produced 0 records (0 B) to access, 1 partition, in 10 ms; 2 empty lines left out");
  const stopped = { ...done, records: 1, recordBytes: 9, durableLine: 7, isStopped: true };
  expect(summary(stopped, { topic: "shop", partitions: 0, elapsedMs: 2000 }))
    .toBe("produced 1 record (9 B) to shop in 2.0 s (1 record/s); stopped after line 7");
});
