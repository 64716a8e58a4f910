/** Minute cells from DuckDB into memory, for {@link CellCache}. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS, MEASURES } from "../minutes/fields.ts";
import { type CellBlock, type CellNames, CellSums } from "./cell_blocks.ts";
import type { CellLoader, MinuteRange, Width } from "./cell_places.ts";
import { stepSql } from "./duckdb_minutes.ts";
import { column } from "./duckdb_schema.ts";
import {
  eachRow,
  integerLiteral,
  markedSql,
  numberOf,
  numberOrNull,
  rowsOf,
  textLiteral,
  unmarkedOf,
  type VisitedRow,
} from "./duckdb_values.ts";

const KEYS = DIMENSIONS.map(column);
const SLOTS = MEASURES.map((_, slot) => slot);
/** Columns of a measure that are loaded, in this order, its sketch after them. */
const PARTS = ["count", "sum", "min", "max", "m2"] as const;

/** Runs a task on one snapshot of the database. */
export type ReadSnapshot = <T>(task: (connection: DuckDBConnection) => Promise<T>) => Promise<T>;

export function duckDbCells(read: ReadSnapshot): CellLoader {
  return {
    loadFew: (topicId, range, rowsMax, names) =>
      read((connection) => loadFew(connection, within(topicId, range), rowsMax, names)),
    countRows: (topicId, range) =>
      read(async (connection) => {
        const rows = await rowsOf(
          connection,
          `SELECT floor(minute / 60)::INTEGER AS hour, count(*) AS rows FROM minutes WHERE ${within(topicId, range)}
           GROUP BY hour`,
        );
        return new Map(rows.map(({ hour, rows }) => [numberOf(hour), numberOf(rows)]));
      }),
    load: (topicId, range, width, names) =>
      read(async (connection) => {
        const loading = await beginLoad(connection, topicId, range, names);
        return width === 1 ? await loadMinutes(connection, loading) : await loadSums(connection, loading, width);
      }),
  };
}

function within(topicId: string, { from, to }: MinuteRange): string {
  return `topic_id = ${textLiteral(topicId)} AND minute >= ${integerLiteral(from)} AND minute < ${integerLiteral(to)}`;
}

interface Loading {
  readonly where: string;
  /** Numbers of the sets of dimensions, by \`id\` of the temporary table \`loaded_cells\`. */
  readonly numbers: readonly number[];
  /** Slots of the measures that any row has. */
  readonly used: readonly number[];
}

/** The database finds the sets of dimensions: texts that cross into JavaScript row by row would cost most of the time. */
async function beginLoad(
  connection: DuckDBConnection,
  topicId: string,
  range: MinuteRange,
  names: CellNames,
): Promise<Loading> {
  const where = within(topicId, range);
  const counts = MEASURES.map(({ name }) => `sum(${name}_counted)::DOUBLE AS ${name}`);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE loaded_cells AS
     SELECT (row_number() OVER () - 1)::INTEGER AS id, * FROM (
       SELECT ${KEYS}, ${MEASURES.map(({ name }) => `count(${name}_count) AS ${name}_counted`)}
       FROM minutes WHERE ${where} GROUP BY ${KEYS})`,
  );
  const sets = await rowsOf(connection, `SELECT ${KEYS.map(markedSql)} FROM loaded_cells ORDER BY id`);
  const [measured] = await rowsOf(connection, `SELECT ${counts} FROM loaded_cells`);
  return {
    where,
    numbers: sets.map((row) => names.numberOf(DIMENSIONS.map((name) => unmarkedOf(row[name])))),
    used: MEASURES.flatMap(({ name }, slot) => numberOrNull(measured[name]) ? [slot] : []),
  };
}

type Blocks = ReadonlyMap<number, CellBlock>;

/** Of few rows the price of the statements is most of it: texts and all in one. */
async function loadFew(
  connection: DuckDBConnection,
  where: string,
  rowsMax: number,
  names: CellNames,
): Promise<Blocks | null> {
  const blocks = new OpenBlocks();
  let rows = 0;
  await eachRow(
    connection,
    `SELECT ${["minute", "count::DOUBLE", "errors::DOUBLE", ...SLOTS.flatMap(measureColumns), `to_json([${KEYS}])`]}
     FROM minutes WHERE ${where} LIMIT ${integerLiteral(rowsMax + 1)}`,
    (row) => {
      if (++rows > rowsMax) return;
      const set = names.numberOfJson(row.text(FIRST_MEASURE + SLOTS.length * MEASURE_WIDTH));
      const sums = blocks.at(row.number(0));
      addMeasures(row, SLOTS, sums, sums.add(set, row.number(1), row.number(2)));
    },
  );
  return rows > rowsMax ? null : blocks.made();
}

async function loadMinutes(connection: DuckDBConnection, { where, numbers, used }: Loading): Promise<Blocks> {
  const blocks = new OpenBlocks();
  await eachRow(
    connection,
    `SELECT ${["minute", "count::DOUBLE", "errors::DOUBLE", ...used.flatMap(measureColumns), "id"]}
     FROM (SELECT * FROM minutes WHERE ${where}) JOIN loaded_cells USING (${KEYS})`,
    (row) => {
      const sums = blocks.at(row.number(0));
      const set = numbers[row.number(FIRST_MEASURE + used.length * MEASURE_WIDTH)];
      addMeasures(row, used, sums, sums.add(set, row.number(1), row.number(2)));
    },
  );
  return blocks.made();
}

/** The place of the first column of measures, and how many each has: {@link measureColumns}. */
const FIRST_MEASURE = 3;
const MEASURE_WIDTH = PARTS.length + 1;

function measureColumns(slot: number): string[] {
  const { name } = MEASURES[slot];
  return [...PARTS.map((part) => `${name}_${part}::DOUBLE`), `${name}_sketch`];
}

/** Adds the measures of a row of a minute. */
function addMeasures(row: VisitedRow, slots: readonly number[], sums: CellSums, place: number): void {
  for (let i = 0; i < slots.length; i++) {
    const at = FIRST_MEASURE + i * MEASURE_WIDTH;
    const count = row.numberOrNull(at);
    if (count === null || count === 0) continue;
    const sketches = row.bytes(at + 5);
    const [sum, min, max, m2] = [row.number(at + 1), row.number(at + 2), row.number(at + 3), row.number(at + 4)];
    const span = { sketches, start: 0, end: sketches.length, isOne: true };
    sums.addMeasure(place, slots[i], { count, sum, min, max, m2, ...span });
  }
}

/** Blocks of more than a minute: added up by the database, their sketches strung together (duckdb_sketches.ts). */
async function loadSums(
  connection: DuckDBConnection,
  { where, numbers, used }: Loading,
  width: Width,
): Promise<Blocks> {
  const columns = used.flatMap((slot) => {
    const { name } = MEASURES[slot];
    return [
      ...[`sum(${name}_count)`, `sum(${name}_sum)`, `min(${name}_min)`, `max(${name}_max)`].map((sql) =>
        `${sql}::DOUBLE`
      ),
      `string_agg(hex(${name}_sketch), '')`,
    ];
  });
  const blocks = new OpenBlocks();
  await eachRow(
    connection,
    `SELECT ${[`${stepSql(width)} AS first`, "id", "sum(count)::DOUBLE", "sum(errors)::DOUBLE", ...columns]}
     FROM (SELECT * FROM minutes WHERE ${where}) JOIN loaded_cells USING (${KEYS}) GROUP BY first, id`,
    ({ number, numberOrNull, text }) => {
      const sums = blocks.at(number(0));
      const place = sums.add(numbers[number(1)], number(2), number(3));
      for (let i = 0; i < used.length; i++) {
        const at = 4 + i * 5;
        const count = numberOrNull(at);
        if (count === null || count === 0) continue;
        const sketches = Uint8Array.fromHex(text(at + 4));
        const numbers = { count, sum: number(at + 1), min: number(at + 2), max: number(at + 3), m2: NaN };
        sums.addMeasure(place, used[i], { ...numbers, sketches, start: 0, end: sketches.length, isOne: false });
      }
    },
  );
  return blocks.made();
}

/** Blocks that rows are added to, by first minute. */
class OpenBlocks {
  readonly #open = new Map<number, CellSums>();

  at(minute: number): CellSums {
    let sums = this.#open.get(minute);
    if (sums === undefined) this.#open.set(minute, sums = new CellSums());
    return sums;
  }

  made(): Blocks {
    return new Map([...this.#open].map(([minute, sums]) => [minute, sums.block()]));
  }
}
