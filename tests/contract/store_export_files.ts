/** Readers of exported files that share nothing with the stores: hyparquet, JSON.parse and a parser of RFC 4180. */
import { parquetReadObjects } from "hyparquet";
import { zstdDecompressSync } from "node:zlib";
import type { ExportFormat, ExportQuery, Store } from "../../core/store/ports.ts";
import { EVER, TOPIC } from "./store_fixtures.ts";

/** Null is absent, which is not the empty text. Times are epoch microseconds. */
export type ExportedRow = Readonly<Record<string, string | number | null>>;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Columns that hold numbers, in every table. */
const NUMBERS = /^(partition|offset|count|errors|(response_time|content_size|amount)(_\w+)?)$/;
const TIMES: ReadonlySet<string> = new Set(["timestamp", "record_time", "minute", "hour"]);

/** Events as raw CSV, of all times: a test names what matters to it. */
export function exportQuery(rest: Partial<ExportQuery>): ExportQuery {
  return { topicId: TOPIC, table: "events", format: "csv", range: EVER, where: [], isRaw: true, ...rest };
}

export async function exported(store: Store, query: ExportQuery): Promise<ExportedRow[]> {
  return await rowsOf(await bytesOf((await store.export(query)).stream), query.format);
}

export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

export async function rowsOf(bytes: Uint8Array<ArrayBuffer>, format: ExportFormat): Promise<ExportedRow[]> {
  switch (format) {
    case "csv":
      return csvRows(bytes);
    case "ndjson":
      return decoder.decode(bytes).split("\n").filter((line) => line !== "").map((line) => withTimes(JSON.parse(line)));
    case "parquet":
      return await parquetRows(bytes);
  }
}

async function parquetRows(bytes: Uint8Array<ArrayBuffer>): Promise<ExportedRow[]> {
  const rows = await parquetReadObjects({
    file: bytes.buffer,
    compressors: { ZSTD: (input) => Uint8Array.from(zstdDecompressSync(input)) },
    parsers: {
      timestampFromMicroseconds: (micros: bigint) => Number(micros),
      stringFromBytes: (text: Uint8Array | undefined) => text && decoder.decode(text),
    },
  });
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value ?? null]),
    )
  );
}

function csvRows(bytes: Uint8Array): ExportedRow[] {
  const [header, ...rows] = csvRecords(bytes);
  return rows.map((cells) => {
    if (cells.length !== header.length) throw new Error(`${cells.length} cells under ${header.length} columns`);
    const entries = cells.map((cell, i) => {
      const name = header[i] ?? "";
      return [name, cell !== null && NUMBERS.test(name) ? Number(cell) : cell] as const;
    });
    return withTimes(Object.fromEntries(entries));
  });
}

/** Records of RFC 4180 with \n at their ends, the header first; an empty cell without quotes is null. */
export function csvRecords(bytes: Uint8Array): (string | null)[][] {
  const text = decoder.decode(bytes);
  if (!text.endsWith("\n")) throw new Error("a CSV file ends with a line feed");
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (match === null) throw new Error(`no cell of RFC 4180 at ${at}: ${JSON.stringify(text.slice(at, at + 80))}`);
    const [, quoted, plain, end] = match;
    record.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
    if (end === "\n") {
      records.push(record);
      record = [];
    }
  }
  return records;
}

/** 2026-03-01T10:00:00.000001Z as epoch microseconds. */
function withTimes(row: ExportedRow): ExportedRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (!TIMES.has(name)) return [name, value];
      const [, millis, micros] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})Z$/.exec(String(value)) ?? [];
      return [name, Date.parse(`${millis}Z`) * 1000 + Number(micros)];
    }),
  );
}
