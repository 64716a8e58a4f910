/** Runs an engine, with its health and metrics, until it is told to stop. */
import { chosenStore } from "../../core/config/chosen_store.ts";
import type { Config } from "../../core/config/schema.ts";
import { engineMetrics } from "../../engine/metrics.ts";
import { type Engine, startEngine } from "../../engine/main.ts";
import type { WorkerThreads } from "../../engine/worker_threads.ts";
import { type Data, membershipOf, openData } from "../data.ts";
import { formatPlural } from "../format.ts";
import { serveGateway } from "../gateway/serve.ts";
import { programLog } from "../program_log.ts";
import { csvFiles, minutePublisher } from "../publishing.ts";
import { startRetention } from "../retention.ts";
import { announceGateway, withdrawGateway } from "../running.ts";
import { listenForStop } from "../signals.ts";
import { checkRetention } from "./retention_check.ts";
import { startStatusServer } from "../status_server.ts";
import type { Terminal } from "../terminal.ts";
import { watchForOthers } from "./sharing.ts";

/** Until the first SIGINT or SIGTERM; returns when everything is flushed and the group has been left. */
export async function runEngine(config: Config, threads: WorkerThreads, terminal: Terminal): Promise<void> {
  const log = programLog("engine", terminal);
  const signal = listenForStop(() => log("ended at once: what was not stored yet is read again by whoever takes over"));
  {
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, log);
    parts.defer(() => data.close());
    const membership = await membershipOf(data, config, log);
    const engine = await startEngine({
      config,
      log: data.log,
      membership,
      store: data.store,
      threads,
      archive: data.archive,
      onNotice: log,
    });
    parts.defer(async () => {
      await engine.stop();
      log(`stored ${formatPlural(engine.status().recordsTotal, "record")}`);
    });
    if (data.kafka !== null) await checkRetention(data.kafka, config, log);
    const publisher = minutePublisher(config, data, engine, log);
    publisher?.start();
    parts.defer(() => publisher?.stop());
    const csv = csvFiles(config, data, engine, log);
    csv?.start();
    parts.defer(() => csv?.stop());
    const server = startStatusServer({ ...config.engine, key: "engine.port" }, {
      registry: engineMetrics(engine, publisher),
      reasons: () => reasonsOf(engine, data),
      collect: () => {},
    });
    parts.defer(() => server.stop());
    parts.use(watchForOthers(config, data, engine, log));
    parts.use(startRetention({ config, data, onNotice: log }));
    if (chosenStore(config) === "duckdb") {
      const gateway = await serveGateway(config, data, engine);
      parts.defer(() => gateway.stop());
      announceGateway(config.data, gateway.url, log);
      parts.defer(() => withdrawGateway(config.data));
      log(`gateway at ${gateway.url}`);
    }
    const { workers } = engine.status();
    log(`engine with ${formatPlural(workers, "worker")}; health and metrics at ${server.url}`);
    log(`${await signal.stopped}: stopping`);
  }
  signal.release();
}

async function reasonsOf(engine: Engine, { log, store }: Data): Promise<string[]> {
  const reasons: string[] = [];
  const { isHealthy, lastError, membership } = engine.status();
  if (!isHealthy) reasons.push(`engine: ${lastError ?? "not healthy"}`);
  if (membership.state !== "joined") reasons.push(`group ${membership.group}: ${membership.state}`);
  await log.listTopics().catch((error) => reasons.push(`log: ${error.message}`));
  await store.get("ready").catch((error) => reasons.push(`store: ${error.message}`));
  return reasons;
}
