/** Retention by a machine whose clock is ahead of Cassandra's: what comes after it is stored all the same. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { openStore } from "../../core/store/registry.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { cellOf, eventOf, flushOf, HOUR_MS, START_MS, storedCounts, TOPIC } from "./store_fixtures.ts";

const cassandra = await serviceForTests("cassandra");
const contactPoints = cassandra?.contactPoints.split(",") ?? [];

Deno.test({
  name: "late events after retention are kept, also where the clock that retention ran by is ahead",
  ignore: cassandra === null,
  fn: async () => {
    await using opened = new AsyncDisposableStack();
    const data = await Deno.makeTempDir({ prefix: "millrace-clock-" });
    opened.defer(() => Deno.remove(data, { recursive: true }));
    const keyspace = `clock_${crypto.randomUUID().slice(0, 8)}`;
    const client = new Client({ contactPoints, localDataCenter: "datacenter1" });
    opened.defer(() => client.shutdown());
    opened.defer(async () => void await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`));
    const store = await openStore("cassandra", configSchema.parse({ data, cassandra: { contactPoints, keyspace } }));
    opened.defer(() => store.close());
    await store.flush(flushOf({ cells: [cellOf(0, "cart", 3)], events: [eventOf(0, 0)] }));

    const now = Date.now; // the driver's timestamps are made of it
    Date.now = () => now() + HOUR_MS;
    try {
      expect(await store.retain({ minutesBeforeMs: START_MS + 1, eventsBeforeMs: START_MS + 1 })).toBe(2);
    } finally {
      Date.now = now;
    }
    expect(await storedCounts(store)).toEqual({});

    const late = flushOf({ expectCheckpoint: 10, at: 20, cells: [cellOf(0, "cart", 1)], events: [eventOf(10, 5)] });
    expect(await store.flush(late)).toEqual({ kind: "applied" });
    expect(await storedCounts(store)).toEqual({ "0|cart": 1 });
    expect(await store.countStored(TOPIC)).toEqual([{ partition: 0, count: 1 }]);
    const range = { fromMs: START_MS, toMs: START_MS + HOUR_MS };
    const events = await store.events({ topicId: TOPIC, range, where: [], limit: 10 });
    expect(events.map(({ offset }) => offset)).toEqual([10]);
  },
});
