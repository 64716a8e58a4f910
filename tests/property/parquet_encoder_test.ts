/** The Parquet that flushes are staged in, read back by hyparquet and by DuckDB. */
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { type ParquetColumn, ParquetEncoder } from "../../core/store/parquet_encoder.ts";

interface Row {
  readonly i: number;
  readonly d: number;
  readonly n: number | null;
  readonly k: string;
  readonly t: string | null;
  readonly b: Uint8Array | null;
}

const row = fc.record<Row>({
  i: fc.integer(),
  d: fc.double({ noNaN: true }),
  n: fc.option(fc.double({ noNaN: true })),
  k: fc.string({ unit: "grapheme", maxLength: 4 }),
  t: fc.option(fc.string({ unit: "binary", maxLength: 60 }).filter((text) => text.isWellFormed())),
  b: fc.option(fc.uint8Array({ maxLength: 60 })),
});

const utf8 = new TextEncoder();

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

function encode(encoder: ParquetEncoder, groups: readonly (readonly Row[])[]): Uint8Array {
  const parts = [encoder.begin().slice()];
  groups.forEach((rows, i) => parts.push(encoder.rowGroup(rows.length, columnsOf(rows, i % 2 === 0)).slice()));
  parts.push(encoder.end().slice());
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
  rows.map((row) => ({ ...row, d: row.d + 0, n: row.n === null ? null : row.n + 0 }));

Deno.test("hyparquet reads what was encoded, whatever the values and row groups", async () => {
  const encoder = new ParquetEncoder(); // one for all: nothing of a file may be left in the next
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(row, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      async (groups) => {
        const file = encode(encoder, groups);
        const read = await parquetReadObjects({ file: file.buffer as ArrayBuffer, utf8: false });
        expect(read.map((found) => ({ ...found, d: found.d + 0, n: found.n === null ? null : found.n + 0 })))
          .toEqual(normal(groups.flat()));
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("DuckDB reads what was encoded, with dictionaries of one, two and four bytes an id", async () => {
  const path = await Deno.makeTempFile({ suffix: ".parquet" });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const encoder = new ParquetEncoder();
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
      using file = await Deno.open(path, { write: true, truncate: true });
      await file.write(encoder.begin());
      for (const columns of groups) {
        const bytes = encoder.rowGroup(rows, columns);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      }
      const footer = encoder.end();
      for (let at = 0; at < footer.length;) at += await file.write(footer.subarray(at));
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
