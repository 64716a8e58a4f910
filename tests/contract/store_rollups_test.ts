/** Long ranges of every store: the same answers whatever they are made of, before and after late events. */
import { expect } from "expect";
import { type SeriesQuery, STATISTICS, type Store, type SummaryResult } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import {
  cellOf,
  deliver,
  eventOf,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  PartitionWriter,
  promise,
  START_BUCKET,
  START_MS,
  storedCounts,
  type TestEvent,
  TOPIC,
} from "./store_fixtures.ts";
import { statisticOf, tolerance } from "./store_recount.ts";

const DAY_MS = 24 * HOUR_MS;
const DIMENSIONS = ["service", "method", "endpoint", "level"] as const;
/** From two hours before a midnight to two hours after the next one but one. */
const FIRST_MS = Math.floor(START_MS / DAY_MS) * DAY_MS - 2 * HOUR_MS;
const LENGTH_MS = 2 * DAY_MS + 4 * HOUR_MS;
const RANGE = { fromMs: FIRST_MS, toMs: FIRST_MS + LENGTH_MS };

function makeEvents(seed: number, count: number, firstOffset = 0): TestEvent[] {
  const random = randomFrom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  return Array.from({ length: count }, (_, i) => {
    const level = pick(["INFO", "WARN", "ERROR"]);
    return eventOf(firstOffset + i, FIRST_MS - START_MS + Math.floor(random() * LENGTH_MS), {
      fields: {
        level,
        service: pick(["cart", "pay", "\ufeffbom"]),
        method: pick(["GET", "PUT"]),
        endpoint: pick(["/a", "/b"]),
      },
      measures: {
        ...(level !== "WARN" && { response_time: Math.round(Math.exp(random() * 12)) }),
        content_size: Math.floor(random() * 2_000_000) - 1_000_000,
      },
      isError: level === "ERROR",
    });
  });
}

/** `service|time` → value. */
function recount(
  { range, stepMinutes, statistic, measure = "content_size" }: SeriesQuery,
  events: readonly TestEvent[],
) {
  const stepMs = stepMinutes * MINUTE_MS;
  const asked = events.filter(({ micros }) => {
    const minuteMs = Math.floor(micros / 60_000_000) * MINUTE_MS;
    return minuteMs >= range.fromMs && minuteMs < range.toMs;
  });
  const groups = Map.groupBy(
    asked,
    ({ micros, fields }) => `${fields.service}|${Math.floor(micros / 1000 / stepMs) * stepMs}`,
  );
  return new Map([...groups].flatMap(([key, group]) => {
    const value = statisticOf(statistic, group, measure);
    return value === null ? [] : [[key, value] as const];
  }));
}

async function expectSeries(store: Store, query: SeriesQuery, events: readonly TestEvent[]): Promise<void> {
  const { series } = await store.series(query);
  const found = new Map<string, number>(
    series.flatMap(({ dimensions, points }) =>
      points.flatMap(([atMs, value]) => value === null ? [] : [[`${dimensions.service}|${atMs}`, value] as const])
    ),
  );
  const truth = recount(query, events);
  expect(truth.size).toBeGreaterThan(0);
  expect([...found.keys()].sort()).toEqual([...truth.keys()].sort());
  const relative = tolerance(query.statistic);
  const far = [...truth].filter(([key, value]) =>
    !(Math.abs((found.get(key) ?? NaN) - value) <= relative * Math.abs(value) + 1e-12)
  );
  expect(far).toEqual([]);
}

const queryOf = (rest: Partial<SeriesQuery>): SeriesQuery => ({
  topicId: TOPIC,
  range: RANGE,
  stepMinutes: 60,
  statistic: "count",
  measure: "content_size",
  by: ["service"],
  where: [],
  seriesMax: 100,
  ...rest,
});

promise(
  "hours and days say what their events do, the first time and again, and to who begins anew",
  async (first, under) => {
    const partitions = new Map([0, 3].map((partition) => [partition, makeEvents(partition + 1, 400)]));
    const events = [...partitions.values()].flat();
    await deliver(first, partitions, DIMENSIONS);
    const ask = async (store: Store) => {
      for (const stepMinutes of [60, 180, 1440]) {
        for (const statistic of STATISTICS) await expectSeries(store, queryOf({ stepMinutes, statistic }), events);
      }
      // Not at whole hours, and not from a whole day.
      const range = { fromMs: FIRST_MS + 40 * MINUTE_MS, toMs: RANGE.toMs - 90 * MINUTE_MS };
      await expectSeries(store, queryOf({ range, stepMinutes: 1440, statistic: "p95" }), events);
      await expectSeries(store, queryOf({ stepMinutes: 7 }), events);
    };
    await ask(first);
    await ask(first);
    await first.close();
    await ask(await under.reopen());
  },
);

promise("late events are in every answer that follows, also where others have asked before", async (store, under) => {
  const other = under.name === "duckdb" ? store : await under.reopen();
  const before = makeEvents(1, 300);
  const writer = new PartitionWriter(store, TOPIC, 0, DIMENSIONS);
  await writer.flush(before);
  for (const asked of [store, other]) await expectSeries(asked, queryOf({ stepMinutes: 1440 }), before);
  const events = [...before];
  for (let round = 0; round < 3; round++) {
    const late = makeEvents(10 + round, 5, 300 + 5 * round);
    await writer.flush(late);
    events.push(...late);
    for (const asked of [store, other]) {
      await expectSeries(asked, queryOf({ stepMinutes: 1440 }), events);
      await expectSeries(asked, queryOf({ stepMinutes: 60, statistic: "p99" }), events);
    }
  }
});

const countsOf = ({ totals, levels, apis }: SummaryResult) => ({
  totals,
  levels,
  apis: apis.map(({ service, method, endpoint, count, errors }) => ({ service, method, endpoint, count, errors })),
});

promise("the summary of days is that of their minutes", async (store) => {
  const events = makeEvents(7, 500);
  await deliver(store, new Map([[0, events]]), DIMENSIONS);
  const found = countsOf(await store.summary({ topicId: TOPIC, range: RANGE, apisMax: 100, where: [] }));
  const count = (of: (event: TestEvent) => string) => Map.groupBy(events, of);
  const ordered = (a: { count: number }, b: { count: number }) => b.count - a.count;
  expect(found.totals).toEqual({
    count: events.length,
    errors: events.filter(({ isError }) => isError).length,
    unparsed: 0,
  });
  expect(found.levels.toSorted((a, b) => a.level < b.level ? -1 : 1)).toEqual(
    [...count(({ fields }) => fields.level ?? "")].map(([level, of]) => ({ level, count: of.length }))
      .sort((a, b) => a.level < b.level ? -1 : 1),
  );
  const apis = [...count(({ fields }) => JSON.stringify([fields.service, fields.method, fields.endpoint]))]
    .map(([key, of]) => {
      const [service, method, endpoint] = JSON.parse(key);
      return { service, method, endpoint, count: of.length, errors: of.filter(({ isError }) => isError).length };
    }).sort(ordered);
  expect(found.apis.map(({ count }) => count)).toEqual(apis.map(({ count }) => count));
  expect(new Set(found.apis.map((api) => JSON.stringify(api)))).toEqual(
    new Set(apis.map((api) => JSON.stringify(api))),
  );
});

promise("sums beyond what a double holds exactly are the same in hours as in minutes", async (store) => {
  const large = { content_size: [2 ** 53 - 1, 2 ** 53 - 1] };
  for (const partition of [0, 1]) {
    await store.flush(
      flushOf({ partition, cells: [0, 1, 130].map((minute) => cellOf(minute, "a", 2, { values: large })) }),
    );
  }
  const range = { fromMs: START_MS, toMs: START_MS + 3 * HOUR_MS };
  const sumOf = async (stepMinutes: number) =>
    (await store.series(queryOf({ range, stepMinutes, statistic: "sum" }))).series
      .flatMap(({ points }) => points).filter(([atMs]) => atMs < START_MS + HOUR_MS)
      .reduce((sum, [, value]) => sum + (value ?? NaN), 0);
  expect(await sumOf(60)).toBe(await sumOf(1));
});

promise("a topic that was dropped has no hours either, and one of the same id begins anew", async (store) => {
  const events = makeEvents(3, 50);
  await new PartitionWriter(store, TOPIC, 0, DIMENSIONS).flush(events);
  await expectSeries(store, queryOf({ stepMinutes: 1440 }), events);
  await store.dropTopic(TOPIC);
  expect((await store.series(queryOf({ stepMinutes: 1440 }))).series).toEqual([]);
  expect(await storedCounts(store)).toEqual({});
  expect((await store.unitVersions(TOPIC)).filter(({ bucket }) => bucket <= START_BUCKET)).toEqual([]);
});
