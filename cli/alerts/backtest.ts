/** Runs rules over stored minutes, or over a scenario of the generator, and prints what would have been told. */
import { backtest, type BacktestResult, type Episode, type Past } from "../../analyzer/alerts/backtest.ts";
import { figure } from "../../analyzer/alerts/alert_notice.ts";
import { MINUTE_MS, parseDuration } from "../../analyzer/alerts/durations.ts";
import type { RuleSet } from "../../analyzer/alerts/rules_file.ts";
import { medianOf, type Score, scoreOf, type Truth } from "../../analyzer/alerts/score.ts";
import { StoreMinutes } from "../../analyzer/alerts/store_minutes.ts";
import type { Config } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { didYouMean } from "../../core/config/nearest.ts";
import { parseTime, TIME_HINT } from "../../core/times.ts";
import { REALISTIC } from "../../generator/curve.ts";
import { findScenario, SCENARIOS } from "../../generator/scenarios/registry.ts";
import type { Scenario } from "../../generator/scenarios/scenario.ts";
import { readScript } from "../../generator/script/load.ts";
import type { Script } from "../../generator/script/script.ts";
import type { BacktestFlags } from "../alerts.ts";
import { readRules } from "../analyzer/rules_source.ts";
import { openData } from "../data.ts";
import { formatPlural } from "../format.ts";
import type { Terminal } from "../terminal.ts";
import { isMeantFor, isVisible } from "./meant_for.ts";
import { ScriptedPast } from "./scripted_past.ts";

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Throws INVALID_INPUT, INVALID_CONFIG, FILE_UNAVAILABLE, or what opening the data does. */
export async function runBacktest(config: Config, flags: BacktestFlags, terminal: Terminal): Promise<void> {
  const range = rangeOf(flags, Date.now());
  const ruleSet = readRules(flags.rules ?? config.analyzer.rulesFile);
  if (flags.scenario !== undefined) return await overScenario(config, flags, range, ruleSet, terminal);
  const onNotice = (message: string): void => terminal.err(`${message}\n`);
  const data = await openData(config, onNotice);
  try {
    const past = new StoredPast(
      new StoreMinutes({ log: data.log, store: data.store, latenessMs: config.engine.latenessSeconds * 1000 }),
      flags.topic ?? null,
      config.engine.latenessSeconds * 1000,
    );
    const result = await backtest({ past, ruleSet, ...range, onProgress: progressOf(terminal, range) });
    print(result, null, ruleSet, flags, terminal);
  } finally {
    await data.close();
  }
}

/** Minutes as they are stored today: late events are where they belong, and lag of the past is not known. */
class StoredPast implements Past {
  readonly source: Past["source"];
  #untilMs = -Infinity;

  constructor(minutes: StoreMinutes, topic: string | null, private readonly latenessMs: number) {
    const versions = new Map<string, Promise<ReadonlyMap<number, string>>>();
    this.source = {
      topics: async () => (await minutes.topics()).filter(({ name }) => topic === null || name === topic),
      progress: () =>
        Promise.resolve({
          finalUntil: Math.floor(this.#untilMs / MINUTE_MS),
          endedUntil: Math.floor((this.#untilMs + this.latenessMs) / MINUTE_MS),
          lagRecords: 0,
          lagSeconds: 0,
        }),
      hourVersions: (of) => {
        // The past does not change while it is looked at.
        let known = versions.get(of.id);
        if (known === undefined) versions.set(of.id, known = minutes.hourVersions(of));
        return known;
      },
      read: (of, signal, from, to) => minutes.read(of, signal, from, to),
    };
  }

  advance(nowMs: number): void {
    this.#untilMs = nowMs - this.latenessMs;
  }
}

async function overScenario(
  config: Config,
  flags: BacktestFlags,
  range: Range,
  ruleSet: RuleSet,
  terminal: Terminal,
): Promise<void> {
  const scenario = scenarioOf(flags.scenario ?? "");
  const script = scriptOf(flags.script, range.fromMs);
  const historyMs = parseDuration(flags.history);
  if (Number.isNaN(historyMs)) throw invalid(`--history ${flags.history}: not a duration`, "use 1d, 2w or 12h");
  const past = new ScriptedPast({
    scenario,
    seed: script?.seed ?? flags.seed,
    rate: script?.rate ?? flags.rate,
    shape: script?.shape ?? REALISTIC,
    incidents: script?.incidents ?? [],
    fromMs: range.fromMs - historyMs,
    latenessMs: config.engine.latenessSeconds * 1000,
    hasFingerprints: true,
  });
  const result = await backtest({ past, ruleSet, ...range, onProgress: progressOf(terminal, range) });
  const truths = (script?.incidents ?? []).map(({ kind, service, fromMs, toMs }) => ({ kind, service, fromMs, toMs }));
  print(result, truths, ruleSet, flags, terminal);
}

function print(
  result: BacktestResult,
  truths: readonly Truth[] | null,
  { rules }: RuleSet,
  { json = false }: BacktestFlags,
  terminal: Terminal,
): void {
  const score = truths === null ? null : scoreOf(result, truths.filter(isVisible), rules, isMeantFor);
  if (json) {
    const episodes = result.episodes.map(jsonOf);
    terminal.out(JSON.stringify({ minutes: result.minutes, episodes, calls: result.calls.length, score }) + "\n");
    return;
  }
  for (const problem of result.problems) terminal.err(`warning: ${problem}\n`);
  for (const episode of result.episodes) terminal.out(`${lineOf(episode)}\n`);
  terminal.out(
    `${formatPlural(result.minutes, "minute")}, ${formatPlural(result.episodes.length, "alert")} in ` +
      `${formatPlural(result.calls.length, "message")}\n`,
  );
  if (score !== null) printScore(score, truths ?? [], terminal);
}

const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16) + "Z";

function lineOf({ rule, labels, instance: { verdict, severity }, firedMs, resolvedMs }: Episode): string {
  const where = Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(" ");
  const lasted = resolvedMs === null ? "still firing" : `${Math.round((resolvedMs - firedMs) / MINUTE_MS)}m`;
  const expected = verdict.expected === null ? "" : `, expected ${figure(verdict.expected, verdict.unit)}`;
  return `${iso(firedMs)}  ${lasted.padStart(12)}  ${severity.padEnd(8)}  ${rule} {${where}}: observed ` +
    `${figure(verdict.observed, verdict.unit)}${expected}`;
}

function jsonOf({ rule, topic, labels, instance, firedMs, resolvedMs }: Episode) {
  const { severity, verdict, startedAt } = instance;
  return {
    rule,
    topic,
    labels,
    severity,
    startedAt: new Date(startedAt * MINUTE_MS).toISOString(),
    firedAt: new Date(firedMs).toISOString(),
    resolvedAt: resolvedMs === null ? null : new Date(resolvedMs).toISOString(),
    verdict,
  };
}

function printScore(score: Score, truths: readonly Truth[], terminal: Terminal): void {
  const text = (value: number | null): string => value === null ? "-" : value.toFixed(1);
  for (const { rule, fired, right, incidents, found, delays } of score.rules) {
    if (fired + incidents === 0) continue;
    terminal.out(
      `${rule}: ${formatPlural(fired, "alert")}, ${right} right; found ${found} of ` +
        `${formatPlural(incidents, "incident")} that it is for; median delay ${text(medianOf(delays))} minutes\n`,
    );
  }
  const hidden = truths.length - score.incidents;
  terminal.out(
    `all: found ${score.found} of ${formatPlural(score.incidents, "incident")}` +
      (hidden === 0 ? "" : ` (${hidden} more leave no trace in minutes)`) +
      `, ${score.paged} woke somebody; median delay ${text(medianOf(score.delays))} minutes; ` +
      `${score.falsePages} false pages, ${score.falseCalls - score.falsePages} other false messages\n`,
  );
  for (const { kind, service, fromMs } of score.missed) {
    terminal.out(`missed: ${kind} of ${service ?? "all services"} at ${iso(fromMs)}\n`);
  }
}

function progressOf(terminal: Terminal, { fromMs, toMs }: Range): ((atMs: number) => void) | undefined {
  if (!terminal.isErrTerminal) return undefined;
  return (atMs) => terminal.err(`\r\x1b[K${Math.round((atMs - fromMs) / (toMs - fromMs) * 100)} %\r`);
}

function scenarioOf(name: string): Scenario {
  const scenario = findScenario(name);
  if (scenario !== undefined) return scenario;
  const names = SCENARIOS.map((known) => known.name);
  throw invalid(`--scenario ${name}: no such scenario${didYouMean(name, names)}`, `there are ${names.join(", ")}`);
}

/** Times of the script such as +2h count from the start of the range. */
function scriptOf(file: string | undefined, fromMs: number): Script | null {
  if (file === undefined) return null;
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `script ${file} cannot be read`,
      "name a file that this user can read",
      {
        cause,
      },
    );
  }
  return readScript(text, file, fromMs);
}

function rangeOf({ from, to }: Pick<BacktestFlags, "from" | "to">, nowMs: number): Range {
  const read = (flag: string, text: string): number => {
    const ms = parseTime(text, nowMs);
    if (ms === null) throw invalid(`${flag} ${text}: not a time`, TIME_HINT);
    return ms;
  };
  const range = { fromMs: read("--from", from), toMs: read("--to", to) };
  if (range.fromMs >= range.toMs) throw invalid("--from has to be before --to", "swap them");
  return range;
}

const invalid = (message: string, remedy: string): MillraceError => new MillraceError("INVALID_INPUT", message, remedy);
