/**
 * Measures rules of alerts on the generator's scripted incidents and on quiet days: precision, recall and delay of each
 * kind, and how often people are called for nothing: five days with incidents a seed; with --quiet a week without; with
 * --kinds every kind of rule on its own.
 * Run: deno run -A bench/alerts.ts [--quiet] [--kinds] SEED...
 */
import { parseArgs } from "node:util";
import { backtest } from "../analyzer/alerts/backtest.ts";
import { DEFAULT_RULES } from "../analyzer/alerts/default_rules.ts";
import { parseRules } from "../analyzer/alerts/rules_file.ts";
import { medianOf, type RuleScore, type Score, scoreOf } from "../analyzer/alerts/score.ts";
import { isMeantFor, isVisible } from "../cli/alerts/meant_for.ts";
import { ScriptedPast } from "../cli/alerts/scripted_past.ts";
import { REALISTIC } from "../generator/curve.ts";
import { api } from "../generator/scenarios/api.ts";
import { incidentsOf } from "./alert_incidents.ts";
import { RULES_BY_KIND } from "./alert_rules.ts";

const DAY_MS = 86_400_000;
/** A Monday. */
const FROM_MS = Date.UTC(2026, 0, 5);
const HISTORY_DAYS = 14;
const INCIDENT_DAYS = 5;
const QUIET_DAYS = 7;
const RATE = 30;
const SERVICES = new Set(api.targets.map(({ service }) => service)).size;

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { quiet: { type: "boolean" }, kinds: { type: "boolean" }, verbose: { type: "boolean" } },
  allowPositionals: true,
});
const { quiet = false, kinds = false, verbose = false } = values;
/** The built-in rules, with those that they name for errors that are new or spike. */
const BUILT_IN = DEFAULT_RULES.replaceAll("  # - {name", "  - {name");
const ruleSet = kinds ? parseRules(RULES_BY_KIND, "rules by kind") : parseRules(BUILT_IN, "built-in rules");

/** Days judged, and what came of them. */
async function measure(seed: number): Promise<{ readonly days: number; readonly score: Score }> {
  const fromMs = FROM_MS + HISTORY_DAYS * DAY_MS;
  const days = quiet ? QUIET_DAYS : INCIDENT_DAYS;
  const toMs = fromMs + days * DAY_MS;
  const incidents = quiet ? [] : incidentsOf(seed, api, fromMs, toMs);
  const past = new ScriptedPast({
    scenario: api,
    seed,
    rate: RATE,
    shape: REALISTIC,
    incidents,
    fromMs: FROM_MS,
    latenessMs: 60_000,
    hasFingerprints: true,
  });
  const result = await backtest({ past, ruleSet, fromMs, toMs, correctionsMs: Infinity });
  const truths = incidents.map(({ kind, service, fromMs, toMs }) => ({ kind, service, fromMs, toMs })).filter(
    isVisible,
  );
  const score = scoreOf(result, truths, ruleSet.rules, isMeantFor);
  if (verbose) {
    for (const problem of result.problems) console.error(problem);
    for (const { kind, service, fromMs } of score.missed) console.error(`missed ${kind} ${service} ${iso(fromMs)}`);
    for (const { rule, labels, firedMs, instance: { verdict } } of result.episodes) {
      const isRight = truths.some((truth) => firedMs >= truth.fromMs && firedMs < truth.toMs + 30 * 60_000);
      if (isRight) continue;
      const { observed, expected, low, high } = verdict;
      console.error(`false ${iso(firedMs)} ${rule} ${JSON.stringify(labels)} ${observed} ${expected} ${low} ${high}`);
    }
  }
  return { days, score };
}

const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
const share = (part: number, whole: number): string => whole === 0 ? "-" : (part / whole).toFixed(3);
const minutes = (delays: readonly number[]): string => medianOf(delays)?.toFixed(1) ?? "-";

const measured = [];
for (const seed of positionals.map(Number)) {
  const { days, score } = await measure(seed);
  measured.push({ days, score });
  console.error(
    `seed ${seed}: ${score.found} of ${score.incidents} found, ${score.paged} paged, ` +
      `${score.falsePages} false pages, ${score.falseCalls} false messages`,
  );
}

const scores = measured.map(({ score }) => score);
const sum = (of: (score: Score) => number): number => scores.reduce((total, score) => total + of(score), 0);
const days = measured.reduce((total, one) => total + one.days, 0);
console.log("| rule | alerts | precision | incidents it is for | recall | median delay, minutes |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const { name, kind } of ruleSet.rules) {
  const own: RuleScore[] = scores.flatMap(({ rules }) => rules.filter(({ rule }) => rule === name));
  const total = (key: "fired" | "right" | "incidents" | "found"): number => own.reduce((all, one) => all + one[key], 0);
  const delays = own.flatMap((one) => one.delays);
  console.log(
    `| ${name} (${kind}) | ${total("fired")} | ${share(total("right"), total("fired"))} | ${total("incidents")} | ` +
      `${share(total("found"), total("incidents"))} | ${minutes(delays)} |`,
  );
}
const perWeek = (count: number): string => (count / (days / 7) / SERVICES * 20).toFixed(2);
console.log(
  `\n${positionals.length} seeds, ${days} days of ${SERVICES} services: recall ` +
    `${share(sum(({ found }) => found), sum(({ incidents }) => incidents))} of ${
      sum(({ incidents }) => incidents)
    } incidents, ` +
    `by pages ${share(sum(({ paged }) => paged), sum(({ incidents }) => incidents))}; median delay ` +
    `${minutes(scores.flatMap(({ delays }) => delays))} minutes; a week of 20 services: ` +
    `${perWeek(sum(({ falsePages }) => falsePages))} false pages, ${
      perWeek(sum(({ falseCalls }) => falseCalls))
    } false messages in all`,
);
