/** The gateway's answers over a real log, engine and store, against a recount of the lines that were sent. */
import { expect } from "expect";
import { parquetReadObjects } from "hyparquet";
import { Buffer } from "node:buffer";
import { zstdDecompressSync } from "node:zlib";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { openStore } from "../../core/store/registry.ts";
import { topicDescriber } from "../../cli/topic_description.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { startEngine } from "../../engine/main.ts";
import { createApp } from "../../gateway/app.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";

const NOW_MS = Date.UTC(2026, 2, 1, 12, 0, 30);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const RECORDS = 4000;

interface Sent {
  readonly atMs: number;
  readonly level: string;
  readonly service: string;
  readonly path: string;
  readonly status: number;
  readonly duration: number;
  readonly line: string;
}

/** Two hours of a made-up shop; the last minutes are the running ones. */
function makeRecords(): Sent[] {
  const random = randomFrom(11);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  return Array.from({ length: RECORDS }, (_, i) => {
    const atMs = NOW_MS - Math.floor(random() * 2 * HOUR_MS);
    const record = {
      atMs,
      level: pick(["INFO", "INFO", "INFO", "WARN", "ERROR"]),
      service: pick(["cart", "pay", "=search|x"]),
      path: pick(["/a", "/b", "/c"]),
      status: pick([200, 200, 404, 503]),
      duration: Math.round(random() * 100_000) / 100,
    };
    const { level, service, path, status, duration } = record;
    const line = JSON.stringify({
      timestamp: new Date(atMs).toISOString(),
      level,
      service,
      method: "GET",
      path,
      status,
      duration_ms: duration,
      message: `order ${i} of Zürich`,
    });
    return { ...record, line };
  });
}

const BROKEN: readonly Buffer[] = [
  Buffer.from("not json"),
  Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]),
  Buffer.from('{"level":"INFO"'),
];

type Json = Readonly<Record<string, unknown>>;

interface Shop {
  readonly sent: readonly Sent[];
  /** GET, which must answer 200. */
  readonly get: (path: string) => Promise<Response>;
  readonly json: (path: string) => Promise<Json>;
  /** Sends lines and waits until the store reflects them. */
  readonly send: (topic: string, body: Uint8Array<ArrayBuffer>) => Promise<void>;
}

async function withShop(run: (shop: Shop) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-gateway-" });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => Deno.remove(data, { recursive: true }));
  const config = configSchema.parse({ data, engine: { workers: 1, flushIntervalMs: 50 } });
  const store = await openStore("duckdb", config);
  opened.defer(() => store.close());
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  opened.defer(() => log.close());
  const engine = await startEngine({
    config,
    log,
    membership: new SoleMembership(log, () => {}),
    store,
    onNotice: () => {},
  });
  opened.defer(() => engine.stop());
  const figures = { status: () => engine.status(), describeTopic: topicDescriber(config, store) };
  const app = createApp({
    config,
    log,
    store,
    engine: figures,
    deleteTopic: () => Promise.resolve(),
    now: () => NOW_MS,
  });
  const get = async (path: string) => {
    const response = await app.request(path);
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const json = async (path: string) => await (await get(path)).json();
  const send = async (topic: string, body: Uint8Array<ArrayBuffer>) => {
    const response = await app.request(`/ingest/v1/${topic}?partitions=3&format=json`, { method: "POST", body });
    expect(response.status).toBe(200);
    await response.body?.cancel();
    while ((await json(`/api/v1/topics/${topic}`)).lagRecords !== 0) await new Promise((r) => setTimeout(r, 20));
  };
  const sent = makeRecords();
  const half = sent.length / 2;
  const bodyOf = (records: readonly Sent[]) => Buffer.from(records.map(({ line }) => `${line}\n`).join(""));
  await send("shop", Uint8Array.from(bodyOf(sent.slice(0, half))));
  const broken = BROKEN.flatMap((record) => [record, Buffer.from("\n")]);
  await send("shop", Uint8Array.from(Buffer.concat([bodyOf(sent.slice(half)), ...broken])));
  await run({ sent, get, json, send });
}

const isError = ({ level, status }: Sent): boolean => level === "ERROR" || status >= 500;
/** The minutes that begin within the last hour, and the running one. */
const inLastHour = ({ atMs }: Sent): boolean =>
  Math.floor(atMs / MINUTE_MS) * MINUTE_MS >= NOW_MS - HOUR_MS && atMs < NOW_MS + MINUTE_MS / 2;

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...groups.get(keyOf(value)) ?? [], value]);
  return groups;
}

/** Points that are not the filling of empty steps, by dimensions and step. */
function pointsOf(answer: Json): Map<string, number> {
  const found = new Map<string, number>();
  for (const { dimensions, points } of answer.series as { dimensions: Json; points: [number, number | null][] }[]) {
    for (const [atMs, value] of points) {
      if (value !== null && value !== 0) found.set([...Object.values(dimensions), atMs].join("|"), value);
    }
  }
  return found;
}

function expectClose(found: ReadonlyMap<string, number>, truth: ReadonlyMap<string, number>, relative: number): void {
  expect([...found.keys()].sort()).toEqual([...truth.keys()].sort());
  for (const [key, value] of truth) {
    const difference = Math.abs((found.get(key) ?? NaN) - value);
    expect({ key, isClose: difference <= relative * Math.abs(value) + 1e-9 }).toEqual({ key, isClose: true });
  }
}

Deno.test("series, summaries, events, quarantine and exports equal a recount of what was sent", async (t) => {
  await withShop(async ({ sent, get, json, send }) => {
    const hour = sent.filter(inLastHour);
    const step = (minutes: number) => ({ atMs }: Sent) => {
      const ms = minutes * MINUTE_MS;
      return Math.floor(atMs / ms) * ms;
    };

    await t.step("counts and errors by minute and dimension", async () => {
      const base = "/api/v1/series?topic=shop&step=1m&by=service,level";
      const keyOf = (one: Sent) => `${one.service}|${one.level}|${step(1)(one)}`;
      const counts = new Map([...groupBy(hour, keyOf)].map(([key, all]) => [key, all.length]));
      const found = pointsOf(await json(`${base}&metric=count&where=level!=UNPARSED`));
      expect(found).toEqual(counts);
      const errors = new Map([...groupBy(hour.filter(isError), keyOf)].map(([key, all]) => [key, all.length]));
      expect(pointsOf(await json(`${base}&metric=errors`))).toEqual(errors);
    });

    await t.step("steps without events are 0 for counts and null for the rest, and none is left out", async () => {
      const range = "from=2026-03-01T05:00:00Z&to=2026-03-01T12:00:00Z&step=5m";
      for (const [metric, empty] of [["count", 0], ["errors", 0], ["p95", null], ["error_rate", null]] as const) {
        const { series } = await json(`/api/v1/series?topic=shop&metric=${metric}&${range}`);
        const [{ points }] = series as { points: [number, number | null][] }[];
        expect(points.map(([atMs]) => atMs))
          .toEqual(Array.from({ length: 84 }, (_, i) => Date.UTC(2026, 2, 1, 5) + i * 5 * MINUTE_MS));
        expect(points[0][1]).toBe(empty);
      }
      const cut = await json("/api/v1/series?topic=shop&metric=count&step=1m&from=now-1h&to=now-0s");
      const [{ points }] = cut.series as { points: [number, number][] }[];
      // 11:00 began before the range: it is no minute of it, and no empty one either.
      expect([points[0][0], points.length]).toEqual([Date.UTC(2026, 2, 1, 11, 1), 60]);
      const nothing = await json("/api/v1/series?topic=shop&metric=count&step=1h&from=2020-01-01&to=2020-01-02");
      expect(nothing.series).toEqual([
        { dimensions: {}, points: Array.from({ length: 24 }, (_, i) => [Date.UTC(2020, 0, 1) + i * HOUR_MS, 0]) },
      ]);
    });

    await t.step("conditions select: equality, inequality, prefix and an escaped |", async () => {
      const total = async (...where: string[]) => {
        const conditions = where.map((one) => `&where=${encodeURIComponent(one)}`).join("");
        const answer = await json(`/api/v1/series?topic=shop&metric=count&step=1d&from=now-7d${conditions}`);
        return [...pointsOf(answer).values()].reduce((sum, value) => sum + value, 0);
      };
      const counted = (isIt: (one: Sent) => boolean) => sent.filter(isIt).length;
      expect(await total()).toBe(RECORDS + BROKEN.length);
      expect(await total("level=ERROR|WARN")).toBe(counted(({ level }) => level === "ERROR" || level === "WARN"));
      expect(await total("level!=INFO", "level!=UNPARSED")).toBe(counted(({ level }) => level !== "INFO"));
      expect(await total("endpoint^=/b", "status=404")).toBe(
        counted(({ path, status }) => path === "/b" && status === 404),
      );
      expect(await total("service==search\\|x")).toBe(counted(({ service }) => service === "=search|x"));
      expect(await total("service=nobody")).toBe(0);
    });

    await t.step("statistics of the response time, with quantiles within 1 %", async () => {
      const groups = groupBy(sent, (one) => `${one.service}|${step(60)(one)}`);
      const ask = async (metric: string) =>
        pointsOf(
          await json(`/api/v1/series?topic=shop&metric=${metric}&step=1h&by=service&from=now-1d&where=level!=UNPARSED`),
        );
      const truth = (of: (sorted: number[]) => number) =>
        new Map([...groups].map(([key, all]) => [key, of(all.map(({ duration }) => duration).sort((a, b) => a - b))]));
      const sum = (all: number[]) => all.reduce((a, b) => a + b, 0);
      const mean = (all: number[]) => sum(all) / all.length;
      expectClose(await ask("sum"), truth(sum), 1e-12);
      expectClose(await ask("avg"), truth(mean), 1e-12);
      expectClose(await ask("min"), truth((all) => all[0]), 0);
      expectClose(await ask("max"), truth((all) => all[all.length - 1]), 0);
      expectClose(
        await ask("stddev"),
        truth((all) => Math.sqrt(sum(all.map((value) => (value - mean(all)) ** 2)) / all.length)),
        1e-9,
      );
      for (const [metric, q] of [["p50", 0.5], ["p90", 0.9], ["p95", 0.95], ["p99", 0.99]] as const) {
        expectClose(await ask(metric), truth((all) => all[Math.floor(q * (all.length - 1))]), 0.0101);
      }
    });

    await t.step("the answer says its unit, step, frontier and how far it is final", async () => {
      const answer = await json("/api/v1/series?topic=shop&metric=p95&from=now-2h");
      expect(answer).toMatchObject({
        topic: "shop",
        metric: "p95",
        measure: "response_time",
        unit: "ms",
        from: "2026-03-01T10:00:30.000Z",
        to: "2026-03-01T12:01:00.000Z",
        step: "1m",
        truncated: false,
      });
      const { partitions } = await json("/api/v1/topics/shop");
      const ends = partitions as { partition: number; end: number }[];
      expect(answer.frontier).toEqual(ends.map(({ partition, end }) => ({ partition, offset: end })));
      expect(ends.reduce((sum, { end }) => sum + end, 0)).toBe(RECORDS + BROKEN.length);
      expect(Date.parse(String(answer.finalUntil))).toBeLessThan(NOW_MS);
    });

    await t.step("the summary", async () => {
      const answer = await json("/api/v1/summary?topic=shop&from=now-1h&target=50");
      const errors = hour.filter(isError).length;
      const { levels, averageResponseTimeByApi, topErrorProneApis } = answer as Record<string, Json[]>;
      expect(answer).toMatchObject({
        sla: {
          target: 50,
          availability: Math.floor((hour.length - errors) / hour.length * 1e6) / 1e4,
          isMet: errors * 2 <= hour.length,
        },
        totals: { errors },
      });
      const truth = [...groupBy(hour, ({ level }) => level)].map(([level, all]) => ({ level, count: all.length }));
      expect(levels.filter(({ level }) => level !== "UNPARSED").map(({ level, count }) => ({ level, count })))
        .toEqual(truth.sort((a, b) => b.count - a.count));
      expect(levels.reduce((sum, { share }) => sum + Number(share), 0)).toBeCloseTo(1, 12);
      const apis = groupBy(hour, ({ service, path }) => `${service} ${path}`);
      const nameOf = ({ service, endpoint }: Json) => `${service} ${endpoint}`;
      const averages = new Map(averageResponseTimeByApi.map((api) => [nameOf(api), Number(api.averageResponseTime)]));
      expectClose(
        averages,
        new Map([...apis].map(([name, all]) => [name, all.reduce((a, b) => a + b.duration, 0) / all.length])),
        1e-12,
      );
      const failing = [...apis].map(([name, all]) => ({ name, errors: all.filter(isError).length }))
        .sort((a, b) => b.errors - a.errors);
      expect(topErrorProneApis.map((api) => ({ name: nameOf(api), errors: api.errors }))[0]).toEqual(failing[0]);
      expect(topErrorProneApis).toHaveLength(Math.min(10, failing.filter(({ errors }) => errors > 0).length));
    });

    await t.step("events page by page are all there, once, newest first, also when more comes in between", async () => {
      const wanted = sent.filter(({ atMs, level }) => level === "ERROR" && atMs >= NOW_MS - HOUR_MS);
      const raws: string[] = [];
      const times: string[] = [];
      let cursor = "";
      for (let pages = 0; cursor !== "null"; pages++) {
        const answer = await json(`/api/v1/events?topic=shop&level=error&limit=150${cursor}`);
        for (const { raw, timestamp } of answer.events as { raw: string; timestamp: string }[]) {
          raws.push(raw);
          times.push(timestamp);
        }
        cursor = answer.nextCursor === null ? "null" : `&cursor=${answer.nextCursor}`;
        const late = { timestamp: new Date(NOW_MS - pages - 1).toISOString(), level: "ERROR", service: "new" };
        if (pages < 2) await send("shop", Uint8Array.from(Buffer.from(JSON.stringify(late))));
      }
      expect(raws.length).toBe(new Set(raws).size);
      expect(raws.sort()).toEqual(wanted.map(({ line }) => line).sort());
      expect(times).toEqual([...times].sort().reverse());
      expect(times[0]).toMatch(/^2026-03-01T1[12]:\d\d:\d\d\.\d{6}Z$/);
    });

    await t.step("events are found by text in any case, and by field", async () => {
      const found = async (
        query: string,
      ) => ((await json(`/api/v1/events?topic=shop&from=now-1d&limit=1000&${query}`)).events as Json[]);
      const [event] = await found(`q=${encodeURIComponent("ORDER 17 OF ZÜRICH")}`);
      expect(event).toMatchObject({
        topic: "shop",
        raw: sent[17].line,
        level: sent[17].level,
        fields: { service: sent[17].service, endpoint: sent[17].path, status: String(sent[17].status) },
        measures: { response_time: sent[17].duration },
      });
      expect(await found("q=no%20such%20text")).toEqual([]);
      const slow = sent.filter(({ path, status }) => path === "/c" && status === 503);
      expect((await found("where=endpoint=/c&where=status=503")).map(({ raw }) => raw).sort())
        .toEqual(slow.map(({ line }) => line).sort());
    });

    await t.step("quarantine keeps what cannot be parsed, byte for byte", async () => {
      const { records } = await json("/api/v1/quarantine?topic=shop");
      const kept = records as { rawBase64: string; raw: string; reason: string }[];
      expect(kept.map(({ rawBase64 }) => rawBase64).sort())
        .toEqual(BROKEN.map((record) => record.toString("base64")).sort());
      expect(kept.map(({ raw }) => raw)).toContain("{\\xff\\xfe\0}");
      const of = async (reason: string) =>
        ((await json(`/api/v1/quarantine?topic=shop&reason=${reason}`)).records as Json[]).length;
      for (const { reason } of kept) {
        expect(await of(reason)).toBe(kept.filter((other) => other.reason === reason).length);
      }
    });

    await t.step("exports of events: CSV, NDJSON and Parquet hold the same rows, safe for spreadsheets", async () => {
      const query = "/api/v1/export?topic=shop&table=events&where=service=cart|pay";
      const truth = sent.filter(({ service }) => service !== "=search|x").map(({ line }) => line).sort();
      const ndjson = await get(`${query}&format=ndjson`);
      expect(ndjson.headers.get("x-millrace-frontier")).toMatch(/^0:\d+,1:\d+,2:\d+$/);
      const lines = (await ndjson.text()).trim().split("\n").map((line) => JSON.parse(line).raw);
      expect(lines.sort()).toEqual(truth);
      const file = await (await get(`${query}&format=parquet`)).arrayBuffer();
      const rows = await parquetReadObjects({
        file,
        compressors: { ZSTD: (input) => Uint8Array.from(zstdDecompressSync(input)) },
      });
      expect(rows.map(({ raw }) => raw).sort()).toEqual(truth);
      expect(rows.map(({ timestamp }) => timestamp)[0]).toBeInstanceOf(Date);
      const csvLines = (await (await get(`${query}&format=csv`)).text()).trim().split("\n");
      expect(csvLines).toHaveLength(1 + truth.length);
      const dangerous = "/api/v1/export?topic=shop&table=minutes&format=csv&where=service^==";
      const csv = await (await get(dangerous)).text();
      expect(csv).toContain("'=search|x");
      expect(csv).not.toMatch(/(^|,)"?=/m);
      expect(await (await get(`${dangerous}&raw=1`)).text()).toMatch(/(^|,)"?=search/m);
    });
  });
});
