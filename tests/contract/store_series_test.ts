/** Series of every store against a recount of the events that its cells were made of. */
import { expect } from "expect";
import type { Dimension } from "../../core/minutes/fields.ts";
import { type Condition, type SeriesQuery, STATISTICS, type Store } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import {
  cellOf,
  deliver,
  eventOf,
  EVER,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  promise,
  START_BUCKET,
  START_MS,
  type TestEvent,
  TOPIC,
} from "./store_fixtures.ts";
import { statisticOf, tolerance } from "./store_recount.ts";

const DIMENSIONS: readonly Dimension[] = ["service", "level", "endpoint"];
const RANGE = { fromMs: START_MS - HOUR_MS, toMs: START_MS + 3 * HOUR_MS };

/** Half an hour before a full hour to an hour and a half after it, out of order, over three partitions. */
function makeEvents(): Map<number, TestEvent[]> {
  const random = randomFrom(5);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  const make = (offset: number) => {
    const level = pick(["INFO", "INFO", "WARN", "ERROR"]);
    // Long tails, a few zeros and refunds, and amounts that lie close together far from 0: sums of squares cancel there.
    const responseTime = Math.round(Math.exp(random() * 12)) - 1;
    return eventOf(offset, Math.floor(random() * 2 * HOUR_MS) - HOUR_MS / 2, {
      fields: {
        level,
        service: pick(["cart", "pay", "100%", "a_b"]),
        ...(random() < 0.7 && { endpoint: pick(["/a", "/ab", "/b%"]) }),
      },
      measures: {
        ...(level !== "WARN" && { response_time: responseTime }),
        content_size: Math.floor(random() * 2_000_000) - 1_000_000,
        amount: 1e12 + Math.floor(random() * 1e6),
      },
      isError: level === "ERROR",
    });
  };
  return new Map(
    [0, 1, 7].map((partition) => [partition, Array.from({ length: 500 }, (_, offset) => make(offset * 2))]),
  );
}

const EVENTS = makeEvents();
const ALL: readonly TestEvent[] = [...EVENTS.values()].flat();

const query = (rest: Partial<SeriesQuery>): SeriesQuery => ({
  topicId: TOPIC,
  range: RANGE,
  stepMinutes: 5,
  statistic: "count",
  by: [],
  where: [],
  seriesMax: 1000,
  ...rest,
});

/** `service|…|time` → value, of the steps that have one. */
function recount(asked: SeriesQuery, events = ALL): Map<string, number> {
  const stepMs = asked.stepMinutes * MINUTE_MS;
  const inRange = events.filter(({ micros }) => {
    const minuteMs = Math.floor(micros / 1000 / MINUTE_MS) * MINUTE_MS;
    return minuteMs >= asked.range.fromMs && minuteMs < asked.range.toMs;
  });
  const groups = Map.groupBy(inRange, ({ micros, fields }) => {
    const stepStartMs = Math.floor(micros / 1000 / stepMs) * stepMs;
    return [...asked.by.map((name) => fields[name] ?? ""), stepStartMs].join("|");
  });
  const values = [...groups].map((
    [key, group],
  ) => [key, statisticOf(asked.statistic, group, asked.measure ?? "amount")]);
  return new Map(values.filter((entry): entry is [string, number] => entry[1] !== null));
}

async function ask(store: Store, asked: SeriesQuery): Promise<Map<string, number>> {
  const { series, truncated } = await store.series(asked);
  expect(truncated).toBe(false);
  const found = new Map<string, number>();
  for (const { dimensions, points } of series) {
    expect(Object.keys(dimensions).sort()).toEqual([...asked.by].sort());
    expect(points.map(([atMs]) => atMs)).toEqual([...new Set(points.map(([atMs]) => atMs))].sort((a, b) => a - b));
    for (const [atMs, value] of points) {
      const key = [...asked.by.map((name) => dimensions[name]), atMs].join("|");
      expect(found.has(key)).toBe(false);
      if (value !== null) found.set(key, value);
    }
  }
  return found;
}

/** Equal keys, and values within a relative distance. */
function expectClose(found: ReadonlyMap<string, number>, truth: ReadonlyMap<string, number>, relative: number): void {
  expect([...found.keys()].sort()).toEqual([...truth.keys()].sort());
  const far = [...truth].filter(([key, value]) =>
    !(Math.abs((found.get(key) ?? NaN) - value) <= relative * Math.abs(value) + 1e-12)
  );
  expect(far.map(([key, value]) => [key, value, found.get(key)])).toEqual([]);
}

promise(
  "every statistic of every measure, whatever partials, partitions and steps its cells are spread over",
  async (store) => {
    await deliver(store, EVENTS, DIMENSIONS);
    for (const statistic of STATISTICS) {
      for (const measure of ["response_time", "content_size", "amount"] as const) {
        for (const [by, stepMinutes] of [[[], 60], [["service"], 7], [["level", "service"], 1440]] as const) {
          const asked = query({ statistic, measure, by, stepMinutes });
          const truth = recount(asked);
          expect(truth.size).toBeGreaterThan(0);
          expectClose(await ask(store, asked), truth, tolerance(statistic));
        }
      }
    }
  },
);

promise("steps of every width start at whole multiples since 1970", async (store) => {
  await deliver(store, EVENTS, DIMENSIONS);
  for (const stepMinutes of [1, 2, 13, 59, 60, 61, 525_600]) {
    for (const statistic of ["count", "stddev", "p90"] as const) {
      const asked = query({ statistic, measure: "content_size", stepMinutes });
      expectClose(await ask(store, asked), recount(asked), tolerance(statistic));
    }
  }
});

promise("steps before 1970 start before their events, too", async (store) => {
  const events = [-1, -59, -61, -600, 0, 1].map((minute, offset) =>
    eventOf(offset, minute * MINUTE_MS - START_MS, { measures: { amount: offset } })
  );
  await deliver(store, new Map([[0, events]]), ["service"], { flushes: 2 });
  const range = { fromMs: -HOUR_MS * 24, toMs: HOUR_MS };
  for (const statistic of ["count", "avg", "p50"] as const) {
    const asked = query({ statistic, measure: "amount", stepMinutes: 7, range });
    expectClose(await ask(store, asked), recount(asked, events), tolerance(statistic));
  }
});

promise("a range is of the minutes that begin in it", async (store) => {
  await deliver(store, EVENTS, DIMENSIONS);
  const ranges = [
    { fromMs: START_MS, toMs: START_MS + MINUTE_MS },
    { fromMs: START_MS + 1, toMs: START_MS + 5 * MINUTE_MS },
    { fromMs: START_MS, toMs: START_MS + 5 * MINUTE_MS + 1 },
    { fromMs: START_MS + 29_999.5, toMs: START_MS + 3 * MINUTE_MS - 0.5 },
    EVER,
    { fromMs: -8.64e15, toMs: 8.64e15 },
  ];
  for (const range of ranges) {
    for (const statistic of ["count", "sum", "p99"] as const) {
      const asked = query({ statistic, measure: "content_size", stepMinutes: 1, by: ["service"], range });
      expectClose(await ask(store, asked), recount(asked), tolerance(statistic));
    }
  }
});

promise("empty ranges, unknown topics and conditions that nothing meets give no series", async (store) => {
  await deliver(store, EVENTS, DIMENSIONS);
  const nothing: Partial<SeriesQuery>[] = [
    { range: { fromMs: START_MS, toMs: START_MS } },
    { range: { fromMs: START_MS + HOUR_MS, toMs: START_MS } },
    { range: { fromMs: START_MS + 1, toMs: START_MS + 2 } },
    { topicId: "unknown" },
    { where: [{ field: "service", op: "in", values: ["nobody"] }] },
  ];
  for (const rest of nothing) {
    for (const statistic of STATISTICS) {
      for (const by of [[], ["service"]] as const) {
        expect(await store.series(query({ statistic, measure: "amount", by, ...rest })))
          .toEqual({ series: [], truncated: false });
      }
    }
  }
});

const CONDITIONS: readonly (readonly [readonly Condition[], (event: TestEvent) => boolean])[] = [
  [
    [{ field: "service", op: "in", values: ["cart", "100%"] }],
    ({ fields }) => /^(cart|100%)$/.test(fields.service ?? ""),
  ],
  [
    [{ field: "service", op: "not_in", values: ["cart", "pay"] }],
    ({ fields }) => /^(100%|a_b)$/.test(fields.service ?? ""),
  ],
  [[{ field: "endpoint", op: "prefix", values: ["/a"] }], ({ fields }) => fields.endpoint?.startsWith("/a") ?? false],
  [
    [{ field: "endpoint", op: "prefix", values: ["/ab", "/b"] }],
    ({ fields }) => /^\/(ab|b)/.test(fields.endpoint ?? ""),
  ],
  // % and _ stand for themselves.
  [[{ field: "service", op: "prefix", values: ["1%"] }], () => false],
  [[{ field: "service", op: "prefix", values: ["a_"] }], ({ fields }) => fields.service === "a_b"],
  [[{ field: "service", op: "prefix", values: ["_"] }], () => false],
  [[{ field: "service", op: "prefix", values: [""] }], () => true],
  // An absent value is the empty one.
  [[{ field: "endpoint", op: "in", values: [""] }], ({ fields }) => fields.endpoint === undefined],
  [[{ field: "endpoint", op: "not_in", values: ["", "/a"] }], ({ fields }) => /^\/(ab|b%)/.test(fields.endpoint ?? "")],
  [[{ field: "currency", op: "in", values: [""] }], () => true],
  [[{ field: "currency", op: "not_in", values: ["EUR"] }], () => true],
  // Lists of nothing.
  [[{ field: "service", op: "in", values: [] }], () => false],
  [[{ field: "service", op: "not_in", values: [] }], () => true],
  [[{ field: "service", op: "prefix", values: [] }], () => false],
  // Text that would mean something in a query language.
  [[{ field: "service", op: "in", values: ["' OR true --", "$1", "cart"] }], ({ fields }) => fields.service === "cart"],
  // All of several, also on one field.
  [
    [
      { field: "service", op: "not_in", values: ["cart"] },
      { field: "service", op: "not_in", values: ["pay"] },
      { field: "level", op: "in", values: ["ERROR", "WARN"] },
    ],
    ({ fields }) => /^(100%|a_b)$/.test(fields.service ?? "") && fields.level !== "INFO",
  ],
];

promise("conditions select by list, by exclusion and by prefix, all of them together", async (store) => {
  await deliver(store, EVENTS, DIMENSIONS);
  for (const [where, isMeant] of CONDITIONS) {
    for (const statistic of ["count", "avg", "p95"] as const) {
      const asked = query({ statistic, measure: "content_size", stepMinutes: 60, by: ["endpoint"], where });
      expectClose(await ask(store, asked), recount(asked, ALL.filter(isMeant)), tolerance(statistic));
    }
  }
});

promise(
  "a condition on a field that minutes do not have, and a statistic without its measure, are refused",
  async (store) => {
    await store.flush(flushOf({ cells: [cellOf(0, "cart", 1, { values: { amount: [1] } })] }));
    const where: Condition[] = [{ field: "message", op: "in", values: ["x"] }];
    await expect(store.series(query({ where }))).rejects.toThrow("message");
    for (const statistic of STATISTICS.slice(3)) {
      await expect(store.series(query({ statistic }))).rejects.toThrow(
        "measure",
      );
    }
  },
);

promise("beyond the most series only the largest by count are told, and that there are more", async (store) => {
  const counts = { e: 5, a: 9, d: 5, b: 7, c: 5, f: 1 };
  const cells = Object.entries(counts).flatMap(([service, count]) => [
    cellOf(0, service, 1, { values: { amount: [count] } }),
    cellOf(90, service, count - 1, { values: { amount: Array(count - 1).fill(count) } }),
  ]);
  await store.flush(flushOf({ cells: cells.filter(({ count }) => count > 0) }));
  for (const statistic of ["count", "max", "stddev", "p50"] as const) {
    const asked = query({ statistic, measure: "amount", by: ["service"] });
    const all = await store.series(asked);
    expect(all.truncated).toBe(false);
    expect(all.series.map(({ dimensions }) => dimensions.service)).toEqual(["a", "b", "c", "d", "e", "f"]);
    for (const seriesMax of [1, 3, 5]) {
      const some = await store.series({ ...asked, seriesMax });
      expect(some).toEqual({ truncated: true, series: all.series.slice(0, seriesMax) });
    }
    expect(await store.series({ ...asked, seriesMax: 6 })).toEqual(all);
    // The largest within the range, not of all times: in the second hour every one has lost one.
    const second = { fromMs: START_MS + HOUR_MS, toMs: START_MS + 2 * HOUR_MS };
    const five = await store.series({ ...asked, range: second, seriesMax: 5 });
    expect(five.truncated).toBe(false);
    expect(five.series.map(({ points }) => points.map(([atMs]) => atMs))).toEqual(
      Array(5).fill([START_MS + 90 * MINUTE_MS]),
    );
  }
});

promise("values of minutes far apart, in one partial each, have the deviation of them all", async (store) => {
  // One value a cell: every partial's own deviation is 0.
  const values = [10, 20, 30, 1_000_000, 1_000_010];
  for (const [i, value] of values.entries()) {
    await store.flush(flushOf({
      partition: i,
      cells: [cellOf(i * 3, "cart", 1, { values: { content_size: [value] } })],
      units: [{ bucket: START_BUCKET, expect: 0 }],
    }));
  }
  const mean = values.reduce((a, b) => a + b) / values.length;
  const truth = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const { series: [{ points }] } = await store.series(
    query({ statistic: "stddev", measure: "content_size", stepMinutes: 60 }),
  );
  expect(points).toHaveLength(1);
  expect(points[0][1]).toBeCloseTo(truth, 6);
});
