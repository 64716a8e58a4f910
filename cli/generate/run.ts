/** Runs a generator, with its health and metrics, until it is told to stop or has made everything. */
import { Counter, Registry } from "prom-client";
import type { TracedConfig } from "../../core/config/load.ts";
import { startGenerator } from "../../generator/main.ts";
import { openLogAlone } from "../data.ts";
import type { Traffic } from "../../generator/traffic.ts";
import { formatCount, formatDuration, formatPlural } from "../format.ts";
import { programLog } from "../program_log.ts";
import { listenForStop } from "../signals.ts";
import { startStatusServer } from "../status_server.ts";
import type { Terminal } from "../terminal.ts";
import { rememberRange } from "./begun_range.ts";
import { readTraffic, type TrafficOptions } from "./traffic.ts";

/** Until the first SIGINT or SIGTERM, or the end of its traffic; returns when what was under way is in the log. */
export async function runGenerator(traced: TracedConfig, options: TrafficOptions, terminal: Terminal): Promise<void> {
  const { config, originOf } = traced;
  const log = programLog("generate", terminal);
  const signal = listenForStop();
  const traffic = await readTraffic(config, options, Date.now(), { originOf });
  {
    await using parts = new AsyncDisposableStack();
    const target = await openLogAlone(config, log);
    parts.defer(() => target.close());
    const takeBack = await rememberRange(config, options, traffic);
    const parameters = { config, log: target.log, traffic, isResumed: options.resume, onNotice: log };
    const generator = await startGenerator(parameters).catch(async (error) => {
      await takeBack();
      throw error;
    });
    const beganMs = performance.now();
    parts.defer(async () => {
      await generator.stop();
      const [made, elapsedMs] = [generator.produced(), performance.now() - beganMs];
      const rate = formatCount(made * 1000 / Math.max(1, elapsedMs));
      log(`made ${formatPlural(made, "event")} in ${formatDuration(elapsedMs)}, ${rate} a second`);
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
    log(`${wordsOf(traffic)}; health and metrics at ${server.url}`);
    const name = await Promise.race([signal.stopped, generator.finished]);
    if (name !== undefined) log(`${name}: stopping`);
  }
  signal.release();
}

function wordsOf({ scenarios, rate, seed, pace, incidents }: Traffic): string {
  const what = `${scenarios.join(", ")}: ${formatCount(rate)} events/s (seed ${seed})`;
  const script = incidents.length === 0 ? "" : `, ${formatPlural(incidents.length, "incident")}`;
  if (pace.kind === "live") return what + script;
  const to = pace.toMs === Infinity ? "" : ` to ${new Date(pace.toMs).toISOString()}`;
  return `${what} from ${new Date(pace.fromMs).toISOString()}${to}${script}`;
}
