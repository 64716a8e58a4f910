/** Minute cells of an hour, or hours of a day, added up over partitions and partials into one row a set of dimensions. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Dimension, DIMENSIONS, type Measure, MEASURES } from "../minutes/fields.ts";
import { Sketch } from "../minutes/sketch.ts";
import { meanSql } from "./duckdb_minutes.ts";
import { column } from "./duckdb_schema.ts";
import {
  bytesOf,
  integerLiteral,
  markedSql,
  numberOf,
  type Row,
  rowsOf,
  streamRows,
  textLiteral,
  unmarkedOf,
} from "./duckdb_values.ts";
import type { MeasureColumns, MinuteRows } from "./ports.ts";

const KEYS = DIMENSIONS.map(column);
/** The parts of a measure but for its sketch. */
const PARTS = ["count", "sum", "min", "max", "m2"] as const;

/** Rows to add up: of a table with the columns of minutes, minutes since 1970, half-open. */
export interface RollupSource {
  readonly table: string;
  readonly topicId: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The rows as ones of their first minute, in the order of their dimensions. Null where there is none, or a sum is too large
 * for a double to be exact: then only the rows themselves give the exact answer. Its temporary table goes with the
 * transaction.
 */
export async function rollUp(connection: DuckDBConnection, source: RollupSource): Promise<MinuteRows | null> {
  const { table, topicId, from, to } = source;
  const rows = `SELECT * FROM ${table} WHERE topic_id = ${textLiteral(topicId)}
    AND minute >= ${integerLiteral(from)} AND minute < ${integerLiteral(to)}`;
  const means = MEASURES.map(({ name }) => meanSql(name, `${name}_mean`));
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE rolled AS
     SELECT row_number() OVER (ORDER BY ${KEYS}) - 1 AS id, * FROM (
       SELECT ${KEYS}, sum(count)::DOUBLE AS count, sum(errors)::DOUBLE AS errors,
         ${MEASURES.flatMap(({ name }) => measureSql(name))}
       FROM (SELECT *, ${means} FROM (${rows}) WINDOW cell AS (PARTITION BY ${KEYS})) GROUP BY ${KEYS})`,
  );
  const numbers = ["count", "errors", ...MEASURES.flatMap(({ name }) => PARTS.map((part) => `${name}_${part}`))];
  const cells = await rowsOf(
    connection,
    `SELECT ${[...KEYS.map(markedSql), ...numbers]} FROM rolled ORDER BY id`,
  );
  if (cells.length === 0 || !cells.every(isExact)) return null;
  const sketches = await mergeSketches(connection, rows, cells.length);
  return {
    rows: cells.length,
    minutes: new Int32Array(cells.length).fill(from),
    fromOffsets: new Float64Array(cells.length),
    dimensions: dimensionsOf(cells),
    counts: Float64Array.from(cells, ({ count }) => numberOf(count)),
    errors: Float64Array.from(cells, ({ errors }) => numberOf(errors)),
    measures: Object.fromEntries(
      MEASURES.map(({ name }, slot) => [name, measureOf(name, cells, sketches.map((row) => row[slot]))]),
    ),
  };
}

/** Squared deviations from the common mean, as in {@link stddevSql}. */
function measureSql(name: Measure): string[] {
  return [
    `coalesce(sum(${name}_count), 0)::DOUBLE AS ${name}_count`,
    `coalesce(sum(${name}_sum), 0)::DOUBLE AS ${name}_sum`,
    `min(${name}_min)::DOUBLE AS ${name}_min`,
    `max(${name}_max)::DOUBLE AS ${name}_max`,
    `coalesce(sum(${name}_m2 + ${name}_count * power(${name}_sum / ${name}_count - ${name}_mean, 2)), 0) AS ${name}_m2`,
  ];
}

const EXACT = ["sum", "min", "max"] as const;

function isExact(cell: Row): boolean {
  const isSafe = (value: unknown) => value === null || Math.abs(numberOf(value)) <= Number.MAX_SAFE_INTEGER;
  return isSafe(cell.count) && MEASURES.every(({ name }) => EXACT.every((part) => isSafe(cell[`${name}_${part}`])));
}

/** Per row and measure the encoded union of its sketches. */
async function mergeSketches(connection: DuckDBConnection, rows: string, count: number): Promise<Uint8Array[][]> {
  const merged = Array.from({ length: count }, () => MEASURES.map((): Uint8Array => new Uint8Array(0)));
  const columns = MEASURES.map(({ name }) => `m.${name}_sketch AS ${name}_sketch`);
  const partials = streamRows(
    connection,
    `SELECT c.id AS id, ${columns} FROM (${rows}) m JOIN (SELECT id, ${KEYS} FROM rolled) c USING (${KEYS})
     ORDER BY c.id`,
    [],
  );
  let id = -1;
  let open: (Sketch | null)[] = [];
  const close = () =>
    open.forEach((sketch, slot) => {
      if (sketch !== null) merged[id][slot] = sketch.encode();
    });
  for await (const row of partials) {
    if (numberOf(row.id) !== id) {
      close();
      id = numberOf(row.id);
      open = MEASURES.map(() => null);
    }
    MEASURES.forEach(({ name }, slot) => {
      const bytes = row[`${name}_sketch`];
      if (bytes !== null) (open[slot] ??= new Sketch()).mergeEncoded(bytesOf(bytes));
    });
  }
  close();
  return merged;
}

function dimensionsOf(cells: readonly Row[]): MinuteRows["dimensions"] {
  return Object.fromEntries(DIMENSIONS.map((name: Dimension) => {
    const entries = new Map<string, number>();
    const ids = Uint32Array.from(cells, (cell) => {
      const text = unmarkedOf(cell[name]);
      const known = entries.get(text);
      if (known !== undefined) return known;
      entries.set(text, entries.size);
      return entries.size - 1;
    });
    return [name, { dictionary: [...entries.keys()], ids }];
  }));
}

function measureOf(name: Measure, cells: readonly Row[], sketches: readonly Uint8Array[]): MeasureColumns {
  const numbers = (part: (typeof PARTS)[number]) =>
    Float64Array.from(cells, (cell) => cell[`${name}_${part}`] === null ? NaN : numberOf(cell[`${name}_${part}`]));
  const counts = numbers("count");
  const bytes = new Uint8Array(sketches.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  const sketchEnds = Uint32Array.from(sketches, (sketch) => {
    bytes.set(sketch, end);
    return end += sketch.length;
  });
  return {
    counts,
    sums: numbers("sum"),
    minima: numbers("min"),
    maxima: numbers("max"),
    m2: numbers("m2"),
    sketches: bytes,
    sketchEnds,
  };
}
