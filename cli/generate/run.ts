/** Runs a generator, with its health and metrics, until it is told to stop. */
import { Counter, Registry } from "prom-client";
import type { Config } from "../../core/config/schema.ts";
import { startGenerator } from "../../generator/main.ts";
import { openLogAlone } from "../data.ts";
import { formatCount, formatPlural } from "../format.ts";
import { programLog } from "../program_log.ts";
import { listenForStop } from "../signals.ts";
import { startStatusServer } from "../status_server.ts";
import type { Terminal } from "../terminal.ts";

/** Until the first SIGINT or SIGTERM; returns when what was under way is in the log. */
export async function runGenerator(config: Config, terminal: Terminal): Promise<void> {
  const log = programLog("generate", terminal);
  const signal = listenForStop();
  const { rate, seed } = config.generator;
  {
    await using parts = new AsyncDisposableStack();
    const target = await openLogAlone(config, log);
    parts.defer(() => target.close());
    const generator = await startGenerator({ config, log: target.log, rate, seed, onNotice: log });
    parts.defer(async () => {
      await generator.stop();
      log(`made ${formatPlural(generator.produced(), "event")}`);
    });
    const registry = new Registry();
    const events = new Counter({
      name: "millrace_generator_events_total",
      help: "Events that are durable in the log",
      registers: [registry],
    });
    const server = startStatusServer({ ...config.generator, key: "generator.port" }, {
      registry,
      reasons: async () => await target.log.listTopics().then(() => [], (error) => [`log: ${error.message}`]),
      collect: () => {
        events.reset();
        events.inc(generator.produced());
      },
    });
    parts.defer(() => server.stop());
    log(`${formatCount(rate)} events/s (seed ${seed}); health and metrics at ${server.url}`);
    log(`${await signal.stopped}: stopping`);
  }
  signal.release();
}
