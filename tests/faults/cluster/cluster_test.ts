/** Rule 1 on real servers, a short dose; `deno task faults` is the whole one. */
import { expect } from "expect";
import { serviceForTests } from "../../services/for_tests.ts";
import { runClusterFaults } from "./cluster_parts.ts";

const kafka = await serviceForTests("kafka");
const cassandra = await serviceForTests("cassandra");
/** Only servers of the harness are killed. */
const isOurs = Deno.env.get("KAFKA_BROKERS") === undefined && Deno.env.get("CASSANDRA_CONTACT_POINTS") === undefined;
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);

Deno.test({
  name: `three engines on Kafka and Cassandra count every record once, whatever is killed (SEED=${SEED})`,
  ignore: kafka === null || cassandra === null,
  async fn() {
    const report = await runClusterFaults(
      {
        seed: SEED,
        records: 120_000,
        seconds: 30,
        partitions: 12,
        engines: 3,
        kills: 5,
        freezes: 2,
        rebalanceSeconds: 6,
        brokerKills: isOurs ? 1 : 0,
        storeStopSeconds: isOurs ? 5 : 0,
      },
      { brokers: kafka?.brokers ?? "", contactPoints: cassandra?.contactPoints ?? "" },
      () => {},
    );
    expect(report.truth.records).toBeGreaterThanOrEqual(120_000);
  },
});
