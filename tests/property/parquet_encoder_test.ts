/** The Parquet that flushes are staged and records are kept in, read back by hyparquet and by DuckDB. */
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import fc from "fast-check";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { zstdDecompressSync } from "node:zlib";
import { type ParquetColumn, RowGroupEncoder } from "../../core/parquet/encoder.ts";
import { fileParts } from "../../core/parquet/file.ts";

interface Row {
  readonly i: number;
  readonly d: number;
  readonly n: number | null;
  readonly w: number;
  readonly o: number | null;
  readonly ts: number;
  readonly k: string;
  readonly t: string | null;
  readonly b: Uint8Array | null;
}

const row = fc.record<Row>({
  i: fc.integer(),
  d: fc.double({ noNaN: true }),
  n: fc.option(fc.double({ noNaN: true })),
  w: fc.maxSafeInteger(),
  o: fc.option(fc.maxSafeInteger()),
  ts: fc.maxSafeInteger(),
  k: fc.string({ unit: "grapheme", maxLength: 4 }),
  t: fc.option(fc.string({ unit: "binary", maxLength: 60 }).filter((text) => text.isWellFormed())),
  b: fc.option(fc.uint8Array({ maxLength: 60 })),
});

/** Text that begins with a byte order mark keeps it. */
const MARKED: Row = { i: 0, d: 0, n: null, w: 0, o: null, ts: 0, k: "\uFEFF", t: "\uFEFFmarked", b: null };

const utf8 = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The rows as columns; `isPlain` leaves out what a column may leave out where its rows allow. */
function columnsOf(rows: readonly Row[], isPlain: boolean): ParquetColumn[] {
  const dictionary = [...new Set(rows.map(({ k }) => k))];
  const isConstant = isPlain && dictionary.length === 1;
  return [
    { name: "i", kind: "int32", values: Int32Array.from(rows, ({ i }) => i) },
    { name: "d", kind: "double", values: Float64Array.from(rows, ({ d }) => d) },
    {
      name: "n",
      kind: "nullable double",
      values: isPlain && rows.every(({ n }) => n === null) ? null : Float64Array.from(rows, ({ n }) => n ?? NaN),
    },
    { name: "c", kind: "constant", value: -7 },
    { name: "w", kind: "int64", values: Float64Array.from(rows, ({ w }) => w) },
    {
      name: "o",
      kind: "nullable int64",
      values: isPlain && rows.every(({ o }) => o === null) ? null : Float64Array.from(rows, ({ o }) => o ?? NaN),
    },
    { name: "ts", kind: "timestamp", values: Float64Array.from(rows, ({ ts }) => ts) },
    {
      name: "k",
      kind: "dictionary",
      dictionary,
      ids: isConstant ? null : Uint32Array.from(rows, ({ k }) => dictionary.indexOf(k)),
    },
    { name: "t", kind: "spans", isText: true, spans: spansOf(rows.map(({ t }) => t === null ? null : utf8.encode(t))) },
    {
      name: "b",
      kind: "spans",
      isText: false,
      spans: isPlain && rows.every(({ b }) => b === null) ? null : spansOf(rows.map(({ b }) => b)),
    },
  ];
}

/** The values one after the other, in reverse order: spans need not ascend. */
function spansOf(values: readonly (Uint8Array | null)[]) {
  const bytes = new Uint8Array(values.reduce((sum, value) => sum + (value?.length ?? 0), 0));
  const starts = new Int32Array(values.length).fill(-1);
  const ends = new Int32Array(values.length);
  let at = 0;
  for (let row = values.length - 1; row >= 0; row--) {
    const value = values[row];
    if (value === null) continue;
    bytes.set(value, at);
    starts[row] = at;
    ends[row] = at += value.length;
  }
  return { bytes, starts, ends };
}

function encode(encoder: RowGroupEncoder, groups: readonly (readonly Row[])[]): Uint8Array {
  const encoded = groups.map((rows, i) => encoder.encode(rows.length, columnsOf(rows, i % 2 === 0)));
  return concat([...fileParts(encoded)]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** -0 and 0 are one number to most readers. */
const normal = (rows: readonly Row[]) =>
  rows.map((row) => ({ ...row, c: -7, d: row.d + 0, n: row.n === null ? null : row.n + 0 }));

const smallOf = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
const largeOf = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));

for (const codec of ["none", "zstd"] as const) {
  Deno.test(`hyparquet reads what was encoded, whatever the values and row groups, codec ${codec}`, async () => {
    const encoder = new RowGroupEncoder(codec); // one for all: nothing of a file may be left in the next
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
        async (groups) => {
          const file = encode(encoder, groups).buffer as ArrayBuffer;
          const read = await parquetReadObjects({
            file,
            utf8: false,
            compressors: { ZSTD: (input) => Uint8Array.from(zstdDecompressSync(input)) },
            parsers: {
              timestampFromMicroseconds: (micros: bigint) => Number(micros),
              // By default the mark that a text begins with is left out.
              stringFromBytes: (text: Uint8Array | undefined) => text && decoder.decode(text),
            },
          });
          const numberOrNull = (value: unknown) => value === null ? null : Number(value);
          expect(
            read.map((found) => ({
              ...found,
              d: found.d + 0,
              n: found.n === null ? null : found.n + 0,
              w: Number(found.w),
              o: numberOrNull(found.o),
            })),
          ).toEqual(normal(groups.flat()));
          // The bounds that readers pass over groups by are those of the rows.
          const bounds = parquetMetadata(file).row_groups.map(({ columns }) =>
            columns.filter(({ meta_data: meta }) => /^(w|ts)$/.test(meta?.path_in_schema[0] ?? ""))
              .map(({ meta_data: meta }) => [meta?.statistics?.min_value, meta?.statistics?.max_value])
          );
          expect(bounds.map(([[low, high]]) => [Number(low), Number(high)])).toEqual(
            groups.map((rows) => [smallOf(rows.map(({ w }) => w)), largeOf(rows.map(({ w }) => w))]),
          );
        },
      ),
      { numRuns: 200, examples: [[[[MARKED]]]] },
    );
  });
}

Deno.test("a time that is no whole number is refused, rather than stored as another", () => {
  for (const value of [NaN, 0.5, Infinity, 2 ** 53]) {
    const column: ParquetColumn = { name: "ts", kind: "timestamp", values: Float64Array.of(1, value) };
    expect(() => new RowGroupEncoder().encode(2, [column])).toThrow(RangeError);
  }
});

Deno.test("DuckDB reads what was encoded, with dictionaries of one, two and four bytes an id", async () => {
  const path = await Deno.makeTempFile({ suffix: ".parquet" });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const encoder = new RowGroupEncoder("zstd");
    for (const [rows, distinct] of [[1, 1], [7, 7], [300, 256], [1000, 257], [70_000, 65_536], [70_001, 65_537]]) {
      const groups = [0, 1].map((group) => {
        const dictionary = Array.from({ length: distinct }, (_, k) => `key ${k} of ${group}`);
        const columns: ParquetColumn[] = [
          { name: "i", kind: "int32", values: Int32Array.from({ length: rows }, (_, at) => at) },
          {
            name: "k",
            kind: "dictionary",
            dictionary,
            ids: Uint32Array.from({ length: rows }, (_, at) => at % distinct),
          },
        ];
        return columns;
      });
      const encoded = groups.map((columns) => encoder.encode(rows, columns));
      await Deno.writeFile(path, concat([...fileParts(encoded)]));
      const found = await connection.runAndReadAll(
        `SELECT count(*)::INTEGER AS rows, count(DISTINCT k)::INTEGER AS keys,
           count(*) FILTER (k NOT IN ('key ' || (i % ${distinct}) || ' of 0', 'key ' || (i % ${distinct}) || ' of 1'))::INTEGER AS wrong
         FROM read_parquet('${path}')`,
      );
      expect(found.getRowObjectsJS()).toEqual([{ rows: rows * 2, keys: distinct * 2, wrong: 0 }]);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(path);
  }
});
