/** One engine on Kafka with the embedded store: killed, frozen, and without its broker for a while. */
import { z } from "zod";
import { configSchema } from "../../../core/config/schema.ts";
import { openStore } from "../../../core/store/registry.ts";
import { serviceForTests } from "../../services/for_tests.ts";
import { type FaultPlan, runFaults } from "./faults.ts";
import { expectExact } from "./verdict.ts";

const kafka = await serviceForTests("kafka");
const isOurs = Deno.env.get("KAFKA_BROKERS") === undefined;
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);

const PLAN: FaultPlan = {
  seed: SEED,
  records: 100_000,
  seconds: 15,
  partitions: 6,
  engines: 1,
  kills: 4,
  freezes: 1,
  rebalanceSeconds: 0,
  brokerKills: isOurs ? 1 : 0,
  storeStopSeconds: 0,
};

const topics = z.object({
  topics: z.array(z.object({ id: z.string(), partitions: z.array(z.object({ checkpoint: z.number() })) })),
});

Deno.test({
  name: `an engine on Kafka with the embedded store counts every record once, whatever is killed (SEED=${SEED})`,
  ignore: kafka === null,
  async fn() {
    const data = await Deno.makeTempDir({ prefix: "millrace-faults-" });
    try {
      const environment = { MILLRACE_STORE_KIND: "duckdb", MILLRACE_DATA: data, MILLRACE_GATEWAY_PORT: "0" };
      // The store is the engine's alone while it runs: its gateway is asked.
      const storedTo = async (topicId: string): Promise<number> => {
        try {
          const { url } = JSON.parse(await Deno.readTextFile(`${data}/gateway.json`));
          const answer = topics.parse(await (await fetch(`${url}/api/v1/topics`)).json());
          const topic = answer.topics.find(({ id }) => id === topicId);
          return topic?.partitions.reduce((sum, { checkpoint }) => sum + checkpoint, 0) ?? 0;
        } catch {
          return 0; // it is starting
        }
      };
      const report = await runFaults(PLAN, kafka?.brokers ?? "", environment, storedTo, () => {});
      const store = await openStore("duckdb", configSchema.parse({ data }));
      try {
        await expectExact(store, report);
      } finally {
        await store.close();
      }
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});
