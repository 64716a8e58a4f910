/** Runs each part of the evaluation, prints its figures beside their targets, and answers the exit status. */
import { keepCards, runCards } from "../../analyzer/evaluation/cards_run.ts";
import { cleanLines } from "../../analyzer/evaluation/clean_lines.ts";
import { runFlood } from "../../analyzer/evaluation/flood_run.ts";
import { type GroupingReport, runGrouping } from "../../analyzer/evaluation/grouping_run.ts";
import { runInjections } from "../../analyzer/evaluation/injection_run.ts";
import { INJECTIONS, LATER_INJECTIONS } from "../../analyzer/evaluation/injections.ts";
import { runRedaction } from "../../analyzer/evaluation/redaction_run.ts";
import { secretLines } from "../../analyzer/evaluation/seeded_secrets.ts";
import { createRedactor } from "../../analyzer/errors/redaction.ts";
import type { Redactor } from "../../analyzer/errors/redactor.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import type { Terminal } from "../terminal.ts";
import { evaluateLive, type LiveOptions, livePlan } from "./live.ts";
import { type LoghubSystem, readLoghub } from "./loghub.ts";

export interface EvalOptions extends LiveOptions {
  readonly loghub: string;
  readonly seed: string;
  readonly json?: string;
  readonly keepCards?: boolean;
}

/** Ends the command where a target is missed. */
const MISSED = 12;
const SECRET_LINES = 11_000;
const CLEAN_LINES = 11_000;
const FLOOD = 10_000;
const CARDS = 1_000;
const GA_MIN = 0.95;
const FGA_MIN = 0.9;

/** What came of one part: its figures, and what of them misses a target. */
interface Part {
  readonly name: string;
  readonly figures: unknown;
  readonly text: string;
  readonly missed: readonly string[];
}

export async function runEval(options: EvalOptions, terminal: Terminal): Promise<number> {
  const { loghub, seed, json, ...live } = options;
  if (options.keepCards) {
    await keepCards();
    terminal.out("The cards for Slack are kept as they are now.\n");
    return 0;
  }
  if (!/^\d{1,9}$/.test(seed)) {
    throw new MillraceError(
      "INVALID_INPUT",
      `--seed ${seed}: not a whole number`,
      "give one up to 999999999: --seed 1",
    );
  }
  const plan = livePlan(live);
  const parts: Part[] = [];
  for (
    const evaluate of [
      () => evaluateGrouping(loghub),
      () => evaluateRedaction(Number(seed)),
      evaluateFlood,
      evaluateInjections,
      () => evaluateCards(Number(seed)),
      // A live model is what it is: there is no target.
      ...plan === null ? [] : [async () => ({ name: "summaries", ...await evaluateLive(plan), missed: [] })],
    ]
  ) {
    const part = await evaluate();
    parts.push(part);
    terminal.out(`${part.name}\n${part.text}${part.missed.map((what) => `  MISSED: ${what}\n`).join("")}\n`);
  }
  if (json !== undefined) await writeJson(json, Object.fromEntries(parts.map(({ name, figures }) => [name, figures])));
  const missed = parts.flatMap((part) => part.missed);
  terminal.out(missed.length === 0 ? "All targets are met.\n" : `Targets missed: ${missed.length}\n`);
  return missed.length === 0 ? 0 : MISSED;
}

const COLUMNS = ["ga", "fga", "pa", "fta", "streamingGa"] as const;

async function evaluateGrouping(directory: string): Promise<Part> {
  const systems = await readLoghub(directory);
  if (systems === null || systems.length === 0) {
    const text =
      `  left out: ${directory} has no SYSTEM/SYSTEM_2k.log_structured.csv; name Loghub-2k with --loghub DIR\n`;
    return { name: "grouping", figures: null, text, missed: [] };
  }
  const redactor = createRedactor("the evaluation");
  const reports = systems.map(({ name, lines }) => ({ name, ...runGrouping(lines, redactor) }));
  const mean = (of: typeof COLUMNS[number]): number =>
    reports.reduce((sum, report) => sum + report[of], 0) / reports.length;
  const means = Object.fromEntries(COLUMNS.map((of) => [of, mean(of)])) as Pick<GroupingReport, typeof COLUMNS[number]>;
  const calls = callsFor(systems, redactor);
  const width = Math.max(...reports.map(({ name }) => name.length));
  const row = (name: string, values: readonly string[]) =>
    `  ${name.padEnd(width)}  ${values.map((v) => v.padStart(6)).join("  ")}\n`;
  const figures = (report: typeof means) => COLUMNS.map((of) => report[of].toFixed(3));
  const text = row("", ["GA", "FGA", "PA", "FTA", "stream"]) +
    reports.map((report) => row(report.name, figures(report))).join("") + row("mean", figures(means)) +
    `  ${calls.asked} summaries asked for where each line is an error, of ${calls.kinds} kinds met; people tell ${calls.templates} apart\n`;
  const missed = [
    ...calls.asked > calls.kinds ? [`${calls.asked} summaries, no more than ${calls.kinds} are wanted`] : [],
    ...means.ga < GA_MIN ? [`mean GA ${means.ga.toFixed(3)}, at least ${GA_MIN} is wanted`] : [],
    ...means.fga < FGA_MIN ? [`mean FGA ${means.fga.toFixed(3)}, at least ${FGA_MIN} is wanted`] : [],
  ];
  return { name: "grouping", figures: { systems: reports, mean: means, calls }, text, missed };
}

/** How often a model is asked where every line of these systems is an error. */
function callsFor(systems: readonly LoghubSystem[], redactor: Redactor) {
  const calls = { asked: 0, kinds: 0, templates: 0 };
  for (const { lines } of systems) {
    const flood = runFlood(redactor, lines.map(({ message }) => message));
    calls.asked += flood.summariesAsked;
    calls.kinds += flood.fingerprints;
    calls.templates += new Set(lines.map(({ event }) => event)).size;
  }
  return calls;
}

function evaluateRedaction(seed: number): Part {
  const report = runRedaction(
    createRedactor("the evaluation"),
    secretLines(seed, SECRET_LINES),
    cleanLines(seed, CLEAN_LINES),
  );
  const { secrets, leaked, cleanLines: clean, changed } = report;
  const recall = 1 - leaked.length / secrets;
  const text = `  ${secrets} seeded secrets: ${leaked.length} left, recall ${recall.toFixed(4)}\n` +
    `  ${clean} lines without any: ${changed.length} changed, ${(1 - changed.length / clean).toFixed(4)} left alone\n`;
  const missed = [
    ...leaked.length > 0 ? [`left: ${leaked[0]}`] : [],
    ...changed.length > 0 ? [`changed: ${changed[0]}`] : [],
  ];
  return { name: "redaction", figures: { ...report, recall }, text, missed };
}

function evaluateFlood(): Part {
  const redactor = createRedactor("the evaluation");
  const floods = {
    identical: runFlood(redactor, Array.from({ length: FLOOD }, () => "card was refused by the bank")),
    varied: runFlood(
      redactor,
      Array.from({ length: FLOOD }, (_, n) => `card ${n} of u${n}@example.org was refused after ${n % 900} ms`),
    ),
  };
  const lines = Object.entries(floods).map(([name, flood]) =>
    `  ${flood.errors} ${name}: ${flood.fingerprints} fingerprint, ${flood.incidents} incident, ${flood.summariesAsked} summary asked for, ${flood.counted} counted\n`
  );
  const missed = Object.entries(floods).filter(([, { fingerprints, incidents, summariesAsked, counted }]) =>
    fingerprints !== 1 || incidents !== 1 || summariesAsked !== 1 || counted !== FLOOD
  ).map(([name]) => `${name}: one of each, and all counted, is wanted`);
  return { name: "flood", figures: floods, text: lines.join(""), missed };
}

async function evaluateInjections(): Promise<Part> {
  const all = [...INJECTIONS, ...LATER_INJECTIONS];
  const reports = {
    obeys: await runInjections(all, "obeys_what_it_reads"),
    isTakenOver: await runInjections(all, "is_taken_over"),
  };
  const text = Object.entries({ "obeys what it reads": reports.obeys, "is taken over": reports.isTakenOver }).map((
    [name, report],
  ) =>
    `  a model that ${name}: ${report.lines} lines, ${report.read.length} orders read, ${report.followed.length} followed, ` +
    `${report.harmful.length} harmful words out\n`
  ).join("");
  // One that is taken over says what it was told to, whatever it reads: what counts is that it can do no harm.
  const missed = [
    ...reports.obeys.read,
    ...reports.obeys.followed,
    ...reports.obeys.harmful,
    ...reports.isTakenOver.harmful,
  ];
  return { name: "injections", figures: reports, text, missed };
}

function evaluateCards(seed: number): Part {
  const report = runCards(seed, CARDS);
  const { lookedAt, changed, made, faults } = report;
  const text = `  ${lookedAt} cards that were looked at: ${changed.length} changed\n` +
    `  ${made} of texts that break limits: ${faults.length} faults\n`;
  const missed = [
    ...changed.map((name) => `${name} is not as it was: look at it, and keep it with --keep-cards`),
    ...faults.slice(0, 1),
  ];
  return { name: "cards", figures: report, text, missed };
}

async function writeJson(path: string, figures: unknown): Promise<void> {
  try {
    await Deno.writeTextFile(path, JSON.stringify(figures, null, 2) + "\n");
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `${path}: cannot be written: ${messageOf(cause)}`,
      "name a file in a directory that this user may write: --json FILE",
      { cause },
    );
  }
}
