import { expect } from "expect";
import type { Labels, Verdict } from "../alert.ts";
import { MinuteCache } from "../minute_cache.ts";
import { type Cell, MemoryMinutes } from "../memory_minutes.ts";
import type { Fingerprints, LogStanding } from "../ports.ts";
import { ruleOf, START, TOPIC } from "../test_rules.ts";
import { View } from "../view.ts";

interface Scene {
  readonly fingerprints?: Fingerprints;
  readonly standing?: LogStanding;
  /** Minutes from START to the topic's first record. */
  readonly begun?: number;
}

/** What a rule says when minutes before START + `at` are final. */
async function judge(yaml: string, minutes: MemoryMinutes, at: number, scene: Scene = {}): Promise<readonly Verdict[]> {
  const rule = ruleOf(yaml);
  const cache = new MinuteCache(minutes, TOPIC, () => {});
  await cache.refresh(rule.needs, START + at, START + at, START + at);
  const { fingerprints = null, standing = null } = scene;
  const begun = scene.begun === undefined ? null : START + scene.begun;
  return rule.judge(new View({ tables: cache.tables, at: START + at, standing, fingerprints, begun }));
}

function fill(minutes: MemoryMinutes, labels: Labels, from: number, to: number, cell: Cell): MemoryMinutes {
  for (let minute = from; minute < to; minute++) minutes.set(labels, START + minute, cell);
  return minutes;
}

const CHECKOUT = { service: "checkout" };
const SEARCH = { service: "search" };
const WEEK = 10_080;
const newMinutes = (): MemoryMinutes => new MemoryMinutes(TOPIC);
const statusOf = (verdicts: readonly Verdict[], service = "checkout"): string | undefined =>
  verdicts.find(({ labels }) => labels.service === service)?.status;

Deno.test("threshold: above, below, zero as a figure, no data as none", async () => {
  const minutes = fill(newMinutes(), CHECKOUT, 0, 10, { count: 100, errors: 3 });
  expect(await judge("{name: a, kind: threshold, metric: count, window: 5m, above: 499}", minutes, 10)).toMatchObject([
    { status: "breach", observed: 500, high: 499, samples: 500 },
  ]);
  expect(await judge("{name: a, kind: threshold, metric: count, window: 5m, above: 500}", minutes, 10)).toMatchObject([
    { status: "normal" },
  ]);
  const withWhere = "{name: a, kind: threshold, metric: count, below: 1, where: [service=search]}";
  expect(await judge(withWhere, minutes, 10)).toMatchObject([{ status: "breach", observed: 0 }]);
  expect(await judge(withWhere, minutes, 40)).toMatchObject([{ status: "no_data", observed: null }]);
});

Deno.test("threshold: a quantile of few events is not judged", async () => {
  const yaml = "{name: a, kind: threshold, metric: p95, above: 100, minEvents: 20, window: 2m, by: [service]}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 10, { count: 50, errors: 0, values: { p95: 130 } });
  fill(minutes, SEARCH, 0, 10, { count: 5, errors: 0, values: { p95: 900 } });
  const verdicts = await judge(yaml, minutes, 10);
  expect(statusOf(verdicts)).toBe("breach");
  expect(statusOf(verdicts, "search")).toBe("no_data");
});

Deno.test("error rate: 1 of 2 does not page, 60 of 600 do", async () => {
  const yaml = "{name: a, kind: error_rate, above: 0.05, window: 2m}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 10, { count: 300, errors: 30 });
  fill(minutes, SEARCH, 0, 10, { count: 1, errors: 1 });
  const verdicts = await judge(yaml, minutes, 10);
  expect(verdicts.find(({ labels }) => labels.service === "checkout")).toMatchObject({
    status: "breach",
    observed: 0.1,
    samples: 600,
    detail: "60 errors of 600 events",
  });
  expect(statusOf(verdicts, "search")).toBe("normal");
});

Deno.test("absence: nothing of what there was, and silence about what never was", async () => {
  const yaml = "{name: a, kind: absence, by: [service], window: 10m, within: 1h}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 20, { count: 1, errors: 0 });
  expect(statusOf(await judge(yaml, minutes, 29))).toBe("normal");
  expect(statusOf(await judge(yaml, minutes, 30))).toBe("breach");
  expect(await judge(yaml, minutes, 130)).toEqual([]);
});

Deno.test("silent service: a busy one is missed after a minute, a rare one once chance is no explanation", async () => {
  const yaml = "{name: a, kind: silent_service, minExpected: 15}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 120, { count: 40, errors: 0 });
  for (let minute = 0; minute < 120; minute += 4) minutes.set(SEARCH, START + minute, { count: 1, errors: 0 });
  expect(statusOf(await judge(yaml, minutes, 120))).toBe("normal");
  expect(statusOf(await judge(yaml, minutes, 121))).toBe("breach");
  // One in four minutes: 15 are expected in an hour.
  expect(statusOf(await judge(yaml, minutes, 150), "search")).toBe("normal");
  expect(statusOf(await judge(yaml, minutes, 180), "search")).toBe("breach");
});

Deno.test("silent service: what stops every day at the same time is not missed", async () => {
  const yaml = "{name: a, kind: silent_service}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 60, { count: 40, errors: 0 });
  fill(minutes, CHECKOUT, -1440, -1380, { count: 40, errors: 0 });
  // Somebody else's events show that there were data then.
  fill(minutes, SEARCH, -1500, 120, { count: 1, errors: 0 });
  expect(statusOf(await judge(yaml, minutes, 100))).toBe("normal");
});

Deno.test("rate of change: three times yesterday and last week, not one of them alone", async () => {
  const yaml = "{name: a, kind: rate_of_change, above: 3, window: 5m}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 10, { count: 100, errors: 0 });
  expect(statusOf(await judge(yaml, minutes, 10))).toBe("learning");
  fill(minutes, CHECKOUT, -1440, -1430, { count: 20, errors: 0 });
  expect(statusOf(await judge(yaml, minutes, 10))).toBe("breach");
  fill(minutes, CHECKOUT, -WEEK, -WEEK + 10, { count: 90, errors: 0 });
  expect(statusOf(await judge(yaml, minutes, 10))).toBe("normal");
});

Deno.test("hour of week: judges by this hour in the weeks before, of which one may have been wild", async () => {
  const yaml = "{name: a, kind: hour_of_week, window: 5m, direction: both, minChange: 20}";
  const minutes = newMinutes();
  // Nights of 10 a minute, this hour of 100: an ordinary level of the day would be wrong for both.
  for (let week = 1; week <= 4; week++) {
    const count = week === 2 ? 5000 : 100;
    fill(minutes, CHECKOUT, -week * WEEK - 40, -week * WEEK + 50, { count, errors: 0 });
  }
  fill(minutes, CHECKOUT, 0, 5, { count: 103, errors: 0 });
  fill(minutes, CHECKOUT, 5, 10, { count: 10, errors: 0 });
  fill(minutes, CHECKOUT, 10, 15, { count: 300, errors: 0 });
  expect((await judge(yaml, minutes, 5))[0]).toMatchObject({ status: "normal", observed: 515 });
  expect((await judge(yaml, minutes, 10))[0]).toMatchObject({ status: "breach", observed: 50 });
  const [high] = await judge(yaml, minutes, 15);
  expect(high.status).toBe("breach");
  expect(high.expected).toBeCloseTo(500, 6);
});

Deno.test("hour of week: says nothing while it learns", async () => {
  const minutes = fill(newMinutes(), CHECKOUT, 0, 10, { count: 1000, errors: 0 });
  fill(minutes, CHECKOUT, -WEEK - 40, -WEEK + 50, { count: 10, errors: 0 });
  expect((await judge("{name: a, kind: hour_of_week}", minutes, 10))[0].status).toBe("learning");
});

Deno.test("ewma: a step is a breach, 0 to 3 is none, and few minutes are learning", async () => {
  const yaml = "{name: a, kind: ewma, metric: errors, minChange: 0, margin: 0}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 100, { count: 100, errors: 0 });
  minutes.set(CHECKOUT, START, { count: 100, errors: 1 });
  fill(minutes, CHECKOUT, 100, 101, { count: 100, errors: 3 });
  fill(minutes, CHECKOUT, 101, 102, { count: 100, errors: 40 });
  expect((await judge(yaml, minutes, 101))[0].status).toBe("normal");
  expect((await judge(yaml, minutes, 102))[0].status).toBe("breach");
  expect((await judge(yaml, minutes, 20))[0].status).toBe("learning");
});

Deno.test("ewma: late events of before a topic's first record are no measure of what follows", async () => {
  const yaml = "{name: a, kind: ewma, metric: count}";
  const minutes = fill(newMinutes(), CHECKOUT, 0, 40, { count: 1, errors: 0 });
  fill(minutes, CHECKOUT, 40, 100, { count: 1000, errors: 0 });
  const at = async (minute: number, begun?: number) => (await judge(yaml, minutes, minute, { begun }))[0].status;
  expect([await at(41), await at(41, 40), await at(69, 40), await at(72, 40)]).toEqual(
    ["breach", "learning", "learning", "normal"],
  );
  fill(minutes, CHECKOUT, 80, 81, { count: 9000, errors: 0 });
  expect(await at(81, 40)).toBe("breach");
  // A rule of what came when the topic was younger than the window it looks at.
  expect(await at(41, 60)).toBe("learning");
});

Deno.test("new fingerprint: only what was not there before, once the topic was watched for a while", async () => {
  const yaml = "{name: a, kind: new_fingerprint, window: 10m, minEvents: 3, learn: 1h}";
  const pattern = (id: string, firstSeen: number, count: number) => ({
    id,
    template: `cannot <*> ${id}`,
    labels: CHECKOUT,
    firstSeen: START + firstSeen,
    points: [[START + 98, count]] as const,
  });
  const patterns = [pattern("new", 95, 3), pattern("old", 30, 500), pattern("rare", 95, 2), pattern("learnt", 50, 9)];
  const at = (watchedSince: number) =>
    judge(yaml, newMinutes(), 100, { fingerprints: { watchedSince: START + watchedSince, patterns } });
  expect((await at(0)).map(({ labels, status }) => [labels.fingerprint, status])).toEqual([
    ["new", "breach"],
    ["old", "normal"],
    ["rare", "normal"],
    ["learnt", "normal"],
  ]);
  expect((await at(60)).map(({ status }) => status)).toEqual(["learning", "learning", "learning", "learning"]);
});

Deno.test("fingerprint spike: many times the hours before, and more than a handful", async () => {
  const yaml = "{name: a, kind: fingerprint_spike, window: 2m, lookback: 1h, above: 5, minEvents: 20}";
  const points = (now: number) => [
    ...Array.from({ length: 60 }, (_, i) => [START + 38 + i, 2] as const),
    [START + 98, now] as const,
  ];
  const judged = async (now: number): Promise<string> => {
    const patterns = [{ id: "x", template: "t", labels: {}, firstSeen: START - 900, points: points(now) }];
    const verdicts = await judge(yaml, newMinutes(), 100, { fingerprints: { watchedSince: START - 9999, patterns } });
    return verdicts[0].status;
  };
  expect(await judged(19)).toBe("normal");
  expect(await judged(60)).toBe("breach");
});

Deno.test("unparsed share, capped dimensions and lag", async () => {
  const minutes = fill(newMinutes(), { service: "checkout", level: "INFO" }, 0, 10, { count: 100, errors: 0 });
  fill(minutes, { level: "UNPARSED" }, 5, 10, { count: 10, errors: 0 });
  fill(minutes, { endpoint: "__other__", level: "INFO" }, 5, 10, { count: 1, errors: 0 });
  const unparsed = "{name: a, kind: unparsed_share, above: 0.01, window: 5m}";
  expect((await judge(unparsed, minutes, 10))[0]).toMatchObject({ status: "breach", samples: 555 });
  expect((await judge(unparsed, minutes, 5))[0].status).toBe("normal");
  const capped = "{name: a, kind: capped_dimension, dimensions: [service, endpoint]}";
  expect((await judge(capped, minutes, 10)).map(({ labels, status }) => [labels.dimension, status])).toEqual([
    ["service", "normal"],
    ["endpoint", "breach"],
  ]);
  const standing = { lagRecords: 500, lagSeconds: 130 };
  expect(await judge("{name: a, kind: lag, records: 1000, seconds: 120}", minutes, 10, { standing })).toMatchObject([
    { status: "normal", unit: "records" },
    { status: "breach", observed: 130, unit: "seconds" },
  ]);
});
