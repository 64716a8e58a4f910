/** `config`: the configuration in force, with the origin of every value. */
import { Command } from "commander";
import { Document, isMap, isScalar, isSeq, visit } from "yaml";
import { CONFIG_GUIDE } from "../core/config/keys.ts";
import type { TracedConfig } from "../core/config/load.ts";
import type { CommandParts } from "./program.ts";

export function configCommand({ terminal }: CommandParts): Command {
  return new Command("config")
    .description("Print the configuration in force and where each value comes from")
    .option("--check", "only check it: silent and 0, or an error")
    .addHelpText(
      "after",
      `
The output is a millrace.yaml. Each value is followed by its origin: default, FILE:LINE or VARIABLE.

Examples:
  deno task config
  deno task config --config production.yaml --check
`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { configure } = await import("./configuration.ts");
      const { config: file, check: isCheck } = command.optsWithGlobals<{ config?: string; check?: boolean }>();
      const traced = configure(file);
      if (isCheck !== true) terminal.out(printed(traced));
    });
}

/** The configuration as YAML, each value with its origin behind it. */
export function printed({ config, originOf }: TracedConfig): string {
  const document = new Document(config);
  visit(document, {
    Pair(_index, pair, ancestors) {
      if (!isScalar(pair.key) || !(isScalar(pair.value) || isSeq(pair.value))) return;
      if (isSeq(pair.value)) pair.value.flow = true; // a comment goes behind it on the same line
      const path = ancestors.flatMap((node) =>
        "key" in node && isScalar(node.key) && "value" in node && isMap(node.value) ? [String(node.key.value)] : []
      );
      const key = [...path, String(pair.key.value)];
      pair.value.comment = ` ${originOf(key)}`;
      if (CONFIG_GUIDE.isSecret(key) && isScalar(pair.value) && pair.value.value !== "") {
        pair.value.value = "(not shown)";
      }
    },
  });
  return document.toString({ lineWidth: 0 });
}
