/** What values come back from every store as they went in, and that none of them can spoil a flush. */
import { expect } from "expect";
import { OTHER, UNPARSED } from "../../core/minutes/fields.ts";
import type { SeriesQuery, Statistic, Store, UnitState } from "../../core/store/ports.ts";
import { encodeEvents } from "../../core/store/record_blocks.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  eventOf,
  eventsToRows,
  EVER,
  flushOf,
  promise,
  START_BUCKET,
  START_MS,
  storedCounts,
  TOPIC,
} from "./store_fixtures.ts";

const BYTE_ORDER_MARKED = "\uFEFFbom";
const HOSTILE = [
  "",
  " ",
  "\0",
  "a\0b",
  "'; DROP TABLE minutes; --",
  '"quoted"',
  "back\\slash\\x00",
  "tab\tnew\nline\r",
  "\u{1F600} Zürich \u202E",
  BYTE_ORDER_MARKED,
  "a\uFEFFb",
  "\uFFFD",
  "$1",
  "NULL",
  "x".repeat(200_000),
];

const sorted = (values: readonly string[] | undefined) => [...values ?? []].sort();

/** Distinct values with an order of their own: a store may answer them in any. */
function ordered({ values, ...unit }: UnitState) {
  return { ...unit, values: Object.fromEntries(Object.entries(values).map(([name, all]) => [name, sorted(all)])) };
}

/** All there is of one measure, in one point. */
const ALL = {
  topicId: TOPIC,
  range: EVER,
  stepMinutes: 1_000_000_000,
  measure: "response_time",
  by: [],
  where: [],
  seriesMax: 1,
} as const;

/** One statistic over everything. */
async function overall(store: Store, statistic: Statistic, rest: Partial<SeriesQuery> = {}): Promise<number | null> {
  const { series } = await store.series({ ...ALL, statistic, ...rest });
  const points = series.flatMap((one) => one.points);
  if (points.length !== 1) throw new Error(`expected one point, found ${JSON.stringify(points)}`);
  return points[0][1];
}

promise("units tell the distinct values of their own hour, without what takes no place under a cap", async (store) => {
  const cells = [
    cellOf(0, "cart", 1),
    cellOf(0, "pay", 1),
    cellOf(59, "cart", 1, { fromOffset: 5 }),
    cellOf(59, OTHER, 1, { fromOffset: 5 }),
    cellOf(60, "next hour", 1),
    cellOf(-1, "hour before", 1),
    cellOf(3, "", 1, { dimensions: { service: "", level: UNPARSED } }),
    cellOf(4, UNPARSED, 1, { dimensions: { service: UNPARSED, level: "WARN", endpoint: "/a" } }),
  ];
  await store.flush(flushOf({ cells }));
  await store.flush(flushOf({ partition: 1, cells: [cellOf(0, "other partition", 1)] }));
  await store.flush(flushOf({ topicId: "other", cells: [cellOf(0, "other topic", 1)] }));
  const buckets = [START_BUCKET + 1, START_BUCKET, START_BUCKET + 7, START_BUCKET - 1];
  expect((await store.readUnits(TOPIC, 0, buckets)).map(ordered)).toEqual([
    { bucket: START_BUCKET + 1, upto: 10, writer: "a", values: { service: ["next hour"], level: ["INFO"] } },
    {
      bucket: START_BUCKET,
      upto: 10,
      writer: "a",
      values: { service: [UNPARSED, "cart", "pay"], level: ["INFO", "WARN"], endpoint: ["/a"] },
    },
    { bucket: START_BUCKET + 7, upto: 0, writer: null, values: {} },
    { bucket: START_BUCKET - 1, upto: 10, writer: "a", values: { service: ["hour before"], level: ["INFO"] } },
  ]);
});

promise("values of a unit follow what its rows became", async (store) => {
  await store.flush(flushOf({ cells: [cellOf(0, "cart", 1)] }));
  await store.flush(flushOf({
    writer: "b",
    expectCheckpoint: 10,
    at: 20,
    cells: [cellOf(0, "pay", 1, { fromOffset: 12 })],
    units: [{ bucket: START_BUCKET, expect: 10 }],
  }));
  expect((await store.readUnits(TOPIC, 0, [START_BUCKET])).map(ordered)).toEqual([
    { bucket: START_BUCKET, upto: 20, writer: "b", values: { service: ["cart", "pay"], level: ["INFO"] } },
  ]);
});

promise("a unit that was moved without rows has its offset and writer, and no values", async (store) => {
  await store.flush(flushOf({ units: [{ bucket: -7, expect: 0 }] }));
  expect(await store.readUnits(TOPIC, 0, [-7])).toEqual([{ bucket: -7, upto: 10, writer: "a", values: {} }]);
});

promise("dimension values are kept as they are, whatever they hold", async (store) => {
  const services = [...HOSTILE, "bom", "\uFEFF"];
  const values = { response_time: [1] };
  await store.flush(flushOf({ cells: services.map((service, i) => cellOf(0, service, i + 1, { values })) }));
  const counts = await storedCounts(store);
  expect(counts).toEqual(Object.fromEntries(services.map((service, i) => [`0|${service}`, i + 1])));
  const [unit] = await store.readUnits(TOPIC, 0, [START_BUCKET]);
  expect(sorted(unit.values.service)).toEqual(sorted(services.filter((value) => value !== "")));
  for (const statistic of ["count", "stddev", "p50"] as const) {
    const asked = { ...ALL, statistic, by: ["service"], seriesMax: 100 } as const;
    const { series } = await store.series(asked);
    expect(sorted(series.map(({ dimensions }) => dimensions.service ?? "none"))).toEqual(sorted(services));
    expect(series.flatMap(({ points }) => points)).toHaveLength(services.length);
    for (const op of ["in", "prefix"] as const) {
      const chosen = await store.series({ ...asked, where: [{ field: "service", op, values: [BYTE_ORDER_MARKED] }] });
      expect(chosen.series.map(({ dimensions }) => dimensions.service)).toEqual([BYTE_ORDER_MARKED]);
    }
  }
  expect(await store.putIfAbsent(BYTE_ORDER_MARKED, BYTE_ORDER_MARKED)).toBe(BYTE_ORDER_MARKED);
  expect(await store.get(BYTE_ORDER_MARKED)).toBe(BYTE_ORDER_MARKED);
});

promise("fields, measures and times of events come back as they went in; absent is not empty or 0", async (store) => {
  const events = HOSTILE.map((text, i) =>
    eventOf(i, 0, {
      micros: START_MS * 1000 + i,
      fields: { message: text, service: `s${i}`, user_agent: text },
      measures: { response_time: i, amount: -i * 10_000 - 1 },
      raw: new TextEncoder().encode(text),
    })
  );
  const bare = eventOf(HOSTILE.length, 1, { raw: new Uint8Array(0) });
  expect(await store.flush(flushOf({ events: [...events, bare], at: 100 }))).toEqual({ kind: "applied" });
  const found = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 1000 });
  expect(found.map(({ offset }) => offset)).toEqual([HOSTILE.length, ...HOSTILE.map((_, i) => i).reverse()]);
  expect(found[0]).toMatchObject({ fields: {}, measures: {}, raw: new Uint8Array(0) });
  for (const event of found.slice(1)) {
    const { offset } = event;
    const { fields, micros, raw } = events[offset];
    expect(event).toEqual({
      timestampMicros: micros,
      partition: 0,
      offset,
      fields,
      measures: { response_time: offset / 1000, amount: (-offset * 10_000 - 1) / 10_000 },
      raw,
    });
  }
});

promise("times of events from 1685 to 2254 are exact to the microsecond", async (store) => {
  const times = [-1, 0, 1, EVER.fromMs * 1000, EVER.toMs * 1000 - 1, START_MS * 1000 + 123_456];
  const events = times.map((micros, offset) => eventOf(offset, 0, { micros }));
  await store.flush(flushOf({ events }));
  const found = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10 });
  expect(found.map(({ timestampMicros }) => timestampMicros)).toEqual([...times].sort((a, b) => b - a));
});

promise("a field that is not UTF-8 is stored with replacement characters, and spoils nothing", async (store) => {
  const rows = eventsToRows([eventOf(0, 0, { fields: { message: "abcdef" } }), eventOf(1, 1)]);
  const start = rows.text.message?.starts[0] ?? 0;
  rows.bytes.set([0xff, 0xc3, 0x28], start);
  expect(await store.flush({ ...flushOf(), events: encodeEvents(TOPIC, 0, rows) })).toEqual({ kind: "applied" });
  const found = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10 });
  expect(found.map(({ fields }) => fields)).toEqual([{}, { message: "\uFFFD\uFFFD(def" }]);
});

promise("records and fields that share a character between them are not taken for text", async (store) => {
  // Together the bytes are UTF-8; each record alone is not.
  const raws = [[0x61, 0xc3], [0xa9, 0x62], [0xf0, 0x9f], [0x98, 0x80], [0x7a]].map((bytes) => Uint8Array.from(bytes));
  const events = raws.map((raw, offset) => eventOf(offset, offset, { raw }));
  const rows = eventsToRows(events);
  const cut = { starts: Int32Array.of(0, 2, -1, 4, 8), ends: Int32Array.of(2, 3, 0, 8, 8) };
  const cutRows = { ...rows, text: { ...rows.text, message: cut } };
  const flush = { ...flushOf(), events: encodeEvents(TOPIC, 0, cutRows) };
  expect(await store.flush(flush)).toEqual({ kind: "applied" });
  const found = [...await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10 })].reverse();
  expect(found.map(({ raw }) => raw)).toEqual(raws);
  expect(found.map(({ fields }) => fields.message)).toEqual(["a\uFFFD", "\uFFFD", undefined, "\u{1F600}", ""]);
});

const EDGES = [0, -1, 1, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER];

promise("measures at the edges of the safe integers are stored and summed up", async (store) => {
  const events = EDGES.map((value, offset) =>
    eventOf(offset, 0, { measures: { response_time: value, content_size: value } })
  );
  const cells = EDGES.map((value, i) =>
    cellOf(i, "edge", 1, { fromOffset: i, values: { response_time: [value], content_size: [value] } })
  );
  expect(await store.flush(flushOf({ cells, events }))).toEqual({ kind: "applied" });
  const found = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10 });
  expect(found.map(({ measures }) => measures.content_size).reverse()).toEqual(EDGES);
  const size = { measure: "content_size" } as const;
  expect(await overall(store, "sum", size)).toBe(0);
  expect(await overall(store, "min", size)).toBe(-Number.MAX_SAFE_INTEGER);
  expect(await overall(store, "max", size)).toBe(Number.MAX_SAFE_INTEGER);
  // Two values of 2^53 apart from the mean of 0, among five.
  const stddev = Math.sqrt(2 * Number.MAX_SAFE_INTEGER ** 2 / 5);
  expect(Math.abs((await overall(store, "stddev", size) ?? NaN) / stddev - 1)).toBeLessThan(1e-9);
  expect(await overall(store, "p50", size)).toBe(0);
  expect(Math.abs((await overall(store, "p99") ?? NaN) - 0)).toBeLessThanOrEqual(1);
});

promise("sums beyond 2^53 within a cell and over cells keep their leading digits", async (store) => {
  const large = 2 ** 52;
  const cells = [...Array(12).keys()].map((minute) =>
    cellOf(minute, "large", 40, { fromOffset: minute, values: { content_size: Array(40).fill(large) } })
  );
  expect(await store.flush(flushOf({ cells }))).toEqual({ kind: "applied" });
  const size = { measure: "content_size" } as const;
  expect(await overall(store, "sum", size)).toBe(12 * 40 * large);
  expect(await overall(store, "avg", size)).toBe(large);
  expect(await overall(store, "stddev", size)).toBe(0);
});

promise("a cell whose sum is beyond 2^63 stops neither its partition nor other cells", async (store) => {
  const values = { content_size: Array(5000).fill(Number.MAX_SAFE_INTEGER), amount: Array(5000).fill(-(2 ** 52)) };
  const cells = [cellOf(0, "huge", 5000, { values }), cellOf(60, "small", 2, { values: { content_size: [1, 2] } })];
  expect(await store.flush(flushOf({ cells }))).toEqual({ kind: "applied" });
  expect(await storedCounts(store)).toEqual({ "0|huge": 5000, "60|small": 2 });
  const huge = { measure: "content_size", where: [{ field: "service", op: "in", values: ["huge"] }] } as const;
  expect(await overall(store, "max", huge)).toBe(Number.MAX_SAFE_INTEGER);
  expect(await overall(store, "min", { ...huge, measure: "amount" })).toBe(-(2 ** 52) / 10_000);
  const small = { measure: "content_size", where: [{ field: "service", op: "in", values: ["small"] }] } as const;
  expect(await overall(store, "sum", small)).toBe(3);
  // A row's own sum stays at the edge, with its sign.
  const edge = 2 ** 63;
  expect(Math.abs((await overall(store, "sum", huge) ?? NaN) / edge - 1)).toBeLessThan(1e-12);
  expect(Math.abs((await overall(store, "sum", { ...huge, measure: "amount" }) ?? NaN) / (-edge / 10_000) - 1))
    .toBeLessThan(1e-12);
});

promise("sums over cells go on beyond 2^63, in series, summaries and exports", async (store) => {
  const large = Number.MAX_SAFE_INTEGER;
  const values = { response_time: Array(700).fill(large) };
  const cells = [0, 1, 2, 3].map((minute) => cellOf(minute, "large", 700, { fromOffset: minute, values }));
  expect(await store.flush(flushOf({ cells }))).toEqual({ kind: "applied" });
  const sum = 4 * 700 * large / 1000;
  expect(sum * 1000).toBeGreaterThan(2 ** 64);
  expect(Math.abs((await overall(store, "sum") ?? NaN) / sum - 1)).toBeLessThan(1e-12);
  expect(Math.abs((await overall(store, "avg") ?? NaN) / (large / 1000) - 1)).toBeLessThan(1e-12);
  const { apis } = await store.summary({ topicId: TOPIC, range: EVER, apisMax: 1, where: [] });
  expect(Math.abs((apis[0].averageResponseTime ?? NaN) / (large / 1000) - 1)).toBeLessThan(1e-12);
  const [hour] = await exported(store, exportQuery({ table: "hours", format: "ndjson" }));
  expect(Math.abs(Number(hour.response_time_sum) / sum - 1)).toBeLessThan(1e-12);
});

promise("a flush that cannot be stored rejects, leaves nothing behind, and stops no later one", async (store) => {
  const good = flushOf({ cells: [cellOf(0, "cart", 1)], events: [eventOf(0, 0)] });
  const bad = { ...good, minutes: { ...good.minutes, counts: Float64Array.of(NaN) } };
  await expect(store.flush(bad)).rejects.toThrow();
  expect(await store.partitions(TOPIC)).toEqual([]);
  expect(await store.countStored(TOPIC)).toEqual([]);
  expect(await store.readUnits(TOPIC, 0, [START_BUCKET])).toMatchObject([{ upto: 0, writer: null }]);
  expect(await store.flush(good)).toEqual({ kind: "applied" });
  expect(await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 9 })).toHaveLength(1);
  expect(await storedCounts(store)).toEqual({ "0|cart": 1 });
});

promise("of flushes that come together, one that cannot be stored stops its own partition alone", async (store) => {
  const flushes = [0, 1, 2, 3, 4].map((partition) => flushOf({ partition, cells: [cellOf(0, "cart", 1)] }));
  const bad = { ...flushes[2], minutes: { ...flushes[2].minutes, counts: Float64Array.of(NaN) } };
  // An ambiguous outcome is read back and tried again, as the engine does it.
  for (let attempt = 0; attempt < 10; attempt++) {
    await Promise.allSettled([...flushes.slice(0, 2), bad, ...flushes.slice(3)].map((flush) => store.flush(flush)));
  }
  expect(await store.countStored(TOPIC)).toEqual([0, 1, 3, 4].map((partition) => ({ partition, count: 1 })));
  expect(await storedCounts(store)).toEqual({ "0|cart": 4 });
});
