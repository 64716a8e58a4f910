/** Checks a file of rules and says what is in it. */
import { DEFAULT_RULES_NAME } from "../../analyzer/alerts/default_rules.ts";
import { remarksOnSilences, writeMatchers } from "../../analyzer/alerts/matching.ts";
import { readRules } from "../analyzer/rules_source.ts";
import { formatPlural } from "../format.ts";
import type { Terminal } from "../terminal.ts";

/** Throws INVALID_CONFIG or FILE_UNAVAILABLE. */
export function checkRules(file: string, terminal: Terminal): void {
  const { rules, routes, silences, inhibitions } = readRules(file);
  const width = Math.max(...rules.map(({ name }) => name.length));
  for (const { name, kind, severity, topics } of rules) {
    terminal.out(`${name.padEnd(width)}  ${severity.padEnd(8)}  ${kind} on ${topics.join(", ")}\n`);
  }
  for (const { matchers, channels } of routes) {
    terminal.out(
      `route: ${writeMatchers(matchers)} to ${channels.length === 0 ? "all channels" : channels.join(", ")}\n`,
    );
  }
  for (const remark of remarksOnSilences(silences, Date.now())) terminal.out(`warning: ${remark}\n`);
  const counts = `${formatPlural(rules.length, "rule")}, ${formatPlural(silences.length, "silence")}, ` +
    formatPlural(inhibitions.length, "inhibition");
  terminal.out(`${file === "" ? DEFAULT_RULES_NAME : file}: ${counts}: well\n`);
}
