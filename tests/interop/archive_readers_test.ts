/**
 * Other programs read the archive's files to the same counts as a recount of what went into the log. hyparquet always does;
 * Spark where it is asked for, for it is 300 MB to bring: SPARK=1 deno task test tests/interop/archive_readers_test.ts
 */
import { expect } from "expect";
import { parquetReadObjects } from "hyparquet";
import { zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { pythonForTests } from "./python.ts";

const isAsked = Deno.env.get("SPARK") === "1";
if (!isAsked) console.warn("warning: Spark's reading of the archive is LEFT OUT: SPARK=1 runs it (300 MB, once)");
const python = isAsked ? await pythonForTests("spark_requirements.txt") : null;

const TOPIC = "orders";
const RECORDS = 20_000;
const AT_MS = Date.UTC(2026, 2, 1, 22, 30);
const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"];
const WORDS = ["plain", "ZÜRICH ✓ Ελλάδα \u{1F600}", 'a "quote" and \\ slash', "tab\tand\nline"];

const eventCount = z.object({
  date: z.string(),
  hour: z.number(),
  topic: z.string(),
  level: z.string().nullable(),
  service: z.string().nullable(),
  count: z.number(),
  /** Distinct places in the log. */
  offsets: z.number(),
  /** Of whole records. */
  bytes: z.number(),
  /** Sum of the durations, in thousandths. */
  time: z.number().nullable(),
  first: z.number(),
  last: z.number(),
});
const badCount = z.object({ reason: z.string(), count: z.number(), bytes: z.number() });
type Counts = { events: z.infer<typeof eventCount>[]; quarantine: z.infer<typeof badCount>[] };

interface Made {
  readonly raw: Uint8Array;
  /** Or why it is none. */
  readonly event: { readonly ms: number; readonly level: string; readonly service?: string; time?: number } | string;
}

/** Records over four hours of two days: some without a service or a duration, some not UTF-8, some no JSON. */
function makeRecords(): Made[] {
  const random = randomFrom(23);
  const utf8 = new TextEncoder();
  return Array.from({ length: RECORDS }, (_, i): Made => {
    if (i % 50 === 49) return { raw: utf8.encode(`broken ${i} ✓`), event: "invalid_json" };
    const ms = AT_MS + Math.floor(random() * 4 * 3_600_000 - 3_600_000);
    const level = LEVELS[Math.floor(random() * LEVELS.length)];
    const service = random() < 0.1 ? undefined : `s${Math.floor(random() * 3)}`;
    const time = random() < 0.2 ? undefined : Math.floor(random() * 5_000_000);
    const fields = {
      timestamp: new Date(ms).toISOString(),
      level,
      service,
      duration_ms: time === undefined ? undefined : time / 1000,
      message: `${WORDS[i % WORDS.length]} ${i}`,
    };
    const raw = utf8.encode(JSON.stringify(fields));
    if (i % 100 === 0) {
      raw[raw.length - 3] = 0xff; // the end of the message
      return { raw, event: "invalid_utf8" };
    }
    return { raw, event: { ms, level, service, time } };
  });
}

function recountOf(made: readonly Made[]): Counts {
  const events = new Map<string, z.infer<typeof eventCount>>();
  const bad = new Map<string, z.infer<typeof badCount>>();
  for (const { raw, event } of made) {
    if (typeof event === "string") {
      const { count, bytes } = bad.get(event) ?? { count: 0, bytes: 0 };
      bad.set(event, { reason: event, count: count + 1, bytes: bytes + raw.length });
      continue;
    }
    const { ms, level, service = null, time } = event;
    const [date, clock] = new Date(ms).toISOString().split("T");
    const hour = Number(clock.slice(0, 2));
    const key = JSON.stringify([date, hour, level, service]);
    const nothing = { count: 0, offsets: 0, bytes: 0, time: null, first: ms, last: ms };
    const sum = events.get(key) ?? { date, hour, topic: TOPIC, level, service, ...nothing };
    sum.count++;
    sum.offsets++;
    sum.bytes += raw.length;
    if (time !== undefined) sum.time = (sum.time ?? 0) + time;
    sum.first = Math.min(sum.first, ms);
    sum.last = Math.max(sum.last, ms);
    events.set(key, sum);
  }
  return { events: [...events.values()], quarantine: [...bad.values()] };
}

const inOrder = ({ events, quarantine }: Counts): Counts => {
  const keyOf = ({ date, hour, level, service }: z.infer<typeof eventCount>) => `${date} ${hour} ${level} ${service}`;
  return {
    events: events.toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1),
    quarantine: quarantine.toSorted((a, b) => a.reason < b.reason ? -1 : 1),
  };
};

/** The records in an archive of their own, put there by an engine. */
async function archiveOf(made: readonly Made[], directory: string): Promise<string> {
  const log = await openEmbeddedLog({ dataDirectory: directory, settings: configSchema.parse({}).log });
  const topic = await log.createTopic(TOPIC, { partitions: 2, format: "json" });
  const writer = new TopicWriter(log, topic, { batchBytes: 64 * 1024 });
  for (const { raw } of made) await writer.write(raw, AT_MS + 4 * 3_600_000);
  await writer.flush();
  await log.close();
  const engine = await startProgram("engine", ["--until-end", "--data", directory], {
    MILLRACE_ENGINE_EVENTS: "archive",
    MILLRACE_ARCHIVE_SEGMENT_BYTES: "1048576", // several files of an hour
  });
  const { code, stderr } = await engine.ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return `${directory}/archive`;
}

const rowOf = z.looseObject({
  part: z.number(),
  offset: z.bigint(),
  ts: z.date().optional(),
  level: z.string().nullish(),
  service: z.string().nullish(),
  reason: z.string().nullish(),
  response_time: z.bigint().nullish(),
  raw: z.union([z.string(), z.instanceof(Uint8Array)]),
  raw_bytes: z.instanceof(Uint8Array).nullish(),
});

async function* rowsBelow(folder: string): AsyncGenerator<{ path: string; row: z.infer<typeof rowOf> }> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* rowsBelow(path);
    else {
      const rows = await parquetReadObjects({
        file: (await Deno.readFile(path)).slice().buffer,
        utf8: false, // bytes that are no text stay bytes
        compressors: { ZSTD: (input: Uint8Array) => Uint8Array.from(zstdDecompressSync(input)) },
      });
      for (const row of rows) yield { path, row: rowOf.parse(row) };
    }
  }
}

/** Counts with hyparquet; dates and hours are those of the folders. */
async function countWithHyparquet(folder: string): Promise<Counts> {
  const events = new Map<string, z.infer<typeof eventCount> & { readonly places: Set<string> }>();
  const utf8 = new TextEncoder();
  const lengthOf = (raw: string | Uint8Array) => (typeof raw === "string" ? utf8.encode(raw) : raw).length;
  for await (const { path, row } of rowsBelow(`${folder}/events`)) {
    const [, topic, date, hour] = /topic=([^/]+)\/date=([^/]+)\/hour=(\d+)/.exec(path) ?? [];
    const { level = null, service = null } = row;
    const key = JSON.stringify([date, hour, level, service]);
    const ms = row.ts?.getTime() ?? NaN;
    const nothing = { count: 0, offsets: 0, bytes: 0, time: null, first: ms, last: ms, places: new Set<string>() };
    const sum = events.get(key) ?? { date, hour: Number(hour), topic, level, service, ...nothing };
    sum.count++;
    sum.places.add(`${row.part}/${row.offset}`);
    sum.bytes += lengthOf(row.raw_bytes ?? row.raw);
    if (typeof row.response_time === "bigint") sum.time = (sum.time ?? 0) + Number(row.response_time);
    sum.first = Math.min(sum.first, ms);
    sum.last = Math.max(sum.last, ms);
    events.set(key, sum);
  }
  const reasons = new Map<string, z.infer<typeof badCount>>();
  for await (const { row } of rowsBelow(`${folder}/quarantine`)) {
    const reason = row.reason ?? "";
    const sum = reasons.get(reason) ?? { reason, count: 0, bytes: 0 };
    reasons.set(reason, { reason, count: sum.count + 1, bytes: sum.bytes + lengthOf(row.raw) });
  }
  return {
    events: [...events.values()].map(({ places, ...sum }) => ({ ...sum, offsets: places.size })),
    quarantine: [...reasons.values()],
  };
}

function readerTest(reader: string, count: (folder: string) => Promise<Counts>, isLeftOut = false): void {
  if (!canRunPrograms || isLeftOut) return;
  Deno.test(`${reader} reads the archive's files to the counts of a recount`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-archive-readers-" });
    try {
      const made = makeRecords();
      const counts = inOrder(await count(await archiveOf(made, directory)));
      expect(counts).toEqual(inOrder(recountOf(made)));
      expect(counts.events.length).toBeGreaterThan(60);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

readerTest("hyparquet", countWithHyparquet);
readerTest("Spark", async (folder) => {
  const lines = (await python?.run("spark_archive.py", [folder]) ?? "").trimEnd().split("\n");
  const rows = lines.map((line) => JSON.parse(line));
  const isBad = (row: unknown) => badCount.safeParse(row).success;
  return {
    events: rows.filter((row) => !isBad(row)).map((row) => eventCount.parse(row)),
    quarantine: rows.filter(isBad).map((row) => badCount.parse(row)),
  };
}, python === null);
