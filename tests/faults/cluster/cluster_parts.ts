/** A cluster for fault tests: the harness' Kafka and Cassandra, and a store to look at what engines stored. */
import type { Config } from "../../../core/config/schema.ts";
import { configSchema } from "../../../core/config/schema.ts";
import type { Store } from "../../../core/store/ports.ts";
import { openStore } from "../../../core/store/registry.ts";
import { type FaultPlan, type FaultReport, runFaults } from "./faults.ts";
import { expectExact } from "./verdict.ts";

export interface ClusterAddresses {
  readonly brokers: string;
  readonly contactPoints: string;
}

/** Runs a plan against the cluster, and throws unless what is stored equals what the topic holds. */
export async function runClusterFaults(
  plan: FaultPlan,
  { brokers, contactPoints }: ClusterAddresses,
  say: (text: string) => void,
): Promise<FaultReport> {
  const data = await Deno.makeTempDir({ prefix: "millrace-faults-" });
  const keyspace = `faults_${crypto.randomUUID().slice(0, 8)}`;
  const config: Config = configSchema.parse({ data, cassandra: { contactPoints: [contactPoints], keyspace } });
  const store = await openStore("cassandra", config);
  try {
    const environment = {
      MILLRACE_DATA: data,
      CASSANDRA_CONTACT_POINTS: contactPoints,
      MILLRACE_CASSANDRA_KEYSPACE: keyspace,
      MILLRACE_CASSANDRA_REQUEST_TIMEOUT_MS: "5000",
    };
    const report = await runFaults(plan, brokers, environment, (topicId) => storedTo(store, topicId), say);
    say("comparing with a recount");
    await expectExact(store, report);
    return report;
  } finally {
    await store.close();
    await Deno.remove(data, { recursive: true });
  }
}

async function storedTo(store: Store, topicId: string): Promise<number> {
  const partitions = await store.partitions(topicId).catch(() => []); // it may be stopped
  return partitions.reduce((sum, { checkpoint }) => sum + checkpoint, 0);
}
