/** The file of rules: what it may say, checked with the place of whatever is wrong. */
import { z } from "zod";
import { didYouMean } from "../../core/config/nearest.ts";
import { type Problem, problemsOf } from "../../core/config/problems.ts";
import { type ConfigPath, guideOf, type SchemaGuide } from "../../core/config/schema_guide.ts";
import { timeZone } from "../../core/config/schema.ts";
import { readYaml, type YamlSource } from "../../core/config/yaml_source.ts";
import { MillraceError } from "../../core/errors.ts";
import { splitCondition, WHERE_HINT } from "../../core/store/where.ts";
import { parseTime } from "../../core/times.ts";
import { durationMs } from "./durations.ts";
import { RULE_KINDS } from "./kinds/registry.ts";
import { type Inhibition, type Matcher, type MuteWindow, parseMatchers, type Silence, WEEKDAYS } from "./matching.ts";
import type { Rule } from "./rule.ts";

const matcher = z.string().refine((text) => splitCondition(text) !== null, `no condition: ${WHERE_HINT}`);
/** Not relative to now: the file is read again and again. */
const time = z.string().refine(
  (text) => !text.startsWith("now") && parseTime(text, 0) !== null,
  "not a time: use RFC 3339 with a zone (2026-03-01T12:00:00Z) or a date (2026-03-01)",
);
const clock = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/, "no time of day").refine(
  (text) => text <= "24:00",
  "no time of day: use 22:30",
);

export const rulesFileSchema = z.strictObject({
  rules: z.array(z.looseObject({ kind: z.string() })).min(1).describe("What is an alert."),
  routes: z.array(z.strictObject({
    match: z.array(matcher).default([]).describe("Conditions on labels; all must hold."),
    channels: z.array(z.string().min(1)).default([]).describe("Names of channels; none: all that there are."),
    groupBy: z.array(z.string().min(1)).default(["topic", "service"])
      .describe("Labels; alerts with the same values are one message."),
    groupWait: durationMs.prefault("0s").describe("How long its first alert waits for others."),
    groupInterval: durationMs.prefault("1m").describe("Least time between two changes of a message."),
    repeatInterval: durationMs.prefault("4h").describe("Time after which people are told again of what still fires."),
    mute: z.array(z.string()).default([]).describe("Names of mute windows."),
    continue: z.boolean().default(false).describe("Whether the routes after it are asked, too."),
  })).default([]).describe("Who is told of what; the first that matches, and those after it where it says continue."),
  inhibit: z.array(z.strictObject({
    source: z.array(matcher).min(1).describe("Conditions on the labels of what fires."),
    target: z.array(matcher).min(1).describe("Conditions on the labels of what is held back."),
    equal: z.array(z.string().min(1)).default(["topic", "service"]).describe("Labels that both have alike."),
  })).default([]).describe("What is not told of while something else fires."),
  silences: z.array(z.strictObject({
    match: z.array(matcher).min(1).describe("Conditions on labels; all must hold."),
    from: time.default("1970-01-01").describe("RFC 3339 or a date; absent: it holds already."),
    until: time.describe("When it ends."),
    comment: z.string().min(1).describe("Why, for those who come across it."),
  })).default([]).describe("What is held back until a time."),
  muteWindows: z.array(z.strictObject({
    name: z.string().min(1).describe("As routes name it."),
    timeZone: timeZone.default("UTC").describe("IANA name, as Europe/Berlin."),
    weekdays: z.array(z.enum(WEEKDAYS)).default([]).describe("Days on which it begins; none: every day."),
    from: clock.describe("Time of day, as 22:30."),
    to: clock.describe("End; before from: on the next day."),
  })).default([]).describe("Times of the week at which nothing new is told, named by routes."),
});

/** Who is told of alerts, and when. Times in milliseconds. */
export interface Route {
  readonly matchers: readonly Matcher[];
  /** Names of channels; none: all that there are. */
  readonly channels: readonly string[];
  readonly groupBy: readonly string[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly mute: readonly MuteWindow[];
  readonly goesOn: boolean;
}

export interface RuleSet {
  readonly rules: readonly Rule[];
  /** The last one takes everything. */
  readonly routes: readonly Route[];
  readonly inhibitions: readonly Inhibition[];
  readonly silences: readonly Silence[];
}

type File = z.output<typeof rulesFileSchema>;

const fileGuide = guideOf(rulesFileSchema);
const kindGuides = new Map<string, SchemaGuide>(RULE_KINDS.map((kind) => [kind.name, guideOf(kind.schema)]));
const REMEDY = "correct the file; `deno task alerts rules` prints an example, docs/alerts.md explains every key";

/** Reads a file of rules. Throws INVALID_CONFIG that names every problem's place. */
export function parseRules(text: string, file: string): RuleSet {
  const yaml = readYaml(text, file, fileGuide, REMEDY);
  const faults: Problem[] = [];
  const parsed = rulesFileSchema.safeParse(yaml.values);
  if (!parsed.success) faults.push(...problemsOf(parsed.error.issues, yaml.values, fileGuide));
  const rules = rulesOf(yaml.values.rules, faults);
  if (parsed.success) faults.push(...contradictions(parsed.data, rules));
  if (!parsed.success || faults.length > 0) throw refusal(faults, yaml);
  return {
    rules: rules.map(({ rule }) => rule),
    routes: routesOf(parsed.data),
    inhibitions: parsed.data.inhibit.map(({ source, target, equal }) => ({
      source: parseMatchers(source),
      target: parseMatchers(target),
      equal,
    })),
    silences: parsed.data.silences.map(({ match, from, until, comment }, i) => ({
      matchers: parseMatchers(match),
      fromMs: parseTime(from, 0) ?? 0,
      untilMs: parseTime(until, 0) ?? 0,
      comment,
      place: yaml.positionOf(["silences", i], "value").replace(/:\d+$/, ""),
    })),
  };
}

function refusal(faults: readonly Problem[], yaml: YamlSource): MillraceError {
  const lines = faults.map(({ path, isKey, message }) =>
    `${yaml.positionOf(path, isKey ? "key" : "value")}: ${message}`
  );
  return new MillraceError("INVALID_CONFIG", lines.join("\n       "), REMEDY);
}

interface PlacedRule {
  readonly rule: Rule;
  readonly index: number;
}

/** Rules that are right; what is wrong with others goes to `faults`. */
function rulesOf(raw: unknown, faults: Problem[]): PlacedRule[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((entry: unknown, index) => {
    const name = kindNameOf(entry);
    const kind = RULE_KINDS.find((known) => known.name === name);
    const guide = kindGuides.get(name ?? "");
    if (name === null) return []; // the file's schema tells
    if (kind === undefined || guide === undefined) {
      const names = RULE_KINDS.map((known) => known.name);
      const hint = didYouMean(name, names) || ` (there are ${names.join(", ")})`;
      faults.push({ path: ["rules", index, "kind"], isKey: false, message: `no kind of rule "${name}"${hint}` });
      return [];
    }
    const parsed = kind.parse(entry);
    if (parsed.ok) return [{ rule: parsed.rule, index }];
    const title = titleOf(entry, index);
    for (const problem of problemsOf(parsed.issues, entry, guide)) {
      faults.push({ ...problem, path: ["rules", index, ...problem.path], message: `${title}: ${problem.message}` });
    }
    if (parsed.fault !== null) {
      const { key, message } = parsed.fault;
      faults.push({ path: ["rules", index, key], isKey: false, message: `${title}: ${key}: ${message}` });
    }
    return [];
  });
}

function kindNameOf(entry: unknown): string | null {
  if (typeof entry !== "object" || entry === null || !("kind" in entry)) return null;
  return typeof entry.kind === "string" ? entry.kind : null;
}

function titleOf(entry: unknown, index: number): string {
  if (typeof entry === "object" && entry !== null && "name" in entry && typeof entry.name === "string") {
    return `rule ${entry.name}`;
  }
  return `rule ${index + 1}`;
}

function contradictions(file: File, rules: readonly PlacedRule[]): Problem[] {
  const problems: Problem[] = [];
  const add = (path: ConfigPath, message: string): void => void problems.push({ path, isKey: false, message });
  const names = new Set<string>();
  for (const { rule: { name }, index } of rules) {
    if (names.has(name)) add(["rules", index, "name"], `a second rule is called ${name}: names tell alerts apart`);
    names.add(name);
  }
  const windows = file.muteWindows.map(({ name }) => name);
  file.routes.forEach(({ mute }, i) =>
    mute.forEach((name, j) => {
      if (!windows.includes(name)) add(["routes", i, "mute", j], `no mute window ${name}${didYouMean(name, windows)}`);
    })
  );
  file.muteWindows.forEach(({ name, from, to }, i) => {
    if (from === to) add(["muteWindows", i, "to"], `window ${name} has no length: from and to are both ${from}`);
  });
  file.silences.forEach(({ from, until }, i) => {
    if ((parseTime(from, 0) ?? 0) >= (parseTime(until, 0) ?? 0)) {
      add(["silences", i, "until"], `the silence ends (${until}) before it begins (${from})`);
    }
  });
  return problems;
}

const minuteOfDay = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

function routesOf({ routes, muteWindows }: File): Route[] {
  const windows: MuteWindow[] = muteWindows.map(({ name, timeZone, weekdays, from, to }) => ({
    name,
    timeZone,
    weekdays,
    fromMinute: minuteOfDay(from),
    toMinute: minuteOfDay(to),
  }));
  const made = routes.map((route) => ({
    matchers: parseMatchers(route.match),
    channels: route.channels,
    groupBy: route.groupBy,
    groupWaitMs: route.groupWait,
    groupIntervalMs: route.groupInterval,
    repeatIntervalMs: route.repeatInterval,
    mute: windows.filter(({ name }) => route.mute.includes(name)),
    goesOn: route.continue,
  }));
  return [...made, DEFAULT_ROUTE];
}

/** Takes what no other route took: to all channels, a message a service. */
const DEFAULT_ROUTE: Route = {
  matchers: [],
  channels: [],
  groupBy: ["topic", "service"],
  groupWaitMs: 0,
  groupIntervalMs: 60_000,
  repeatIntervalMs: 4 * 3_600_000,
  mute: [],
  goesOn: false,
};
