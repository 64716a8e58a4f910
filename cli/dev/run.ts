/** The composition root of `dev`: opens and starts the parts, and stops them in the opposite order. */
import type { TracedConfig } from "../../core/config/load.ts";
import { MillraceError } from "../../core/errors.ts";
import type { PartitionedLog } from "../../core/log/partitioned_log.ts";
import { startEngine } from "../../engine/main.ts";
import { type Generator, startGenerator } from "../../generator/main.ts";
import { startAlerts } from "../analyzer/alerts.ts";
import { formatDuration, formatPlural } from "../format.ts";
import { isShared, membershipOf, openData } from "../data.ts";
import { serveGateway } from "../gateway/serve.ts";
import { announceGateway, withdrawGateway } from "../running.ts";
import { readTraffic } from "../generate/traffic.ts";
import { csvFiles, minutePublisher } from "../publishing.ts";
import { startRetention } from "../retention.ts";
import { listenForStop } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { banner } from "./banner.ts";
import { startAnalyzer } from "../analyzer/start.ts";
import { lagOf } from "./lag.ts";
import { StatusLine } from "./status_line.ts";

export interface DevParts extends TracedConfig {
  readonly hasGenerator: boolean;
  /** The rate that the command line says. */
  readonly rate?: string;
  readonly terminal: Terminal;
}

/** Runs until the first SIGINT or SIGTERM; returns when everything is stored and closed. */
export async function runDev({ config, originOf, hasGenerator, rate, terminal }: DevParts): Promise<void> {
  const startMs = performance.now();
  const status = new StatusLine(terminal);
  const onNotice = (message: string): void => status.print(message);
  const signal = listenForStop(() =>
    status.print("ended at once: what was not stored yet is read again at the next start")
  );
  const farewell: Farewell = {};
  {
    // Stops in the opposite order, also what had started when something after it failed.
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, onNotice);
    parts.defer(() => data.close());
    const membership = await membershipOf(data, config, onNotice);
    const engine = await startEngine({
      config,
      log: data.log,
      membership,
      store: data.store,
      archive: data.archive,
      onNotice,
    });
    parts.defer(async () => {
      await engine.stop();
      farewell.records = engine.status().recordsTotal;
      farewell.lag = await lagOf(data);
    });
    const publisher = minutePublisher(config, data, engine, onNotice);
    publisher?.start();
    parts.defer(() => publisher?.stop());
    const csv = csvFiles(config, data, engine, onNotice);
    csv?.start();
    parts.defer(() => csv?.stop());
    const gateway = await serveGateway(config, data, engine);
    parts.defer(() => gateway.stop());
    const analyzer = config.analyzer.enabled
      ? await startAnalyzer({
        config,
        data,
        dashboardUrl: gateway.url,
        isTerminal: terminal.isOutTerminal,
        isBrief: true,
        print: (text) => terminal.isOutTerminal ? status.print(text.trim()) : terminal.out(text),
        onNotice,
      })
      : null;
    parts.defer(() => analyzer?.stop());
    const generator = hasGenerator ? await startDevGenerator({ config, originOf }, rate, data.log, onNotice) : null;
    parts.defer(async () => {
      await generator?.stop();
      farewell.generated = generator?.produced();
    });
    if (!isShared(config)) {
      announceGateway(config.data, gateway.url, onNotice);
      parts.defer(() => withdrawGateway(config.data));
    }
    parts.use(startRetention({ config, data, onNotice }));
    if (config.analyzer.enabled) {
      parts.use(startAlerts({ config, data, dashboardUrl: gateway.url, outbox: analyzer?.outbox, onNotice }));
    }

    terminal.out(
      banner({
        config,
        url: gateway.url,
        workers: engine.status().workers,
        hasGenerator: generator !== null,
        model: analyzer?.summarizer.status().model,
        terminal,
      }),
    );
    if (Object.keys(config.schedules).length > 0) {
      onNotice("warning: schedules are not run by `dev`: `deno task supervise` runs them, over a shared log and store");
    }
    status.start({ data, engine });
    parts.defer(() => status.end());
    const name = await signal.stopped;
    status.end();
    terminal.out(`${name}: stopping\n`);
  }
  signal.release();
  terminal.out(farewellOf(farewell, performance.now() - startMs));
}

/** What the parts say when they stop. */
interface Farewell {
  records?: number;
  generated?: number;
  lag?: number;
}

function farewellOf({ records = 0, generated, lag = 0 }: Farewell, elapsedMs: number): string {
  const made = generated === undefined ? "" : ` (${formatPlural(generated, "event")} generated)`;
  const rest = lag === 0 ? "nothing is left to do" : `${formatPlural(lag, "record")} wait in the log`;
  const did = `stored ${formatPlural(records, "record")}${made} in ${formatDuration(elapsedMs)}`;
  return `stopped: ${did}; ${rest}. The next start goes on here.\n`;
}

/** Of a topic that the generator must not feed, and of a log that cannot be reached. */
const GENERATORS_OWN: ReadonlySet<string> = new Set(["INVALID_INPUT", "UNREACHABLE", "REFUSED"]);

/** Null where its script has a fault or is not there, or a registry refuses: that is told, and everything else starts. */
async function startDevGenerator(
  { config, originOf }: TracedConfig,
  rate: string | undefined,
  log: PartitionedLog,
  onNotice: (message: string) => void,
): Promise<Generator | null> {
  let isRead = false;
  try {
    const traffic = await readTraffic(config, { rate }, Date.now(), {
      originOf,
      onPaymentsLeftOut: ({ message, remedy }) => onNotice(`error: payments are left out: ${message}; ${remedy}`),
    });
    isRead = true;
    return await startGenerator({ config, log, traffic, onNotice });
  } catch (error) {
    if (!(error instanceof MillraceError) || isRead && !GENERATORS_OWN.has(error.code)) throw error;
    onNotice(`error: the generator is left out: ${error.message}; ${error.remedy}`);
    return null;
  }
}
