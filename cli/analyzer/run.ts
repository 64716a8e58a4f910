/** Runs an analyzer, with its health and metrics, until it is told to stop. */
import { Registry } from "prom-client";
import type { Config } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { isShared, openData } from "../data.ts";
import { programLog } from "../program_log.ts";
import { listenForStop } from "../signals.ts";
import { startStatusServer } from "../status_server.ts";
import type { Terminal } from "../terminal.ts";

/** Until the first SIGINT or SIGTERM. Throws INVALID_CONFIG where the store is one process's own. */
export async function runAnalyzer(config: Config, terminal: Terminal): Promise<void> {
  if (!isShared(config)) {
    throw new MillraceError(
      "INVALID_CONFIG",
      "an analyzer of its own needs a log and a store that are shared: kafka.brokers and a store that is no file",
      "set KAFKA_BROKERS and CASSANDRA_CONTACT_POINTS",
    );
  }
  const log = programLog("analyzer", terminal);
  const signal = listenForStop();
  {
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, log);
    parts.defer(() => data.close());
    const server = startStatusServer({ ...config.analyzer, key: "analyzer.port" }, {
      registry: new Registry(),
      reasons: async () => {
        const asked = await Promise.allSettled([data.log.listTopics(), data.store.get("analyzer")]);
        return asked.flatMap((answer, i) =>
          answer.status === "fulfilled" ? [] : [`${["log", "store"][i]}: ${messageOf(answer.reason)}`]
        );
      },
      collect: () => {},
    });
    parts.defer(() => server.stop());
    log(`no analyses are made in this version; health and metrics at ${server.url}`);
    log(`${await signal.stopped}: stopping`);
  }
  signal.release();
}
