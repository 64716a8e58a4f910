/** An hour of so many cells that Cassandra would refuse it in one request, on its way through a whole engine. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { openStore } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";
import { serviceForTests } from "../services/for_tests.ts";

const cassandra = await serviceForTests("cassandra");
const START_MS = Date.parse("2026-03-01T12:00:00Z");
/** Cells of 500 bytes, about: 40 000 of them are refused (cassandra_engines_test.ts). */
const CELLS = 60_000;
const SERVICES = 300;
const MINUTE_MS = 60_000;

/** A number in letters: digits in an endpoint would be taken for an id. */
const wordOf = (n: number): string => String(n).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]);

Deno.test({
  name: "Cassandra: an engine stores an hour whose cells are too many for one request",
  ignore: cassandra === null,
  async fn() {
    const contactPoints = cassandra?.contactPoints.split(",") ?? [];
    const keyspace = `large_${crypto.randomUUID().slice(0, 8)}`;
    const data = await Deno.makeTempDir({ prefix: "millrace-large-" });
    await using opened = new AsyncDisposableStack();
    opened.defer(() => Deno.remove(data, { recursive: true }));
    const client = new Client({ contactPoints, localDataCenter: "datacenter1" });
    opened.defer(() => client.shutdown());
    const config = configSchema.parse({
      data,
      cassandra: { contactPoints, keyspace },
      // One flush, if the engine did not divide it: neither the interval nor kept events ask for another.
      engine: { workers: 1, flushIntervalMs: 60_000, events: "off" },
    });
    const store = await openStore("cassandra", config);
    opened.defer(async () => {
      await store.close();
      await client.execute(`DROP KEYSPACE ${keyspace}`);
    });
    const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
    opened.defer(() => log.close());

    const topic = await log.createTopic("large", { partitions: 1, format: "json" });
    const writer = new TopicWriter(log, topic);
    for (let i = 0; i < CELLS; i++) {
      const record = {
        timestamp: new Date(START_MS + (i % 50) * MINUTE_MS).toISOString(),
        level: "INFO",
        service: `${"service ".repeat(20)}${i % SERVICES}`,
        endpoint: `/${"path/".repeat(20)}${wordOf(Math.floor(i / SERVICES))}`,
      };
      await writer.write(new TextEncoder().encode(JSON.stringify(record)), START_MS);
    }
    await writer.flush();

    const notices: string[] = [];
    const onNotice = (text: string) => notices.push(text);
    const engine = await startEngine({ config, log, membership: new SoleMembership(log, onNotice), store, onNotice });
    try {
      const stored = async () => (await store.partitions(topic.id)).at(0)?.checkpoint ?? 0;
      while (await stored() < CELLS && notices.length === 0) await new Promise((wake) => setTimeout(wake, 50));
    } finally {
      await engine.stop();
    }
    expect(notices).toEqual([]);
    expect(await store.countStored(topic.id)).toEqual([{ partition: 0, count: CELLS }]);
  },
});
