/** Tests of rules: series in, expected alerts with times out, as promtool has them. Pure but for the evaluator's promises. */
import { z } from "zod";
import { problemsOf } from "../../core/config/problems.ts";
import { guideOf } from "../../core/config/schema_guide.ts";
import { readYaml, type YamlSource } from "../../core/config/yaml_source.ts";
import { MillraceError } from "../../core/errors.ts";
import { parseTime } from "../../core/times.ts";
import { type Instance, isActive, type Labels } from "./alert.ts";
import type { AlertNotice } from "./alert_notice.ts";
import { VolatileLedger } from "./backtest.ts";
import { formatMinutes, MINUTE_MS, minutes } from "./durations.ts";
import { AlertEvaluator } from "./evaluator.ts";
import { MemoryMinutes } from "./memory_minutes.ts";
import type { RuleSet } from "./rules_file.ts";
import { parseValues } from "./series_text.ts";

/** A row of one value is a number to YAML. */
const values = z.preprocess(
  (value) => typeof value === "number" ? String(value) : value,
  z.string().refine(
    (text) => parseValues(text) !== null,
    "no row of values: use 5 0x30 10+5x10 _x3 (a value, a value so many times, one that grows, a minute without data)",
  ),
);
const labels = z.record(z.string(), z.string());

const fileSchema = z.strictObject({
  rules: z.string().default("").describe("File of rules, from this file's directory; absent: the built-in ones."),
  tests: z.array(z.strictObject({
    name: z.string().min(1),
    start: z.string().refine((text) => parseTime(text, 0) !== null, "not a time").default("2026-03-02T10:00:00Z"),
    topic: z.string().min(1).default("logs"),
    series: z.array(z.strictObject({
      labels,
      count: values.optional(),
      errors: values.optional(),
      p50: values.optional(),
      p90: values.optional(),
      p95: values.optional(),
      p99: values.optional(),
      avg: values.optional(),
      before: z.strictObject({
        for: minutes(1, 60 * 24 * 60),
        count: z.number().min(0),
        errors: z.number().min(0).default(0),
        p95: z.number().optional(),
      }).optional(),
    })).min(1),
    expect: z.array(z.strictObject({
      at: minutes(0),
      rule: z.string().optional(),
      alerts: z.array(z.strictObject({
        rule: z.string().optional(),
        labels: labels.default({}),
        state: z.enum(["pending", "firing", "recovering"]).default("firing"),
        severity: z.string().optional(),
      })).default([]),
    })).default([]),
    expectNotices: z.array(z.strictObject({
      at: minutes(0),
      notices: z.array(z.strictObject({
        state: z.enum(["open", "acknowledged", "resolved"]).default("open"),
        severity: z.string().optional(),
        title: z.string().optional(),
        channels: z.array(z.string()).optional(),
      })).default([]),
    })).default([]),
  })).min(1),
});
type RuleTest = z.output<typeof fileSchema>["tests"][number];
type Expected = RuleTest["expect"][number]["alerts"][number];

const guide = guideOf(fileSchema);
const REMEDY = "correct the file; docs/alerts.md has an example of a test";

export interface RuleTests {
  /** Path of the rules as the file has it, or "". */
  readonly rules: string;
  readonly tests: readonly RuleTest[];
  /** file:line of a test's expectation. */
  placeOf(test: number, list: "expect" | "expectNotices", index: number): string;
}

/** Reads a file of tests. Throws INVALID_CONFIG that names every problem's place. */
export function parseRuleTests(text: string, file: string): RuleTests {
  const yaml: YamlSource = readYaml(text, file, guide, REMEDY, false); // 0x20 is twenty times 0
  const parsed = fileSchema.safeParse(yaml.values);
  if (!parsed.success) {
    const lines = problemsOf(parsed.error.issues, yaml.values, guide).map(({ path, isKey, message }) =>
      `${yaml.positionOf(path, isKey ? "key" : "value")}: ${message}`
    );
    throw new MillraceError("INVALID_CONFIG", lines.join("\n       "), REMEDY);
  }
  return {
    ...parsed.data,
    placeOf: (test, list, index) => yaml.positionOf(["tests", test, list, index], "value").replace(/:\d+$/, ""),
  };
}

/** What was not as expected, with its place; none where all was. */
export async function runRuleTests(tests: RuleTests, ruleSet: RuleSet): Promise<string[]> {
  const failures: string[] = [];
  for (const [index, test] of tests.tests.entries()) {
    failures.push(...await runTest(test, ruleSet, (list, i) => tests.placeOf(index, list, i)));
  }
  return failures;
}

type PlaceOf = (list: "expect" | "expectNotices", index: number) => string;

async function runTest(test: RuleTest, ruleSet: RuleSet, placeOf: PlaceOf): Promise<string[]> {
  const start = Math.floor((parseTime(test.start, 0) ?? 0) / MINUTE_MS);
  const source = new MemoryMinutes({ id: "test", name: test.topic });
  const length = Math.max(
    ...test.series.map((series) => fill(source, series, start)),
    ...[...test.expect, ...test.expectNotices].map(({ at }) => at),
  );
  let notices: AlertNotice[] = [];
  const evaluator = new AlertEvaluator({
    source,
    ledger: new VolatileLedger(),
    rules: () => ruleSet,
    onNotices: (all) => void (notices = [...all]),
    onProblem: (message) => {
      throw new Error(message);
    },
  });
  const failures: string[] = [];
  for (let at = 0; at <= length; at++) {
    notices = [];
    source.finalUntil = start + at;
    await evaluator.evaluate((start + at + 1) * MINUTE_MS);
    test.expect.forEach((expected, i) => {
      if (expected.at !== at) return;
      const found = evaluator.alerts.filter((alert) => expected.rule === undefined || alert.rule === expected.rule);
      failures.push(...compare(test, placeOf("expect", i), at, expected, found));
    });
    test.expectNotices.forEach((expected, i) => {
      if (expected.at === at) {
        failures.push(...compareNotices(test, placeOf("expectNotices", i), at, expected, notices));
      }
    });
  }
  return failures;
}

/** Answers the length of the series in minutes. */
function fill(source: MemoryMinutes, series: RuleTest["series"][number], start: number): number {
  const { labels, before, count, errors, ...statistics } = series;
  if (before !== undefined) {
    const values = before.p95 === undefined ? undefined : { p95: before.p95 };
    for (let minute = start - before.for; minute < start; minute++) source.set(labels, minute, { ...before, values });
  }
  const rows = Object.entries({ count: count ?? "", errors: errors ?? "", ...statistics })
    .map(([name, text]) => [name, parseValues(text ?? "") ?? []] as const);
  const length = Math.max(...rows.map(([, row]) => row.length));
  const byName = new Map(rows);
  for (let i = 0; i < length; i++) {
    const own = rows.flatMap(([name, row]) => {
      const value = name === "count" || name === "errors" ? null : row[i] ?? null;
      return value === null ? [] : [[name, value] as const];
    });
    const errorCount = byName.get("errors")?.[i] ?? 0;
    const total = byName.get("count")?.[i] ?? errorCount;
    source.set(labels, start + i, { count: total, errors: errorCount, values: Object.fromEntries(own) });
  }
  return length;
}

const describe = (rule: string, labels: Labels, state: string): string =>
  `${rule} {${Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(", ")}} ${state}`;

function isAsExpected(expected: Expected, rule: string | undefined, alert: Instance): boolean {
  const name = expected.rule ?? rule;
  return (name === undefined || name === alert.rule) && expected.state === alert.state &&
    (expected.severity === undefined || expected.severity === alert.severity) &&
    Object.entries(expected.labels).every(([label, value]) => alert.labels[label] === value);
}

/** Every active alert has to be expected, and every expected one there; pending ones only where they are named. */
function compare(
  { name }: RuleTest,
  place: string,
  at: number,
  { alerts, rule }: RuleTest["expect"][number],
  found: readonly Instance[],
): string[] {
  const left = [...found];
  const missing = alerts.filter((expected) => {
    const index = left.findIndex((alert) => isAsExpected(expected, rule, alert));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  const extra = left.filter(isActive);
  if (missing.length === 0 && extra.length === 0) return [];
  const wanted = alerts.map((alert) => describe(alert.rule ?? rule ?? "any rule", alert.labels, alert.state));
  const there = found.filter(({ state }) => state !== "resolved").map((alert) =>
    describe(alert.rule, alert.labels, alert.state)
  );
  return [`${place}: ${name}: at ${formatMinutes(at)} expected ${listOf(wanted)}, found ${listOf(there)}`];
}

function compareNotices(
  { name }: RuleTest,
  place: string,
  at: number,
  { notices }: RuleTest["expectNotices"][number],
  found: readonly AlertNotice[],
): string[] {
  const left = [...found];
  const missing = notices.filter((expected) => {
    const index = left.findIndex((notice) =>
      notice.state === expected.state &&
      (expected.severity === undefined || notice.severity === expected.severity) &&
      (expected.title === undefined || notice.title.includes(expected.title)) &&
      (expected.channels === undefined || expected.channels.join() === notice.channels.join())
    );
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  if (missing.length === 0 && left.length === 0) return [];
  const wanted = notices.map(({ state, severity = "", title = "" }) => `${state} ${severity} ${title}`.trim());
  const there = found.map(({ state, severity, title }) => `${state} ${severity} ${title}`);
  return [`${place}: ${name}: at ${formatMinutes(at)} expected notices ${listOf(wanted)}, found ${listOf(there)}`];
}

const listOf = (texts: readonly string[]): string => texts.length === 0 ? "none" : texts.join("; ");
