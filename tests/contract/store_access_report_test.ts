/** Access reports of every store against a recount of the events. */
import { expect } from "expect";
import type { AccessReport, AccessReportQuery } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import {
  cellOf,
  eventOf,
  EVER,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  promise,
  START_MS,
  type TestEvent,
  TOPIC,
} from "./store_fixtures.ts";
import { sumOf, tally } from "./store_recount.ts";

const report = (rest: Partial<AccessReportQuery> = {}): AccessReportQuery => ({
  topicId: TOPIC,
  range: EVER,
  timeZone: "UTC",
  where: [],
  limit: 1000,
  ...rest,
});

/** A year of requests by the hour, around the days when clocks change. */
function makeRequests(): TestEvent[] {
  const random = randomFrom(21);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  return Array.from({ length: 900 }, (_, offset) =>
    eventOf(offset, 0, {
      micros: (Date.UTC(2025, 11, 25) + Math.floor(random() * 370 * 24) * HOUR_MS + Math.floor(random() * HOUR_MS)) *
        1000,
      recordTimeMs: START_MS,
      fields: {
        ...(random() < 0.95 && { host: `10.0.0.${Math.floor(random() ** 3 * 40)}` }),
        ...(random() < 0.3 && { user: "frank" }),
        ...(random() < 0.97 && { method: pick(["GET", "POST"]) }),
        ...(random() < 0.97 && { endpoint: pick(["/", "/a?x=1", "/a?x=2", "/ä", "*"]) }),
        ...(random() < 0.9 && { protocol: "HTTP/1.0" }),
        status: pick(["200", "200", "304", "404", "500"]),
        ...(random() < 0.5 && { referrer: "-" }),
      },
      measures: random() < 0.8 ? { content_size: Math.floor(random() ** 5 * 5_000_000) } : {},
    }));
}

function dayIn(timeZone: string, micros: number): string {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  return parts.format(new Date(Math.floor(micros / 1000)));
}

function hourIn(timeZone: string, micros: number): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", hourCycle: "h23" });
  return Number(parts.format(new Date(Math.floor(micros / 1000))));
}

function recountReport(
  events: readonly TestEvent[],
  { timeZone, limit }: AccessReportQuery,
): Omit<AccessReport, "contentSize"> {
  const of = (name: "host" | "endpoint" | "status", all = events) =>
    tally(all.flatMap(({ fields }) => fields[name] ?? []));
  const notFound = events.filter(({ fields }) => fields.status === "404");
  const missing =
    (["host", "ident", "user", "method", "endpoint", "protocol", "status", "referrer", "user_agent"] as const)
      .map((name) => [name, events.filter(({ fields }) => fields[name] === undefined).length]);
  const sizeless = events.filter(({ measures }) => measures.content_size === undefined).length;
  const days = [...Map.groupBy(events, ({ micros }) => dayIn(timeZone, micros))].sort(([a], [b]) => a < b ? -1 : 1);
  const hours = Map.groupBy(events, ({ micros }) => hourIn(timeZone, micros));
  const having = (some: readonly TestEvent[], first: string) =>
    some.filter(({ fields }) => fields.status?.startsWith(first)).length;
  return {
    lines: events.length,
    unparsed: 0,
    missing: Object.fromEntries([...missing, ["content_size", sizeless]]),
    notFound: {
      count: notFound.length,
      top: of("endpoint", notFound).slice(0, limit).map(([endpoint, count]) => ({ endpoint, count })),
      byHost: of("host", notFound).slice(0, limit).map(([host, count]) => ({ host, count })),
    },
    byStatus: of("status").slice(0, limit).map(([status, count]) => ({ status: Number(status), count })),
    byHost: of("host").slice(0, limit).map(([host, count]) => ({ host, count })),
    byEndpoint: of("endpoint").slice(0, limit).map(([endpoint, count]) => ({ endpoint, count })),
    byDay: days.map(([day, some]) => ({
      day,
      count: some.length,
      hosts: new Set(some.flatMap(({ fields }) => fields.host ?? [])).size,
      notFound: having(some, "404"),
    })),
    byHour: Array.from({ length: 24 }, (_, hour) => hours.get(hour) ?? []).map((some, hour) => ({
      hour,
      count: some.length,
      notFound: having(some, "404"),
      clientErrors: having(some, "4"),
      serverErrors: having(some, "5"),
    })),
    hosts: of("host").length,
    endpoints: of("endpoint").length,
  };
}

promise(
  "the access report under conditions counts the events that they hold for, and no unparsed record",
  async (store) => {
    const requests = makeRequests();
    const quarantine = [{ offset: 1_000, recordTimeMs: START_MS, reason: "no_match", raw: new Uint8Array([1]) }];
    await store.flush(flushOf({ events: requests, quarantine, at: 1_001 }));
    const where = [
      { field: "status", op: "in", values: ["404", "500"] },
      { field: "host", op: "not_in", values: ["10.0.0.0"] },
    ] as const;
    const { contentSize, ...counts } = await store.accessReport(report({ where }));
    const some = requests.filter(({ fields }) =>
      (fields.status === "404" || fields.status === "500") && fields.host !== "10.0.0.0"
    );
    expect(counts).toEqual(recountReport(some, report()));
    expect(contentSize.count).toBe(some.filter(({ measures }) => measures.content_size !== undefined).length);
    expect((await store.accessReport(report())).unparsed).toBe(1);
  },
);

promise("the access report counts what the events say, in lists as long as asked", async (store) => {
  const requests = makeRequests();
  await store.flush(flushOf({ events: requests.slice(0, 500), at: 500 }));
  await store.flush(flushOf({ events: requests.slice(500), partition: 1, at: 900 }));
  await store.flush(flushOf({ topicId: "other", events: requests.slice(0, 100) }));
  for (const limit of [1000, 3]) {
    const { contentSize, ...counts } = await store.accessReport(report({ limit }));
    expect(counts).toEqual(recountReport(requests, report({ limit })));
    const sizes = requests.flatMap(({ measures }) => measures.content_size ?? []);
    const mean = sumOf(sizes) / sizes.length;
    expect(contentSize).toMatchObject({ count: sizes.length, min: Math.min(...sizes), max: Math.max(...sizes) });
    const classes = contentSize.histogram;
    expect(classes.map(({ from }) => from)).toEqual([0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6]);
    for (const { from, to, count } of classes) {
      expect([from, count]).toEqual([from, sizes.filter((size) => size >= from && size < to).length]);
    }
    expect(Math.abs((contentSize.mean ?? NaN) / mean - 1)).toBeLessThan(1e-12);
    const stddev = Math.sqrt(sumOf(sizes.map((size) => (size - mean) ** 2)) / sizes.length);
    expect(Math.abs((contentSize.stddev ?? NaN) / stddev - 1)).toBeLessThan(1e-9);
  }
});

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Pacific/Auckland",
  "Pacific/Kiritimati",
  "America/St_Johns",
];

promise("days and hours are those of the zone that was asked for, also where clocks change", async (store) => {
  // Every half hour around both changes of the European and American clocks, and random ones over a year.
  const halfHours = [Date.UTC(2026, 2, 8), Date.UTC(2026, 2, 29), Date.UTC(2026, 9, 25), Date.UTC(2026, 10, 1)]
    .flatMap((day) => Array.from({ length: 144 }, (_, i) => day + (i - 48) * 30 * MINUTE_MS));
  const events = [
    ...makeRequests(),
    ...halfHours.flatMap((atMs) => [atMs * 1000, atMs * 1000 - 1].map((micros) => eventOf(0, 0, { micros }))),
  ].map((event, offset) => ({ ...event, offset }));
  await store.flush(flushOf({ events, at: events.length }));
  for (const timeZone of ZONES) {
    const { byDay, byHour } = await store.accessReport(report({ timeZone }));
    const wanted = recountReport(events, report({ timeZone }));
    expect({ timeZone, byDay, byHour }).toEqual({ timeZone, byDay: wanted.byDay, byHour: wanted.byHour });
  }
});

promise("the access report of a range counts events by their time and quarantine by the record's", async (store) => {
  const events = [0, 1, 2, 3].map((offset) => eventOf(offset, offset, { recordTimeMs: START_MS - HOUR_MS }));
  const quarantine = [0, 1, 2].map((i) => ({
    offset: 4 + i,
    recordTimeMs: START_MS + i,
    reason: "no_match",
    raw: Uint8Array.of(i),
  }));
  await store.flush(flushOf({ events, quarantine }));
  const { lines, unparsed, byDay } = await store.accessReport(
    report({ range: { fromMs: START_MS + 1, toMs: START_MS + 3 } }),
  );
  expect({ lines, unparsed, byDay }).toEqual({
    lines: 2 + 2,
    unparsed: 2,
    byDay: [{ day: "2026-03-01", count: 2, hosts: 0, notFound: 0 }],
  });
});

promise("the access report of nothing is zeros, nulls and empty lists", async (store) => {
  const empty = await store.accessReport(report());
  expect(empty).toMatchObject({
    lines: 0,
    unparsed: 0,
    contentSize: { count: 0, min: null, max: null, mean: null, stddev: null },
    notFound: { count: 0, top: [] },
    byStatus: [],
    byHost: [],
    byEndpoint: [],
    byDay: [],
    hosts: 0,
    endpoints: 0,
  });
  expect(new Set(Object.values(empty.missing))).toEqual(new Set([0]));
});

promise("columns of the combined format are missing only where some event has one", async (store) => {
  await store.flush(flushOf({ events: [eventOf(0, 0, { fields: { host: "h" } })] }));
  const plain = (await store.accessReport(report())).missing;
  expect(plain).toEqual({
    host: 0,
    ident: 1,
    user: 1,
    method: 1,
    endpoint: 1,
    protocol: 1,
    status: 1,
    content_size: 1,
  });
  await store.flush(flushOf({ partition: 1, events: [eventOf(0, 0, { fields: { user_agent: "" } })] }));
  expect((await store.accessReport(report())).missing).toEqual({
    ...{ host: 1, ident: 2, user: 2, method: 2, endpoint: 2, protocol: 2, status: 2, content_size: 2 },
    ...{ referrer: 2, user_agent: 1 },
  });
});

promise("a status that is no whole number is missing, and is in no list", async (store) => {
  const statuses = [
    "200",
    "200",
    "teapot",
    "404",
    "-",
    "",
    "4.5",
    "1e3",
    " 200",
    "-200",
    "0200",
    "12345678901234567890",
  ];
  const events = statuses.map((status, offset) => eventOf(offset, offset, { fields: { status } }));
  await store.flush(flushOf({ events: [...events, eventOf(20, 0)] }));
  for (const limit of [10, 1]) {
    const { byStatus, missing, lines } = await store.accessReport(report({ limit }));
    expect(byStatus).toEqual([{ status: 200, count: 2 }, { status: 404, count: 1 }].slice(0, limit));
    expect({ lines, missing: missing.status }).toEqual({ lines: 13, missing: 10 });
  }
});

promise("the byte order mark that a value begins with is part of it, in reports and summaries", async (store) => {
  const MARKED = "\uFEFFa";
  const fields = { host: MARKED, endpoint: MARKED, status: "404" };
  await store.flush(flushOf({
    events: [eventOf(0, 0, { fields }), eventOf(1, 0, { fields: { ...fields, host: "a", endpoint: "a" } })],
    cells: [MARKED, "a"].map((text) =>
      cellOf(0, "", 1, { dimensions: { service: text, level: text, method: text, endpoint: text } })
    ),
  }));
  const { byHost, byEndpoint, notFound } = await store.accessReport(report());
  expect(byHost).toEqual(["a", MARKED].map((host) => ({ host, count: 1 })));
  expect(byEndpoint).toEqual(["a", MARKED].map((endpoint) => ({ endpoint, count: 1 })));
  expect(notFound.top).toEqual(byEndpoint);
  const { levels, apis } = await store.summary({ topicId: TOPIC, range: EVER, apisMax: 10, where: [] });
  expect(levels.map(({ level }) => level)).toEqual(["a", MARKED]);
  expect(apis.map(({ service, method, endpoint }) => [service, method, endpoint])).toEqual(
    ["a", MARKED].map((text) => [text, text, text]),
  );
});
