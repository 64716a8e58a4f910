/** `generate`: the generator as a program of its own, into Kafka or a data directory that no process runs on. */
import { Command } from "commander";
import type { ConfigFlag } from "../core/config/load.ts";
import { flagsOf } from "./flags.ts";
import type { TrafficOptions } from "./generate/traffic.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
Record i of a partition is a function of the seed and i: a restart goes on where the topic ends. Nobody else should
write to these topics. Topics that are missing are made.

Examples:
  KAFKA_BROKERS=kafka:9092 deno task generate --rate 20000
  deno task generate --data /srv/millrace --rate 1000 --seed 7 --ramp 10m
  deno task generate --scenario api --script day.yaml --from 2026-03-01 --to 2026-03-08
  deno task generate --scenario api --script day.yaml --from 2026-03-01 --to 2026-03-08 --resume
  deno task generate --script day.yaml --from=-1d --speed 60
  deno task generate --scenario mixed --count 1000000 --rate 1000000
`;

/** Options that are configuration, by the key that they set. */
const FLAGS = {
  rate: "generator.rate",
  seed: "generator.seed",
  script: "generator.script",
  shape: "generator.shape",
  workers: "generator.workers",
  data: "data",
  host: "generator.host",
  port: "generator.port",
};

export function generateCommand({ terminal }: CommandParts): Command {
  return new Command("generate")
    .description("Make traffic: services' logs, accesses and payments, with incidents on a script")
    .option("--rate <n>", "events a second, over all topics (default: 200)")
    .option("--seed <n>", "the same seed makes the same events (default: 1)")
    .option("--scenario <names>", "api, access, payment, mixed, with commas (default: api,access,payment)")
    .option("--script <file>", "incidents to make; their ground truth is written beside (docs/generator.md)")
    .option("--truth <file>", "where the ground truth is written instead")
    .option("--shape <name>", "flat, or realistic: days, nights and weekends (default: flat)")
    .option("--count <n>", "end after so many events")
    .option("--from <time>", "make a time range, from this time on, as fast as it goes")
    .option("--to <time>", "its end (default: now)")
    .option("--resume", "go on with a run that was killed: what the topics hold of it is not made again")
    .option("--speed <n>", "so many times as fast as the time itself, rather than as fast as it goes")
    .option("--ramp <duration>", "let the rate grow from nothing for so long, as in 10m")
    .option("--burst <burst>", "as in 10x30s/5m: ten times the rate for 30 s every 5 minutes")
    .option("--workers <n>", "threads that make events (default: 1)")
    .option("--port <n>", "port of health and metrics; 0 takes any free one (default: 8083)")
    .option("--host <address>", "address of the same (default: 127.0.0.1)")
    .option("--data <dir>", "data directory of the embedded log (default: ./data)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        { config?: string } & TrafficOptions & Readonly<Record<string, unknown>>
      >();
      const { configure } = await import("./configuration.ts");
      const traced = configure(options.config, [...flagsOf(options, FLAGS), ...scenariosFlag(options)]);
      const { runGenerator } = await import("./generate/run.ts");
      await runGenerator(traced, options, terminal);
    });
}

function scenariosFlag({ scenario }: TrafficOptions): ConfigFlag[] {
  if (scenario === undefined) return [];
  const value = scenario.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return [{ key: "generator.scenarios", flag: "--scenario", value }];
}
