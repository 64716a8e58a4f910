/** What `dev` says once it runs. */
import { resolve } from "node:path";
import { archiveLocation } from "../../core/archive/registry.ts";
import type { Config } from "../../core/config/schema.ts";
import { VERSION } from "../../core/version.ts";
import { formatCount } from "../format.ts";
import { styled, type Terminal } from "../terminal.ts";

const EVENTS: Readonly<Record<Config["engine"]["events"], string>> = {
  store: "events stored",
  archive: "events archived",
  off: "minutes only, events are not stored",
};

export interface BannerParts {
  readonly config: Config;
  readonly url: string;
  readonly workers: number;
  readonly hasGenerator: boolean;
  /** That writes summaries of errors; null: none, undefined: errors are left alone. */
  readonly model: string | null | undefined;
  readonly terminal: Terminal;
}

/** A few aligned lines: where it is, what it does, how it stops. */
export function banner({ config, url, workers, hasGenerator, model, terminal }: BannerParts): string {
  const { rate, seed } = config.generator;
  const events = EVENTS[config.engine.events];
  const archive = archiveLocation(config);
  const lines: [string, string][] = [
    ["gateway", styled(terminal, "bold", url)],
    ["dashboard", `${url}/dashboard`],
    ["API docs", `${url}/docs`],
    ...(config.kafka.brokers.length === 0 ? [] : [["Kafka", config.kafka.brokers.join(", ")] as [string, string]]),
    ["data", resolve(config.data)],
    ...(archive === null ? [] : [["archive", archive] as [string, string]]),
    ["engine", `${workers} worker${workers === 1 ? "" : "s"}, ${events}`],
    ["errors", errorsLine(url, model)],
    ["generator", hasGenerator ? `${formatCount(rate)} events/s (seed ${seed}); --no-generator leaves it out` : "off"],
    ["send logs", "deno task produce --file FILE --topic TOPIC"],
    ["stop", "Ctrl-C"],
  ];
  const rows = lines.map(([name, value]) => `  ${styled(terminal, "dim", name.padEnd(10))} ${value}\n`);
  return `\n${styled(terminal, "bold", `Millrace ${VERSION}`)} is running\n\n${rows.join("")}\n`;
}

function errorsLine(url: string, model: string | null | undefined): string {
  if (model === undefined) return "left alone (analyzer.enabled is false)";
  return `${url}/errors, ${
    model === null ? "facts only; MISTRAL_API_KEY=KEY adds summaries" : `summaries by ${model}`
  }`;
}
