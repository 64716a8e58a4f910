/** `eval`: how well the analyzer's parts do what they are for. */
import { Command } from "commander";
import type { CommandParts } from "./program.ts";
import type { EvalOptions } from "./eval/run.ts";

const HELP = `
Asks nothing of anybody without --live: the model of the injection corpus is a local server. Grouping is judged by Loghub-2k, as
https://github.com/logpai/loghub has it: --loghub names a folder with SYSTEM/SYSTEM_2k.log_structured.csv.
Ends with 12 where a target is missed.

Examples:
  deno task eval
  deno task eval --loghub ../logparser/data/loghub_2k --json evaluation.json
  MISTRAL_API_KEY=... deno task eval --live mistral-medium-latest
`;

export function evalCommand({ terminal, end }: CommandParts): Command {
  return new Command("eval")
    .description("Measure grouping, redaction, injections, floods and cards for Slack against their targets")
    .option("--loghub <dir>", "folder of Loghub-2k", "../shared/data/loghub")
    .option("--seed <n>", "seed of the lines that are made", "1")
    .option("--live <model>", "also ask the model of the settings about known errors, and have this one judge")
    .option("--times <n>", "how often each known error is asked about", "5")
    .option("--keep-cards", "measure nothing; keep the cards for Slack as they are now, after they were looked at")
    .option("--json <file>", "also write the figures as JSON")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const { runEval } = await import("./eval/run.ts");
      end(await runEval(command.optsWithGlobals<EvalOptions>(), terminal));
    });
}
