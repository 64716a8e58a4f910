/** Runs an analyzer, with its health and metrics, until it is told to stop. */
import type { Config } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { isShared, openData } from "../data.ts";
import { programLog } from "../program_log.ts";
import { listenForStop } from "../signals.ts";
import { startAlerts } from "./alerts.ts";
import { startStatusServer } from "../status_server.ts";
import type { Terminal } from "../terminal.ts";
import { analyzerMetrics } from "./metrics.ts";
import { type RunningAnalyzer, startAnalyzer } from "./start.ts";

/** Until the first SIGINT or SIGTERM. Throws INVALID_CONFIG where the store is one process's own. */
export async function runAnalyzer(config: Config, terminal: Terminal): Promise<void> {
  if (!isShared(config)) {
    throw new MillraceError(
      "INVALID_CONFIG",
      "an analyzer of its own needs a log and a store that are shared: kafka.brokers and a store that is no file",
      "set KAFKA_BROKERS and CASSANDRA_CONTACT_POINTS, or start `dev`, which has everything in one process",
    );
  }
  const log = programLog("analyzer", terminal);
  const signal = listenForStop(() => log("ended at once: what was not kept yet is read again by whoever takes over"));
  {
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, log);
    parts.defer(() => data.close());
    const analyzer = await startAnalyzer({
      config,
      data,
      dashboardUrl: null,
      isTerminal: terminal.isOutTerminal,
      print: (text) => terminal.out(text),
      onNotice: log,
    });
    parts.defer(() => analyzer.stop());
    const server = startStatusServer({ ...config.analyzer, key: "analyzer.port" }, {
      ...analyzerMetrics(analyzer),
      reasons: async () => [
        ...await reasonsOf(analyzer),
        ...await asked("log", () => data.log.listTopics()),
        ...await asked("store", () => data.store.get("ready")),
      ],
    });
    parts.defer(() => server.stop());
    parts.use(startAlerts({ config, data, dashboardUrl: null, outbox: analyzer.outbox, onNotice: log }));
    const channels = analyzer.outbox.status().map(({ channel }) => channel).join(", ");
    const { model } = analyzer.summarizer.status();
    log(
      `analyzer in group ${config.analyzer.groupId}; summaries by ${model ?? "nobody: facts only"}; ` +
        `tells ${channels}; health and metrics at ${server.url}`,
    );
    log(`${await signal.stopped}: stopping`);
  }
  signal.release();
}

async function reasonsOf(analyzer: RunningAnalyzer): Promise<string[]> {
  const { membership: { state, group } } = await analyzer.status();
  return state === "joined" ? [] : [`group ${group}: ${state}`];
}

async function asked(what: string, ask: () => Promise<unknown>): Promise<string[]> {
  try {
    await ask();
    return [];
  } catch (error) {
    return [`${what}: ${messageOf(error)}`];
  }
}
