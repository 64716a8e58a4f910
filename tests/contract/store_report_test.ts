/** Summaries of every store against a recount of the events. */
import { expect } from "expect";
import type { Dimension } from "../../core/minutes/fields.ts";
import { UNPARSED } from "../../core/minutes/fields.ts";
import type { ApiSummary } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import {
  cellOf,
  deliver,
  eventOf,
  EVER,
  flushOf,
  HOUR_MS,
  promise,
  START_MS,
  type TestEvent,
  TOPIC,
} from "./store_fixtures.ts";
import { sumOf, tally } from "./store_recount.ts";

// ---------------------------------------------------------------- summary

const API_DIMENSIONS: readonly Dimension[] = ["service", "level", "method", "endpoint"];

function makeCalls(): Map<number, TestEvent[]> {
  const random = randomFrom(8);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  const make = (offset: number) => {
    const level = pick(["INFO", "INFO", "INFO", "WARN", "ERROR", ""]);
    return eventOf(offset, Math.floor(random() * 2 * HOUR_MS), {
      fields: {
        level,
        service: pick(["cart", "pay"]),
        method: pick(["GET", "POST"]),
        ...(random() < 0.8 && { endpoint: pick(["/a", "/b"]) }),
      },
      measures: random() < 0.9 ? { response_time: Math.round(Math.exp(random() * 14)) } : {},
      isError: level === "ERROR",
    });
  };
  return new Map([0, 1].map((partition) => [partition, Array.from({ length: 400 }, (_, offset) => make(offset))]));
}

function recountApis(events: readonly TestEvent[]) {
  const groups = Map.groupBy(
    events,
    ({ fields }) => JSON.stringify([fields.service, fields.method, fields.endpoint ?? ""]),
  );
  return new Map([...groups].map(([api, all]) => {
    const times = all.flatMap(({ measures }) => measures.response_time ?? []).sort((a, b) => a - b);
    return [api, {
      count: all.length,
      errors: all.filter(({ isError }) => isError).length,
      average: times.length === 0 ? null : sumOf(times) / times.length / 1000,
      p95: times.length === 0 ? null : times[Math.floor(0.95 * (times.length - 1))] / 1000,
    }];
  }));
}

const apiOf = ({ service, method, endpoint }: ApiSummary) => JSON.stringify([service, method, endpoint]);

promise("the summary counts levels, errors and APIs as the events do", async (store) => {
  const calls = makeCalls();
  await deliver(store, calls, API_DIMENSIONS);
  const range = { fromMs: START_MS, toMs: START_MS + HOUR_MS };
  const events = [...calls.values()].flat().filter(({ micros }) => micros < range.toMs * 1000);
  const summary = await store.summary({ topicId: TOPIC, range, apisMax: 100, where: [] });
  const errors = events.filter(({ isError }) => isError).length;
  expect(summary.totals).toEqual({ count: events.length, errors, unparsed: 0 });
  expect(summary.levels.map(({ level, count }) => [level, count])).toEqual(
    tally(events.map(({ fields }) => fields.level ?? "")),
  );
  expect(summary.apisTruncated).toBe(false);
  const truth = recountApis(events);
  expect(summary.apis.map(apiOf).sort()).toEqual([...truth.keys()].sort());
  expect(summary.apis.map(({ count }) => count)).toEqual(summary.apis.map(({ count }) => count).sort((a, b) => b - a));
  for (const api of summary.apis) {
    const wanted = truth.get(apiOf(api));
    expect([apiOf(api), api.count, api.errors]).toEqual([apiOf(api), wanted?.count, wanted?.errors]);
    expect(Math.abs((api.averageResponseTime ?? NaN) / (wanted?.average ?? NaN) - 1)).toBeLessThan(1e-12);
    expect(Math.abs((api.p95ResponseTime ?? NaN) / (wanted?.p95 ?? NaN) - 1)).toBeLessThan(0.01);
  }
});

promise("a summary under conditions counts the events that they hold for, and no others", async (store) => {
  const calls = makeCalls();
  await deliver(store, calls, API_DIMENSIONS);
  const range = { fromMs: START_MS, toMs: START_MS + 2 * HOUR_MS };
  const summary = await store.summary({
    topicId: TOPIC,
    range,
    apisMax: 100,
    where: [
      { field: "service", op: "in", values: ["pay"] },
      { field: "level", op: "not_in", values: ["WARN", ""] },
    ],
  });
  const events = [...calls.values()].flat().filter(({ fields }) =>
    fields.service === "pay" && (fields.level === "INFO" || fields.level === "ERROR")
  );
  expect(summary.totals).toEqual({
    count: events.length,
    errors: events.filter(({ isError }) => isError).length,
    unparsed: 0,
  });
  expect(summary.levels.map(({ level, count }) => [level, count])).toEqual(
    tally(events.map(({ fields }) => fields.level ?? "")),
  );
  const truth = recountApis(events);
  expect(new Map(summary.apis.map((api) => [apiOf(api), api.count]))).toEqual(
    new Map([...truth].map(([api, { count }]) => [api, count])),
  );
});

promise("the summary counts unparsed records, and does not take them for an API", async (store) => {
  await store.flush(flushOf({
    cells: [
      cellOf(0, "", 5, { dimensions: { level: UNPARSED, service: "" } }),
      cellOf(1, "cart", 2, { dimensions: { service: "cart", level: "INFO" }, errors: 1 }),
    ],
  }));
  expect(await store.summary({ topicId: TOPIC, range: EVER, apisMax: 10, where: [] })).toEqual({
    totals: { count: 7, errors: 1, unparsed: 5 },
    levels: [{ level: UNPARSED, count: 5 }, { level: "INFO", count: 2 }],
    apis: [{
      service: "cart",
      method: "",
      endpoint: "",
      count: 2,
      errors: 1,
      averageResponseTime: null,
      p95ResponseTime: null,
    }],
    apisTruncated: false,
  });
});

promise("the summary of nothing is zeros and empty lists", async (store) => {
  await store.flush(flushOf({ cells: [cellOf(0, "cart", 2)] }));
  const nothing = { totals: { count: 0, errors: 0, unparsed: 0 }, levels: [], apis: [], apisTruncated: false };
  expect(await store.summary({ topicId: "unknown", range: EVER, apisMax: 10, where: [] })).toEqual(nothing);
  expect(
    await store.summary({
      topicId: TOPIC,
      range: { fromMs: START_MS + 1, toMs: START_MS + 2 },
      apisMax: 10,
      where: [],
    }),
  ).toEqual(nothing);
});

promise("beyond the most APIs the summary tells the largest, and that there are more", async (store) => {
  const cells = [3, 9, 1, 5].map((count, i) =>
    cellOf(i, `s${i}`, count, { values: { response_time: Array(count).fill(i * 1000) } })
  );
  await store.flush(flushOf({ cells }));
  const some = await store.summary({ topicId: TOPIC, range: EVER, apisMax: 2, where: [] });
  expect(
    some.apis.map((
      { service, averageResponseTime, p95ResponseTime },
    ) => [service, averageResponseTime, p95ResponseTime]),
  )
    .toEqual([["s1", 1, 1], ["s3", 3, 3]]);
  expect(some.apisTruncated).toBe(true);
  expect(some.totals.count).toBe(18);
  expect((await store.summary({ topicId: TOPIC, range: EVER, apisMax: 4, where: [] })).apisTruncated).toBe(false);
});
