import { expect } from "expect";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { ConsumerGroup } from "../../core/log/partitioned_log.ts";
import { IDLE, NOW_MS, withGateway } from "../test_gateway.ts";

/** Records of the one partition, a second apart, the last at {@link NOW_MS}. */
const RECORDS = 20;

async function groupsOf(known: readonly ConsumerGroup[] | null): Promise<unknown> {
  let answer: unknown;
  await withGateway(async ({ log, ask }) => {
    const topic = await log.createTopic("shop", { partitions: 1 });
    const writer = new TopicWriter(log, topic);
    for (let i = 0; i < RECORDS; i++) {
      await writer.write(new TextEncoder().encode(`{"i":${i}}`), NOW_MS - (RECORDS - 1 - i) * 1000);
      await writer.flush(); // a batch each, so that each has a time of its own
    }
    const { status, json } = await ask("/api/v1/topics/shop/groups");
    expect(status).toBe(200);
    answer = json;
    expect(await ask("/api/v1/topics/shops/groups")).toMatchObject({ status: 404 });
  }, {
    parts: (real) => ({
      log: known === null ? real.log : new Proxy(real.log, {
        get: (target, name) => {
          if (name === "consumerGroups") return () => Promise.resolve(known);
          const own = Reflect.get(target, name);
          return typeof own === "function" ? own.bind(target) : own;
        },
      }),
    }),
  });
  return answer;
}

Deno.test("on the embedded log the store is the one reader, behind by what it has not stored", async () => {
  expect(await groupsOf(null)).toMatchObject({
    groups: [{
      kind: "store",
      lagRecords: RECORDS,
      lagSeconds: RECORDS - 1,
      partitions: [{ partition: 0, offset: 0, end: RECORDS }],
    }],
  });
});

Deno.test("a consumer group lags by the records after what it committed, and by the age of the first", async () => {
  const groupAt = (offset: number | null): ConsumerGroup => ({
    name: `at-${offset}`,
    state: "stable",
    members: 1,
    partitions: [{ partition: 0, offset, member: "billing/10.0.0.7" }],
  });
  const { groups } = Object(await groupsOf([groupAt(15), groupAt(RECORDS), groupAt(null)]));
  expect(groups.slice(1)).toMatchObject([
    { name: "at-15", members: 1, lagRecords: 5, lagSeconds: 4, partitions: [{ member: "billing/10.0.0.7" }] },
    { name: `at-${RECORDS}`, lagRecords: 0, lagSeconds: 0 },
    { name: "at-null", lagRecords: RECORDS, lagSeconds: RECORDS - 1, partitions: [{ offset: null }] },
  ]);
});

Deno.test("the status names the engine's workers with their partitions, or that engines are elsewhere", async () => {
  await withGateway(async ({ ask }) => {
    expect((await ask("/api/v1/status")).json).toMatchObject({
      log: "embedded",
      store: "duckdb",
      consumerGroup: null,
      engine: { isHealthy: true, workers: IDLE.assignments },
    });
  });
  await withGateway(async ({ ask }) => {
    expect((await ask("/api/v1/status")).json).toMatchObject({ engine: null });
  }, { parts: ({ engine }) => ({ engine: { ...engine, status: () => null } }) });
});
