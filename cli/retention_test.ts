import { expect } from "expect";
import { configSchema } from "../core/config/schema.ts";
import { openData } from "./data.ts";
import { applyRetention, startRetention } from "./retention.ts";

const DAY_MS = 86_400_000;

Deno.test("minutes and events go by their own days, the log by the same clock, but for what is not stored yet", async () => {
  const config = configSchema.parse({ store: { minutesRetentionDays: 100, eventsRetentionDays: 2 } });
  const calls: unknown[] = [];
  const notices: string[] = [];
  const data = {
    archive: null,
    log: { listTopics: () => Promise.resolve([{ id: "a", name: "shop", partitions: 2 }]) },
    embedded: {
      applyRetention: (nowMs: number, keepFrom?: (topicId: string, partition: number) => number) => {
        calls.push(nowMs, keepFrom?.("a", 0), keepFrom?.("a", 1));
        return Promise.resolve(1);
      },
    },
    store: {
      get: () => Promise.reject(new Error("nothing is archived")),
      compareAndSet: () => Promise.reject(new Error("nothing is archived")),
      partitions: () =>
        Promise.resolve([{
          partition: 1,
          checkpoint: 77,
          writer: null,
          watermarkMs: null,
          totals: { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 },
        }]),
      retain: (limits: unknown) => {
        calls.push(limits);
        return Promise.resolve(12_345);
      },
    },
  };
  await applyRetention({ config, data, onNotice: (message) => notices.push(message) }, 1000 * DAY_MS);
  expect(calls).toEqual([1000 * DAY_MS, 0, 77, { minutesBeforeMs: 900 * DAY_MS, eventsBeforeMs: 998 * DAY_MS }]);
  expect(notices).toEqual(["retention: deleted 1 segment of the log, 12 345 rows stored"]);
});

Deno.test("retention that fails is told and does not end the process", async () => {
  const directory = await Deno.makeTempDir({ prefix: "millrace-retention-" });
  const config = configSchema.parse({ data: directory });
  const data = await openData(config, () => {});
  const notices: string[] = [];
  await data.store.close();
  const retention = startRetention({ config, data, onNotice: (message) => notices.push(message) });
  await retention[Symbol.asyncDispose]();
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatch(/^retention: .*; tried again in a while$/);
  await data.log.close();
  await data.close().catch(() => {});
  await Deno.remove(directory, { recursive: true });
});
