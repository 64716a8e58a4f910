/** What a day is read from in Cassandra: the minutes are taken away, and the answer stays. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import type { Store } from "../../core/store/ports.ts";
import { openStore } from "../../core/store/registry.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { eventOf, HOUR_MS, PartitionWriter, START_MS, type TestEvent, TOPIC } from "./store_fixtures.ts";

const cassandra = await serviceForTests("cassandra");
const contactPoints = cassandra?.contactPoints.split(",") ?? [];
const DAY_MS = 24 * HOUR_MS;
const DAY = Math.floor(START_MS / DAY_MS) * DAY_MS;
const PARTITIONS = [0, 1, 2];

/** One event of each partition in every hour of the day, and one an hour after it. */
const eventsOf = (partition: number): TestEvent[] =>
  Array.from(
    { length: 25 },
    (_, hour) => eventOf(hour, DAY + hour * HOUR_MS + partition * 60_000 - START_MS, { fields: { service: "cart" } }),
  );

async function countsOf(store: Store, stepMinutes: number): Promise<number> {
  const { series } = await store.series({
    topicId: TOPIC,
    range: { fromMs: DAY, toMs: DAY + DAY_MS },
    stepMinutes,
    statistic: "count",
    by: [],
    where: [],
    seriesMax: 1,
  });
  return series.flatMap(({ points }) => points).reduce((sum, [, count]) => sum + (count ?? NaN), 0);
}

Deno.test({
  name:
    "a day that somebody has read is read without any partition's minutes, and after a late event those of its hour",
  ignore: cassandra === null,
  fn: async () => {
    await using opened = new AsyncDisposableStack();
    const data = await Deno.makeTempDir({ prefix: "millrace-rollups-" });
    opened.defer(() => Deno.remove(data, { recursive: true }));
    const keyspace = `rollups_${crypto.randomUUID().slice(0, 8)}`;
    const client = new Client({ contactPoints, localDataCenter: "datacenter1" });
    opened.defer(() => client.shutdown());
    opened.defer(async () => void await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`));
    const open = async () => {
      const store = await openStore("cassandra", configSchema.parse({ data, cassandra: { contactPoints, keyspace } }));
      opened.defer(() => store.close());
      return store;
    };
    const store = await open();
    const writers = PARTITIONS.map((partition) => new PartitionWriter(store, TOPIC, partition, ["service"]));
    for (const [i, writer] of writers.entries()) await writer.flush(eventsOf(PARTITIONS[i]));
    expect(await countsOf(store, 1440)).toBe(24 * PARTITIONS.length);

    const removeMinutes = async (hours: readonly number[]) => {
      for (const partition of PARTITIONS) {
        for (const hour of hours) {
          await client.execute(
            `DELETE FROM ${keyspace}.units WHERE topic_id = ? AND part = ? AND bucket = ? AND kind = 0`,
            [TOPIC, partition, (DAY + hour * HOUR_MS) / HOUR_MS],
            { prepare: true },
          );
        }
      }
    };
    const allHours = Array.from({ length: 24 }, (_, hour) => hour);
    await removeMinutes(allHours.filter((hour) => hour !== 5));
    expect(await countsOf(await open(), 1440)).toBe(24 * PARTITIONS.length);
    expect(await countsOf(await open(), 60)).toBe(24 * PARTITIONS.length);
    // The minutes are gone indeed: who asks for them has those of hour 5 alone.
    expect(await countsOf(await open(), 30)).toBe(PARTITIONS.length);

    await writers[1].flush([eventOf(100, DAY + 5.5 * HOUR_MS - START_MS, { fields: { service: "cart" } })]);
    for (const asked of [store, await open()]) {
      expect(await countsOf(asked, 1440)).toBe(24 * PARTITIONS.length + 1);
      expect(await countsOf(asked, 60)).toBe(24 * PARTITIONS.length + 1);
    }
  },
});
