/** `alerts`: rules checked, tested, run over the past, and what they say now. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import { positiveNumber, wholeNumber } from "./numbers.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
Rules are in the file of analyzer.rulesFile, or built in; docs/alerts.md explains them. A running program reads the file
again when it changes.

Examples:
  deno task alerts rules > rules.yaml
  deno task alerts check rules.yaml
  deno task alerts test rules.test.yaml
  deno task alerts states --topic app-logs
  deno task alerts backtest --from now-7d --rules rules.yaml
  deno task alerts backtest --scenario api --script incidents.yaml --from 2026-03-02 --to 2026-03-03
`;

const BACKTEST_HELP = `
Over minutes that are stored (of a data directory that nothing else has open, or of a cluster), or over a scenario of the
generator under a script of incidents, whose truth is known: then precision, recall and delay are told, too. A scenario
begins --history before --from, so that there is something to learn from.
`;

export interface BacktestFlags {
  readonly config?: string;
  readonly rules?: string;
  readonly from: string;
  readonly to: string;
  readonly topic?: string;
  readonly scenario?: string;
  readonly script?: string;
  readonly rate: number;
  readonly seed: number;
  readonly history: string;
  readonly json?: boolean;
}

export function alertsCommand({ terminal, end }: CommandParts): Command {
  const check = new Command("check")
    .description("Check a file of rules, and say what is in it")
    .argument("[file]", "file of rules (default: analyzer.rulesFile, else the built-in ones)")
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { configure } = await import("./configuration.ts");
      const { config } = configure(command.optsWithGlobals<{ config?: string }>().config);
      const { checkRules } = await import("./alerts/check.ts");
      checkRules(file ?? config.analyzer.rulesFile, terminal);
    });
  const rules = new Command("rules").description("Print the built-in rules, to begin a file with").action(async () => {
    const { DEFAULT_RULES } = await import("../analyzer/alerts/default_rules.ts");
    terminal.out(DEFAULT_RULES);
  });
  const test = new Command("test")
    .description("Run tests of rules: series in, expected alerts out")
    .argument("<files...>", "files of tests, as rules.test.yaml")
    .action(async (files: string[]) => {
      const { testRules } = await import("./alerts/rule_tests.ts");
      end(await testRules(files, terminal));
    });
  const states = new Command("states")
    .description("Say which alerts a running Millrace has, and which of them are silenced until when")
    .option("--url <url>", "gateway to ask, as http://127.0.0.1:8080")
    .option("--topic <name>", "only this topic")
    .option("--data <dir>", "data directory (default: ./data)")
    .action(async (_options: unknown, command: Command) => {
      const flags = command.optsWithGlobals<{ config?: string; url?: string; topic?: string; data?: string }>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(flags.config, flagsOf({ ...flags }, { data: "data" }));
      const { printStates } = await import("./alerts/states.ts");
      await printStates(config, flags, terminal);
    });
  return new Command("alerts")
    .description("Check and test rules of alerts, run them over the past, and say what they say now")
    .addHelpText("after", HELP)
    .addCommand(check)
    .addCommand(rules)
    .addCommand(test)
    .addCommand(states)
    .addCommand(backtestCommand({ terminal, end }));
}

function backtestCommand({ terminal }: CommandParts): Command {
  return new Command("backtest")
    .description("Say which alerts would have fired when")
    .requiredOption("--from <time>", "start: a time, a date or now-7d")
    .option("--to <time>", "end, exclusive", "now")
    .option("--rules <file>", "file of rules (default: analyzer.rulesFile, else the built-in ones)")
    .option("--topic <name>", "only this topic")
    .option("--scenario <name>", "a scenario of the generator, in place of what is stored")
    .option("--script <file>", "script of incidents for the scenario")
    .option("--rate <n>", "records a second of the scenario", positiveNumber, 20)
    .option("--seed <n>", "seed of the scenario", wholeNumber, 1)
    .option("--history <duration>", "how long before --from the scenario begins", "1d")
    .option("--json", "print the result as JSON")
    .option("--data <dir>", "data directory (default: ./data)")
    .addHelpText("after", BACKTEST_HELP)
    .action(async (_options: unknown, command: Command) => {
      const flags = command.optsWithGlobals<BacktestFlags>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(flags.config, flagsOf({ ...flags }, { data: "data" }));
      const { runBacktest } = await import("./alerts/backtest.ts");
      await runBacktest(config, flags, terminal);
    });
}
