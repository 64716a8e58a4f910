/** Exports of every store, read back by other programs, against what was stored. */
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import { type Dimension, DIMENSIONS, MEASURES, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { EXPORT_FORMATS, EXPORT_TABLES, type ExportQuery, type Store } from "../../core/store/ports.ts";
import { bytesOf, csvRecords, exported, type ExportedRow, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  eventOf,
  EVER,
  flushOf,
  HOUR_MS,
  promise,
  START_MS,
  type TestEvent,
  type TestQuarantine,
} from "./store_fixtures.ts";
import { SCALE } from "./store_recount.ts";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text that a file format or a spreadsheet could take for something else. */
const TEXTS = [
  "plain",
  "",
  "NULL",
  "null",
  '"',
  'a "quoted" word',
  "a,b;c",
  "line\nbreak",
  "carriage\r\nreturn",
  "\r",
  "tab\t",
  "nul\0inside",
  "\uFEFFmarked",
  "\u{1F600} Zürich",
  "back\\slash\\n\\xff",
  "{}",
  " spaces ",
  "0017",
  "1e5",
  "2026-03-01",
  "true",
  "x".repeat(100_000),
];
const FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", '=HYPERLINK("x","y")', "=", "-"];
const BYTES = [
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
  Uint8Array.from([0x61, 0xff, 0xfe, 0x22, 0x2c, 0x0a, 0x62]),
  Uint8Array.of(0x3d, 0xc3),
];

function makeEvents(): TestEvent[] {
  const texts = [...TEXTS, ...FORMULAS];
  const events = texts.map((text, i) =>
    eventOf(i, 0, {
      micros: START_MS * 1000 + i * 1_000_003 - 17,
      fields: {
        message: text,
        service: text,
        level: i % 2 === 0 ? "INFO" : "ERROR",
        ...(i % 3 === 0 && { user: text }),
      },
      measures: {
        response_time: i * 7 - 20,
        ...(i % 2 === 0 && { content_size: 2 ** 53 - 1 - i, amount: i * 123_456_789 }),
      },
      raw: encoder.encode(text),
    })
  );
  const broken = BYTES.map((raw, i) => eventOf(texts.length + i, HOUR_MS, { fields: { service: "broken" }, raw }));
  const far = [EVER.fromMs * 1000, -1, EVER.toMs * 1000 - 1].map((micros, i) =>
    eventOf(1000 + i, 0, { micros, fields: { service: "far" } })
  );
  return [...events, ...broken, ...far];
}

const numbers = (values: readonly number[]) => [...values].sort((a, b) => a - b);

function expectedEvent(event: TestEvent, partition: number): ExportedRow {
  const { fields, measures, raw } = event;
  return {
    timestamp: event.micros,
    partition,
    offset: event.offset,
    ...Object.fromEntries(TEXT_FIELDS.map((name) => [name, fields[name] ?? null])),
    ...Object.fromEntries(
      MEASURES.map(({ name }) => [name, measures[name] === undefined ? null : measures[name] / SCALE[name]]),
    ),
    raw: textOf(raw) ?? "not UTF-8",
    raw_base64: textOf(raw) === null ? base64Of(raw) : null,
  };
}

function textOf(raw: Uint8Array): string | null {
  try {
    return strict.decode(raw);
  } catch {
    return null;
  }
}

const base64Of = (raw: Uint8Array) => btoa(String.fromCharCode(...raw));

for (const format of EXPORT_FORMATS) {
  promise(`events as ${format} are what was stored, in order of time`, async (store) => {
    const events = makeEvents();
    await store.flush(flushOf({ events, at: 2000 }));
    await store.flush(flushOf({ partition: 3, events, at: 2000 }));
    await store.flush(flushOf({ topicId: "other", events: [eventOf(0, 0)] }));
    const truth = [0, 3].flatMap((partition) => events.map((event) => expectedEvent(event, partition)))
      .sort((a, b) =>
        Number(a.timestamp) - Number(b.timestamp) || Number(a.partition) - Number(b.partition) ||
        Number(a.offset) - Number(b.offset)
      );
    const rows = await exported(store, exportQuery({ format }));
    expect(rows.map((row) => row.raw_base64 === null ? row : { ...row, raw: "not UTF-8" })).toEqual(truth);
    // Bytes that are no text are seen as such.
    const shown = new Set(rows.filter((row) => row.raw_base64 !== null).map(({ raw }) => raw));
    expect(shown).toContain('a\\xff\\xfe",\nb');
    expect(shown).toContain("=\\xc3");
  });

  promise(`quarantine as ${format} has every byte, in order of time`, async (store) => {
    const raws = [
      ...BYTES,
      ...TEXTS.map((text) => encoder.encode(text)),
      ...FORMULAS.map((text) => encoder.encode(text)),
    ];
    const records = raws.map((raw, i): TestQuarantine => ({
      offset: i,
      recordTimeMs: START_MS + (i * 37) % 11,
      reason: i % 2 === 0 ? "no_match" : "too_large",
      raw,
    }));
    await store.flush(flushOf({ quarantine: records, at: 100 }));
    await store.flush(flushOf({ topicId: "other", quarantine: records.slice(0, 2) }));
    const rows = await exported(store, exportQuery({ table: "quarantine", format }));
    const truth = records.map(({ offset, recordTimeMs, reason, raw }) => ({
      record_time: recordTimeMs * 1000,
      partition: 0,
      offset,
      reason,
      raw_base64: base64Of(raw),
    })).sort((a, b) => a.record_time - b.record_time || a.offset - b.offset);
    expect(rows.map(({ raw: _, ...row }) => row)).toEqual(truth);
    for (const { offset, raw } of rows) {
      const text = textOf(raws[Number(offset)]);
      if (text !== null) expect([offset, raw]).toEqual([offset, text]);
    }
  });
}

promise("a database that knows nothing of us reads the same rows from all formats", async (store) => {
  const events = makeEvents();
  await store.flush(flushOf({ events, at: 2000 }));
  const readers = {
    csv: "read_csv(%, all_varchar = true, allow_quoted_nulls = false)",
    parquet: "%",
    ndjson: "read_json(%, format = 'nd')",
  };
  const directory = await Deno.makeTempDir();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    for (const format of EXPORT_FORMATS) {
      const path = `${directory}/events.${format}`;
      await Deno.writeFile(path, await bytesOf((await store.export(exportQuery({ format }))).stream));
      const rows = (await connection.runAndReadAll(
        `SELECT "offset"::BIGINT AS id, service, amount::DOUBLE AS amount, encode(raw) AS raw, raw_base64
         FROM ${readers[format].replace("%", `'${path}'`)} ORDER BY id`,
      )).getRowObjectsJS();
      expect(rows.map(({ id, service, amount, raw, raw_base64 }) => ({
        id: Number(id),
        service: typeof service === "string" ? service.replace(/^\uFEFF/, "") : service,
        amount,
        raw: raw_base64 === null && raw instanceof Uint8Array ? base64Of(raw) : raw_base64,
      }))).toEqual(
        events.map(({ offset, fields, measures, raw }) => ({
          id: offset,
          service: (fields.service ?? null)?.replace(/^\uFEFF/, "") ?? null,
          amount: measures.amount === undefined ? null : measures.amount / SCALE.amount,
          raw: base64Of(raw),
        })),
      );
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(directory, { recursive: true });
  }
});

// ---------------------------------------------------------------- all tables

async function storeSome(store: Store): Promise<void> {
  const fields = { service: "=1", message: "-2", user: "ok", host: "\t3" };
  await store.flush(flushOf({
    cells: [cellOf(0, "=1", 2, { values: { amount: [-10_000, 5] } }), cellOf(90, "ok", 1)],
    events: [eventOf(0, 0, { fields, measures: { amount: -15_000 }, raw: encoder.encode("+4") })],
    quarantine: [{ offset: 1, recordTimeMs: START_MS, reason: "@5", raw: encoder.encode("\r6") }],
  }));
}

promise(
  "CSV is safe for spreadsheets unless asked for raw; numbers stay numbers, other formats stay as they are",
  async (store) => {
    await storeSome(store);
    const found = async (rest: Partial<ExportQuery>) =>
      (await exported(store, exportQuery({ isRaw: false, ...rest })))[0];
    expect(await found({})).toMatchObject({
      ...{ service: "'=1", message: "'-2", user: "ok", host: "'\t3", raw: "'+4", amount: -1.5 },
    });
    expect(await found({ table: "quarantine" })).toMatchObject({ reason: "'@5", raw: "'\r6" });
    for (const table of ["minutes", "hours"] as const) {
      expect(await found({ table })).toMatchObject({ service: "'=1", level: "INFO", amount_min: -1 });
      expect(await found({ table, isRaw: true })).toMatchObject({ service: "=1" });
    }
    for (const rest of [{ isRaw: true }, { format: "parquet" }, { format: "ndjson" }] as const) {
      expect(await found(rest)).toMatchObject({ service: "=1", message: "-2", host: "\t3", raw: "+4", amount: -1.5 });
      expect(await found({ table: "quarantine", ...rest })).toMatchObject({ reason: "@5", raw: "\r6" });
    }
  },
);

promise("no cell of text begins like a formula, in any column, whatever was logged", async (store) => {
  const events = FORMULAS.map((text, i) =>
    eventOf(i, i, { fields: Object.fromEntries(TEXT_FIELDS.map((name) => [name, text])), raw: encoder.encode(text) })
  );
  const quarantine = FORMULAS.map((text, i) => ({
    offset: 100 + i,
    recordTimeMs: START_MS,
    reason: text,
    raw: encoder.encode(text),
  }));
  const cells = FORMULAS.map((text, i) =>
    cellOf(i, "", 1, { dimensions: Object.fromEntries(DIMENSIONS.map((name) => [name, text])) })
  );
  await store.flush(flushOf({ events, quarantine, cells, at: 1000 }));
  for (const table of EXPORT_TABLES) {
    const bytes = await bytesOf((await store.export(exportQuery({ table, isRaw: false }))).stream);
    const [header, ...records] = csvRecords(bytes);
    expect(records).toHaveLength(FORMULAS.length);
    const isText = (i: number) =>
      !/^(partition|offset|count|errors|raw_base64|(response_time|content_size|amount).*)$/
        .test(header[i] ?? "");
    const risky = records.flat().filter((cell, i) => isText(i % header.length) && /^[=+\-@\t\r\0]/.test(cell ?? ""));
    expect({ table, risky }).toEqual({ table, risky: [] });
    const unguarded = await exported(store, exportQuery({ table, isRaw: true }));
    const column = table === "quarantine" ? "reason" : "service";
    expect(unguarded.map((row) => row[column]).sort()).toEqual([...FORMULAS].sort());
  }
});

promise("an export of nothing is a valid file with its columns", async (store) => {
  await storeSome(store);
  for (const table of EXPORT_TABLES) {
    const full = await bytesOf((await store.export(exportQuery({ table }))).stream);
    const range = { fromMs: 0, toMs: 1 };
    const csv = await bytesOf((await store.export(exportQuery({ table, range }))).stream);
    expect(csvRecords(csv)).toEqual(csvRecords(full).slice(0, 1));
    for (const rest of [{ range }, { topicId: "unknown" }, { range: { fromMs: 5, toMs: 5 } }]) {
      for (const format of EXPORT_FORMATS) {
        expect({ table, format, rows: await exported(store, exportQuery({ table, format, ...rest })) })
          .toEqual({ table, format, rows: [] });
      }
    }
  }
});

promise("a condition on a field that a table does not have is refused", async (store) => {
  await storeSome(store);
  const where = (field: Dimension | "message") => [{ field, op: "in", values: ["x"] }] as const;
  await expect(store.export(exportQuery({ table: "minutes", where: where("message") }))).rejects.toThrow("message");
  await expect(store.export(exportQuery({ table: "hours", where: where("message") }))).rejects.toThrow("message");
  await expect(store.export(exportQuery({ table: "quarantine", where: where("service") }))).rejects.toThrow("service");
});

promise("events are chosen by any text field", async (store) => {
  const events = makeEvents();
  await store.flush(flushOf({ events, at: 2000 }));
  const where = [
    { field: "message", op: "not_in", values: ["plain", ""] },
    { field: "user", op: "in", values: [""] },
    { field: "level", op: "prefix", values: ["ERR"] },
  ] as const;
  const chosen = events.filter(({ fields }) =>
    fields.message !== "plain" && (fields.message ?? "") !== "" && (fields.user ?? "") === "" &&
    (fields.level ?? "").startsWith("ERR")
  );
  expect(chosen.length).toBeGreaterThan(3);
  const rows = await exported(store, exportQuery({ format: "ndjson", where }));
  expect(numbers(rows.map(({ offset }) => Number(offset)))).toEqual(numbers(chosen.map(({ offset }) => offset)));
});
