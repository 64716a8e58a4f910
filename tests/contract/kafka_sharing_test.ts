/** Engines of one group as processes, over one shared store: together they do all of it, once. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { z } from "zod";
import { configSchema } from "../../core/config/schema.ts";
import { openStore } from "../../core/store/registry.ts";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { kafkaTest, otherClient } from "./kafka_for_tests.ts";

const cassandra = canRunPrograms ? await serviceForTests("cassandra") : null;
const RECORDS = 30_000;
const AT_MS = Date.parse("2026-03-01T12:00:00Z");
const figures = z.object({ records: z.number() });

if (cassandra !== null) {
  kafkaTest(
    "two engines that process what there is share it, and end when all of it is stored",
    { partitions: 6 },
    async (parts) => {
      const { topic, access, opened } = parts;
      const producer = otherClient().producer();
      await producer.connect();
      for (let sent = 0; sent < RECORDS; sent += 5_000) {
        const messages = Array.from({ length: 5_000 }, (_, i) => {
          const timestamp = new Date(AT_MS + (sent + i) * 10).toISOString();
          return {
            partition: (sent + i) % 6,
            value: JSON.stringify({ timestamp, level: "INFO", service: `service-${i % 3}` }),
          };
        });
        await producer.send({ topic: topic.name, compression: 1, messages });
      }
      await producer.disconnect();
      const contactPoints = cassandra.contactPoints.split(",");
      const keyspace = `sharing_${crypto.randomUUID().slice(0, 8)}`;
      opened.defer(async () => {
        const client = new Client({ contactPoints, localDataCenter: "datacenter1" });
        await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
        await client.shutdown();
      });
      const env = {
        KAFKA_BROKERS: access.brokers.join(),
        MILLRACE_KAFKA_TOPICS: topic.name,
        MILLRACE_KAFKA_GROUP_ID: access.groupId,
        CASSANDRA_CONTACT_POINTS: cassandra.contactPoints,
        MILLRACE_CASSANDRA_KEYSPACE: keyspace,
      };
      const engines = await Promise.all(
        [0, 1].map(() => startProgram("engine", ["--until-end", "--workers", "1"], env)),
      );
      const ended = await Promise.all(engines.map((engine) => engine.ended));
      expect(ended).toMatchObject([{ code: 0 }, { code: 0 }]);
      const records = ended.map(({ stdout }) => figures.parse(JSON.parse(stdout)).records);
      expect(records[0] + records[1]).toBe(RECORDS);
      const store = await openStore("cassandra", configSchema.parse({ cassandra: { contactPoints, keyspace } }));
      opened.defer(() => store.close());
      const stored = await store.partitions(topic.id);
      expect(stored.map(({ checkpoint }) => checkpoint)).toEqual(Array.from({ length: 6 }, () => RECORDS / 6));
      expect((await store.countStored(topic.id)).reduce((sum, { count }) => sum + count, 0)).toBe(RECORDS);
    },
  );
}
