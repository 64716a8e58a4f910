/** `doctor`: looks at everything that a start needs, and says what to do. */
import { Command } from "commander";
import type { ConfigFlag } from "../core/config/load.ts";
import type { Check } from "./doctor/check.ts";
import type { CommandParts } from "./program.ts";
import { type Style, styled, type Terminal } from "./terminal.ts";

interface DoctorOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export function doctorCommand({ terminal, end }: CommandParts): Command {
  return new Command("doctor")
    .description("Check configuration, data directory, port and libraries, and say what to do")
    .option("--data <dir>", "data directory (default: ./data, or as configured)")
    .option("--json", "print the checks as JSON")
    .addHelpText(
      "after",
      `
Each line is ok, warn or fail; the exit status is 1 where one failed.

Examples:
  deno task doctor
  deno task doctor --data /srv/millrace --json
`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { config: file, data, json: isJson } = command.optsWithGlobals<DoctorOptions>();
      const flags: ConfigFlag[] = data === undefined ? [] : [{ key: "data", flag: "--data", value: data }];
      const { runChecks } = await import("./doctor/checks.ts");
      const checks = await runChecks(file, flags);
      if (isJson === true) terminal.out(JSON.stringify({ checks }, null, 2) + "\n");
      else terminal.out(report(checks, terminal));
      end(checks.some(({ state }) => state === "fail") ? 1 : 0);
    });
}

const STYLES: Readonly<Record<Check["state"], Style>> = { ok: "green", warn: "yellow", fail: "red" };

/** A line a check, with the remedy below it where something is to be done, and a verdict. */
export function report(checks: readonly Check[], terminal: Terminal): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, state, message, remedy }) => {
    const line = `${styled(terminal, STYLES[state], state.padEnd(4))}  ${name.padEnd(width)}  ${message}`;
    return remedy === undefined
      ? line
      : `${line}\n${" ".repeat(width + 8)}${styled(terminal, "bold", "help:")} ${remedy}`;
  });
  const failed = checks.filter(({ state }) => state === "fail").length;
  const warned = checks.filter(({ state }) => state === "warn").length;
  const verdict = failed > 0 ? `${failed} failed` : warned > 0 ? `ready, ${warned} to look at` : "ready: deno task dev";
  return `${lines.join("\n")}\n\n${verdict}\n`;
}
