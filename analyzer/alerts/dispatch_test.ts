import { expect } from "expect";
import { type AlertDecision, AlertDecisions } from "../../core/alerts/decisions.ts";
import type { AlertNotice } from "./alert_notice.ts";
import { Bench, LATENESS_MS, START } from "./test_rules.ts";

const RULES = `
rules:
  - {name: errors, kind: threshold, metric: errors, window: 1m, above: 10, by: [service], keepFiring: 0m, severity: critical}
  - {name: few, kind: threshold, metric: errors, window: 1m, above: 2, by: [service], keepFiring: 0m, severity: warning}
`;

/** Errors of services, minute by minute; answers what was told: minute, state, title. */
async function run(yaml: string, rows: Readonly<Record<string, readonly number[]>>): Promise<string[]> {
  const bench = new Bench(yaml);
  const told: string[] = [];
  const length = Math.max(...Object.values(rows).map((row) => row.length));
  for (let at = 0; at < length; at++) {
    for (const [service, row] of Object.entries(rows)) {
      bench.minutes.set({ service }, START + at, { count: 100, errors: row[at] ?? 0 });
    }
    await bench.evaluateAt(at + 1);
    for (const { state, service, severity, channels, title } of bench.notices.splice(0)) {
      told.push([at, state, service, severity, ...channels, title.replace(/:.*/, "")].join(" "));
    }
  }
  expect(bench.problems).toEqual([]);
  return told;
}

Deno.test("alerts of a service are one message, of two services two", async () => {
  expect(await run(RULES, { a: [0, 20, 0], b: [0, 20, 0] })).toEqual([
    "1 open a critical 2 alerts",
    "1 open b critical 2 alerts",
    "2 resolved a critical 2 alerts",
    "2 resolved b critical 2 alerts",
  ]);
});

Deno.test("what gets worse is told anew; the end is told of both messages", async () => {
  const told = await run(RULES, { a: [0, 5, 20, 0] });
  expect(told).toEqual([
    "1 open a warning few on a",
    "2 open a critical 2 alerts",
    "3 resolved a critical 2 alerts",
    "3 resolved a critical 2 alerts",
  ]);
});

Deno.test("an alert that another inhibits is not told of, and is once the other is over", async () => {
  const inhibit = "inhibit: [{source: [rule=errors], target: [rule=few]}]\n" +
    "routes: [{groupBy: [topic, service, rule]}]\n";
  expect(await run(RULES + inhibit, { a: [0, 20, 5, 0] })).toEqual([
    "1 open a critical errors on a",
    "2 resolved a critical errors on a",
    "2 open a warning few on a",
    "3 resolved a warning few on a",
  ]);
});

Deno.test("routes name channels; the first that matches takes an alert, unless it says continue", async () => {
  const routes = `
routes:
  - {match: [severity=critical], channels: [pager], continue: true, groupBy: [rule]}
  - {match: [service^=a], channels: ["slack:#a"]}
  - {channels: [console]}
`;
  expect((await run(RULES + routes, { a: [20], b: [20] })).sort()).toEqual([
    "0 open  critical pager 2 alerts",
    "0 open a critical slack:#a 2 alerts",
    "0 open b critical console 2 alerts",
  ]);
});

Deno.test("groups wait for company, updates for their interval, repetitions for theirs", async () => {
  const routes = "routes: [{groupBy: [topic], groupWait: 2m, groupInterval: 3m, repeatInterval: 6m}]\n";
  const row = [20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20];
  expect(await run(RULES + routes, { a: row, b: [0, 0, 0, 20, 20, 20, 20, 20, 20, 20, 20] })).toEqual([
    "2 open a critical 2 alerts",
    "5 open  critical 4 alerts",
    "8 open  critical 4 alerts",
  ]);
});

Deno.test("what is over before the group has waited is never told", async () => {
  const routes = "routes: [{groupWait: 3m}]\n";
  expect(await run(RULES + routes, { a: [20, 0, 0, 0, 0, 0] })).toEqual([]);
});

Deno.test("a silenced alert is not told of; one that was told of is acknowledged; the longest of two silences holds", async () => {
  const until = (minutes: number): string => new Date((START + minutes) * 60_000 + LATENESS_MS).toISOString();
  const silences = `
silences:
  - {match: [service=a], from: "${until(3)}", until: "${until(5)}", comment: deploy}
  - {match: [severity=critical|warning], from: "${until(3)}", until: "${until(8)}", comment: maintenance}
`;
  const row = Array.from({ length: 10 }, () => 20);
  expect(await run(RULES + silences, { a: row, b: [0, 0, 0, 0, ...row.slice(4)] })).toEqual([
    "0 open a critical 2 alerts",
    "2 acknowledged a critical 2 alerts",
    "7 open a critical 2 alerts",
    "7 open b critical 2 alerts",
  ]);
});

Deno.test("a mute window holds back what is new, not the end of what was told", async () => {
  // START is a Monday at 10:00 UTC, 11:00 in Berlin; notices of minute i go out at 10:02 + i.
  const routes = `
routes: [{mute: [lunch]}]
muteWindows: [{name: lunch, timeZone: Europe/Berlin, weekdays: [monday], from: "11:04", to: "11:06"}]
`;
  expect(await run(RULES + routes, { a: [20, 20, 0, 0], b: [0, 0, 0, 20, 20] })).toEqual([
    "0 open a critical 2 alerts",
    "2 resolved a critical 2 alerts",
    "4 open b critical 2 alerts",
  ]);
});

/** What a person decides about a message, at the moment of minute `at`. */
type Click = (notice: AlertNotice, atMs: number) => AlertDecision;

const click = (kind: AlertDecision["kind"], minutes = 0): Click => ({ id, severity }, atMs) => {
  const [, group, episode] = id.split("/");
  const common = { group, severity, by: "jo (U1)", atMs };
  return kind === "silence"
    ? { kind, untilMs: atMs + minutes * 60_000, comment: "", ...common }
    : { kind, episode, ...common };
};

/** As {@link run}, of one service, whose first message somebody clicks on before minute `at` is judged; with facts about that. */
async function clicked(yaml: string, errors: readonly number[], at: number, decide: Click): Promise<string[]> {
  let decisions = new AlertDecisions();
  const bench = new Bench(yaml, { decisions: { read: () => Promise.resolve(decisions) } });
  const told: string[] = [];
  let first: AlertNotice | null = null;
  for (const [minute, count] of errors.entries()) {
    const nowMs = (START + minute + 1) * 60_000 + LATENESS_MS;
    if (minute === at && first !== null) decisions = new AlertDecisions([decide(first, nowMs)]);
    bench.minutes.set({ service: "a" }, START + minute, { count: 100, errors: count });
    await bench.evaluateAt(minute + 1);
    for (const notice of bench.notices.splice(0)) {
      first ??= notice;
      const repetition = notice.id.split("/")[3] ?? "1";
      const held = notice.facts.filter(({ label }) => label === "Silenced" || label === "Acknowledged");
      told.push(
        [minute, notice.state, notice.severity, `message ${repetition}`, ...held.map(({ label }) => label)].join(" "),
      );
    }
  }
  expect(bench.problems).toEqual([]);
  return told;
}

const ROW = [20, 20, 20, 20, 20, 20, 20, 20];
const OFTEN = "routes: [{repeatInterval: 2m, groupInterval: 10m}]\n";

Deno.test("who acknowledged is shown at once, and nobody is called again until it gets worse", async () => {
  expect(await clicked(RULES + OFTEN, ROW, 1, click("acknowledge"))).toEqual([
    "0 open critical message 1",
    "1 acknowledged critical message 1 Acknowledged",
  ]);
  expect(await clicked(RULES + OFTEN, [5, 5, 5, 20, 20, 20, 0], 1, click("acknowledge"))).toEqual([
    "0 open warning message 1",
    "1 acknowledged warning message 1 Acknowledged",
    "3 open critical message 2",
    "5 open critical message 3",
    "6 resolved critical message 1",
    "6 resolved critical message 2",
    "6 resolved critical message 3",
  ]);
});

Deno.test("an acknowledgement is of one episode", async () => {
  expect(await clicked(RULES, [20, 20, 0, 20], 1, click("acknowledge"))).toEqual([
    "0 open critical message 1",
    "1 acknowledged critical message 1 Acknowledged",
    "2 resolved critical message 1",
    "3 open critical message 1",
  ]);
});

Deno.test("a person's silence ends by itself: what still fires then is told anew", async () => {
  expect(await clicked(RULES, ROW, 1, click("silence", 4))).toEqual([
    "0 open critical message 1",
    "1 acknowledged critical message 1 Silenced",
    "5 open critical message 2",
  ]);
});

Deno.test("a silence is of what begins meanwhile, too, but of nothing that is worse than what was seen", async () => {
  expect(await clicked(RULES, [5, 5, 0, 5, 5, 20, 20, 0], 1, click("silence", 60))).toEqual([
    "0 open warning message 1",
    "1 acknowledged warning message 1 Silenced",
    "2 resolved warning message 1",
    "5 open critical message 1",
    "7 resolved critical message 1",
  ]);
});
