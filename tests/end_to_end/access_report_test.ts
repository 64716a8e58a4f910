/**
 * What an analyst does: produce a file, start `dev`, ask for the report and the exports. Everything must equal a count
 * of the file that this test makes on its own. Larger real logs are read where a folder `shared/data` lies beside the
 * project; they are no part of it.
 */
import { expect } from "expect";
import { DuckDBInstance } from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import { zstdDecompressSync } from "node:zlib";
import { startDev } from "../faults/dev_process.ts";
import { startProgram } from "../program_process.ts";

const root = new URL("../../", import.meta.url);
const fixture = new URL("./fixtures/access.log", import.meta.url);
const real = new URL("../shared/data/access-combined-5k.log", root);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LINE =
  /^(\S+) (\S+) (\S+) \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "(.*)" (\d{3}) (\d+|-)(?: "([^"]*)" "([^"]*)")?$/;

interface Line {
  readonly atMs: number;
  readonly fields: Readonly<Record<string, string | null>>;
}

/** One line by a regular expression; null for what is none. */
function parseLine(text: string): Line | null {
  const match = LINE.exec(text);
  if (match === null) return null;
  const [, host, ident, user, day, month, year, hour, minute, second, sign, zoneHours, zoneMinutes] = match;
  const [request, status, size, referrer, userAgent] = match.slice(13);
  const local = Date.UTC(
    Number(year),
    MONTHS.indexOf(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const shift = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === "-" ? 1 : -1);
  const parts = /^([A-Za-z]+) (.*?)(?: (HTTP\/\d\.\d))?$/.exec(request);
  const given = (value: string | undefined) => value === undefined || value === "-" || value === "" ? null : value;
  return {
    atMs: local + shift,
    fields: {
      host,
      ident: given(ident),
      user: given(user),
      method: parts?.[1] ?? null,
      endpoint: parts?.[2] ?? null,
      protocol: parts?.[3] ?? null,
      status,
      content_size: given(size),
      referrer: given(referrer),
      user_agent: given(userAgent),
    },
  };
}

function countBy<K extends string>(
  name: K,
  values: readonly (string | null)[],
): (Record<K, string> & { count: number })[] {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([value, count]) => ({ [name]: value, count } as Record<K, string> & { count: number }));
}

/** The report of a file, counted here. */
function reportOf(texts: readonly string[], lines: readonly Line[]) {
  const column = (name: string) => lines.map(({ fields }) => fields[name]);
  const sizes = column("content_size").filter((size) => size !== null).map(Number);
  const mean = sizes.reduce((a, b) => a + b, 0) / sizes.length;
  const missing = (name: string) => column(name).filter((value) => value === null).length;
  const notFound = lines.filter(({ fields }) => fields.status === "404");
  const days = [...Map.groupBy(lines, ({ atMs }) => new Date(atMs).toISOString().slice(0, 10))];
  const hours = Map.groupBy(lines, ({ atMs }) => new Date(atMs).getUTCHours());
  const having = (some: readonly Line[], first: string) =>
    some.filter(({ fields }) => fields.status?.startsWith(first)).length;
  const digits = Math.max(...sizes.map((size) => size === 0 ? 0 : String(size).length));
  const byEndpoint = countBy("endpoint", column("endpoint"));
  const byHost = countBy("host", column("host"));
  const columns = ["host", "ident", "user", "method", "endpoint", "protocol", "status", "content_size"];
  return {
    lines: texts.length,
    unparsed: texts.length - lines.length,
    missing: Object.fromEntries([...columns, "referrer", "user_agent"].map((name) => [name, missing(name)])),
    contentSize: {
      count: sizes.length,
      min: Math.min(...sizes),
      max: Math.max(...sizes),
      mean,
      stddev: Math.sqrt(sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length),
      histogram: Array.from({ length: digits + 1 }, (_, n) => n === 0 ? [0, 1] : [10 ** (n - 1), 10 ** n])
        .map(([from, to]) => ({ from, to, count: sizes.filter((size) => size >= from && size < to).length })),
    },
    notFound: {
      count: notFound.length,
      top: countBy("endpoint", notFound.map(({ fields }) => fields.endpoint)),
      byHost: countBy("host", notFound.map(({ fields }) => fields.host)),
    },
    byStatus: countBy("status", column("status")).map(({ status, count }) => ({ status: Number(status), count })),
    byHost,
    byEndpoint,
    byDay: days.toSorted(([a], [b]) => a < b ? -1 : 1).map(([day, some]) => ({
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
    hosts: byHost.length,
    endpoints: byEndpoint.length,
  };
}

const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

async function runProduce(data: string, file: URL): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=produce", "--no-check", "cli.ts", "produce", "--file", file.pathname, "--topic", "access"]
      .concat("--data", data),
    cwd: root,
    env: { NO_COLOR: "1", KAFKA_BROKERS: "", CASSANDRA_CONTACT_POINTS: "" },
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

/** Numbers that may differ in their last bits are taken out and compared on their own. */
function expectClose(found: number, wanted: number): void {
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 1e-9);
}

async function checkFile(file: URL): Promise<void> {
  const text = new TextDecoder("latin1").decode(await Deno.readFile(file));
  const texts = text.split("\n").filter((line) => line !== "");
  const lines = texts.map(parseLine).filter((line) => line !== null);
  const data = await Deno.makeTempDir({ prefix: "millrace-access-" });
  await runProduce(data, file);
  const dev = await startDev({ data, flags: ["--no-generator"] });
  try {
    const get = async (path: string) => {
      const response = await fetch(dev.url + path);
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response;
    };
    while ((await (await get("/api/v1/topics/access")).json()).totals.consumed < texts.length) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const report = await (await get("/api/v1/reports/access?topic=access&limit=100000")).json();
    const truth = reportOf(texts, lines);
    for (const name of ["mean", "stddev"] as const) {
      expectClose(report.contentSize[name], truth.contentSize[name]);
      report.contentSize[name] = truth.contentSize[name];
    }
    expect(report).toEqual(truth);
    await checkMinutes(data, get, lines, texts.length - lines.length);
    await checkEvents(data, get, lines);
    await checkReportFiles(data, truth);
  } finally {
    dev.kill("SIGTERM");
    await dev.ended;
    await checkReportFiles(data, reportOf(texts, lines)); // of the data itself, where no gateway runs
    await Deno.remove(data, { recursive: true });
  }
}

/** What `report access` writes: the same figures, as DuckDB reads them from CSV and Parquet, and a page of them. */
async function checkReportFiles(data: string, truth: ReturnType<typeof reportOf>): Promise<void> {
  const out = `${data}/report`;
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const report = await startProgram("report", [
    "access",
    "--topic",
    "access",
    "--out",
    out,
    "--data",
    data,
    "--limit",
    "100000",
  ]);
  const { code, stdout, stderr } = await report.ended;
  expect({ code, stdout, stderr }).toMatchObject({ code: 0, stderr: "" });
  expect(stdout).toContain(`${out}/report.html and 18 more files`);
  const wanted: Readonly<Record<string, readonly (readonly (string | number)[])[]>> = {
    days: truth.byDay.map(({ day, count, hosts, notFound }) => [day, count, hosts, notFound]),
    hours: truth.byHour.map(({ hour, ...of }) => [
      `${String(hour).padStart(2, "0")}:00`,
      of.count,
      of.notFound,
      of.clientErrors,
      of.serverErrors,
    ]),
    statuses: truth.byStatus.map(({ status, count }) => [String(status), count]),
    hosts: truth.byHost.map(({ host, count }) => [host, count]),
    endpoints: truth.byEndpoint.map(({ endpoint, count }) => [endpoint, count]),
    "not-found-endpoints": truth.notFound.top.map(({ endpoint, count }) => [endpoint, count]),
    "not-found-hosts": truth.notFound.byHost.map(({ host, count }) => [host, count]),
    missing: Object.entries(truth.missing),
  };
  for (const [name, rows] of Object.entries(wanted)) {
    const csv = await duckdbRows(`FROM read_csv('${out}/${name}.csv', header = true, all_varchar = true)`);
    const parquet = await duckdbRows(`FROM read_parquet('${out}/${name}.parquet')`);
    const guarded = (value: string | number) => /^[=+@-]/.test(String(value)) ? `'${value}` : String(value);
    expect(csv.map((row) => Object.values(row))).toEqual(rows.map((row) => row.map(guarded)));
    expect(parquet.map((row) => Object.values(row).map((value) => typeof value === "bigint" ? Number(value) : value)))
      .toEqual(rows);
  }
  const html = await Deno.readTextFile(`${out}/report.html`);
  expect(html).toMatch(/^<!DOCTYPE html>/);
  expect(html).not.toMatch(/<script|<link|https?:\/\/(?!www\.w3\.org)[^<>]*(src|href)|@import|url\(/);
  expect(html.match(/<section /g)).toHaveLength(9);
  expect(html).toContain(`<dd>${truth.lines.toLocaleString("en")}</dd>`);
}

type Get = (path: string) => Promise<Response>;

/** Rows of a file as DuckDB reads them. */
async function duckdbRows(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

async function download(get: Get, path: string, to: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(await (await get(path)).arrayBuffer());
  await Deno.writeFile(to, bytes);
  return bytes;
}

/** Count and bytes per minute and status. */
async function checkMinutes(data: string, get: Get, lines: readonly Line[], unparsed: number): Promise<void> {
  const truth = new Map<string, [number, number]>();
  for (const { atMs, fields } of lines) {
    const key = `${new Date(Math.floor(atMs / 60_000) * 60_000).toISOString().slice(0, 16)}|${fields.status}`;
    const [count, size] = truth.get(key) ?? [0, 0];
    truth.set(key, [count + 1, size + Number(fields.content_size ?? 0)]);
  }
  const check = (rows: readonly { key: string; count: number; size: number; level: string }[]) => {
    const found = new Map<string, [number, number]>();
    for (const { key, count, size, level } of rows) {
      if (level === "UNPARSED") continue;
      const [before, sizeBefore] = found.get(key) ?? [0, 0];
      found.set(key, [before + count, sizeBefore + size]);
    }
    expect(found).toEqual(truth);
    expect(rows.filter(({ level }) => level === "UNPARSED").reduce((sum, { count }) => sum + count, 0)).toBe(unparsed);
  };
  const select = (source: string, minute: string) =>
    `SELECT left(${minute}, 16) || '|' || coalesce(status::VARCHAR, '') AS key, count::DOUBLE AS count,
       coalesce(content_size_sum::DOUBLE, 0) AS size, level FROM ${source}`;
  const csv = `${data}/minutes.csv`;
  await download(get, "/api/v1/export?table=minutes&format=csv&topic=access", csv);
  check(asMinutes(await duckdbRows(select(`read_csv('${csv}', all_varchar = true)`, "minute"))));
  const parquet = `${data}/minutes.parquet`;
  const bytes = await download(get, "/api/v1/export?table=minutes&format=parquet&topic=access", parquet);
  check(asMinutes(await duckdbRows(select(`'${parquet}'`, "strftime(minute, '%Y-%m-%dT%H:%M')"))));
  const rows = await parquetReadObjects({ file: bytes.slice().buffer, compressors });
  check(asMinutes(rows.map((row) => ({
    key: `${(row.minute as Date).toISOString().slice(0, 16)}|${row.status}`,
    count: Number(row.count),
    size: Number(row.content_size_sum ?? 0),
    level: row.level,
  }))));
}

const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) };

function asMinutes(rows: readonly Record<string, unknown>[]) {
  return rows.map((row) => ({
    key: String(row.key),
    count: Number(row.count),
    size: Number(row.size),
    level: String(row.level),
  }));
}

/** Every event once, with its fields, in both formats. */
async function checkEvents(data: string, get: Get, lines: readonly Line[]): Promise<void> {
  const shown = (fields: Readonly<Record<string, unknown>>) =>
    ["host", "endpoint", "status", "content_size"].map((name) => String(fields[name] ?? "")).join("|");
  const truth = lines.map(({ fields }) => shown(fields)).sort();
  const csv = `${data}/events.csv`;
  await download(get, "/api/v1/export?table=events&format=csv&topic=access&raw=1", csv);
  const rows = await duckdbRows(
    `SELECT host, endpoint, status, content_size::DOUBLE AS content_size FROM read_csv('${csv}', all_varchar = true)`,
  );
  expect(rows.map(shown).sort()).toEqual(truth);
  const parquet = await download(
    get,
    "/api/v1/export?table=events&format=parquet&topic=access",
    `${data}/events.parquet`,
  );
  const objects = await parquetReadObjects({ file: parquet.slice().buffer, compressors });
  expect(objects.map(shown).sort()).toEqual(truth);
}

Deno.test({
  name: "the access report and the exports equal a count of our own fixture",
  ignore: !canRun,
  fn: () => checkFile(fixture),
});

const hasReal = await Deno.stat(real).then(() => true, () => false);
if (!hasReal) console.log("left out: the access report of shared/data/access-combined-5k.log, which is not here");
Deno.test({
  name: "the access report and the exports equal a count of a real access log of 5 000 lines",
  ignore: !canRun || !hasReal,
  fn: () => checkFile(real),
});
