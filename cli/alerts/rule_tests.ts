/** Runs files of tests of rules. */
import { dirname, join } from "node:path";
import { parseRuleTests, runRuleTests } from "../../analyzer/alerts/rules_test_file.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { readRules } from "../analyzer/rules_source.ts";
import { formatPlural } from "../format.ts";
import type { Terminal } from "../terminal.ts";

/** Answers the exit status: 1 where something was not as expected. Throws INVALID_CONFIG or FILE_UNAVAILABLE. */
export async function testRules(files: readonly string[], terminal: Terminal): Promise<number> {
  let failures = 0;
  for (const file of files) {
    const tests = parseRuleTests(await readText(file), file);
    const ruleSet = readRules(tests.rules === "" ? "" : join(dirname(file), tests.rules));
    const failed = await runRuleTests(tests, ruleSet);
    for (const failure of failed) terminal.err(`${failure}\n`);
    failures += failed.length;
    const result = failed.length === 0 ? "as expected" : formatPlural(failed.length, "difference");
    terminal.out(`${file}: ${formatPlural(tests.tests.length, "test")}: ${result}\n`);
  }
  return failures === 0 ? 0 : 1;
}

async function readText(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const why = cause instanceof Deno.errors.NotFound ? "no such file" : messageOf(cause);
    throw new MillraceError("FILE_UNAVAILABLE", `${file}: ${why}`, "name a file of tests that this user can read", {
      cause,
    });
  }
}
