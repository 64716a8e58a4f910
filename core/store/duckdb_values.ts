/** Values to and from DuckDB: rows as plain JavaScript, parameters of statements, checked conversions. */
import { DuckDBBlobVector, type DuckDBConnection, type DuckDBValue, type DuckDBVector } from "@duckdb/node-api";

/** A row as plain JavaScript values; 64-bit integers come as bigint. */
export type Row = Record<string, unknown>;

/** All rows of a small result. */
export async function rowsOf(connection: DuckDBConnection, sql: string, values: DuckDBValue[] = []): Promise<Row[]> {
  return (await connection.runAndReadAll(sql, values)).getRowObjectsJS();
}

/** Rows of a result that may be large, a few thousand at a time. */
export async function* streamRows(
  connection: DuckDBConnection,
  sql: string,
  values: DuckDBValue[],
): AsyncGenerator<Row> {
  const result = await connection.stream(sql, values);
  for await (const rows of result.yieldRowObjectJs()) yield* rows;
}

/**
 * Visits the columns `id`, an INTEGER, and `sketch`, a BLOB, of a result that may be large, in this order: without an object a
 * row, which costs more than a sketch does. A sketch's bytes are good within the visit.
 */
export async function eachSketch(
  connection: DuckDBConnection,
  sql: string,
  values: DuckDBValue[],
  visit: (id: number, sketch: Uint8Array) => void,
): Promise<void> {
  const result = await connection.stream(sql, values);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const [ids, sketches] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
    if (!(sketches instanceof DuckDBBlobVector)) throw new TypeError("expected sketches from the database");
    for (let row = 0; row < chunk.rowCount; row++) {
      const sketch = sketches.getItemBytes(row);
      if (sketch === null) throw new TypeError("expected a sketch from the database, found null");
      visit(numberOf(ids.getItem(row)), sketch);
    }
  }
}

/** The row that {@link eachRow} visits, by place of the column. */
export interface VisitedRow {
  /** INTEGER or DOUBLE. */
  number(at: number): number;
  numberOrNull(at: number): number | null;
  /** A BLOB, good for as long as it is wanted. */
  bytes(at: number): Uint8Array;
  text(at: number): string;
}

/** Blobs of DuckDB up to this size lie within their vector. */
const INLINE_BYTES = 12;

/** Visits rows of a result that may be large, without an object a row. */
export async function eachRow(
  connection: DuckDBConnection,
  sql: string,
  visit: (row: VisitedRow) => void,
): Promise<void> {
  const result = await connection.stream(sql);
  const columns = result.columnCount;
  let vectors: DuckDBVector[] = [];
  let row = 0;
  const visited: VisitedRow = {
    number: (at) => numberOf(vectors[at].getItem(row)),
    numberOrNull: (at) => numberOrNull(vectors[at].getItem(row)),
    text: (at) => textOf(vectors[at].getItem(row)),
    bytes: (at) => {
      const vector = vectors[at];
      const bytes = vector instanceof DuckDBBlobVector ? vector.getItemBytes(row) : null;
      if (bytes === null) throw new TypeError("expected bytes from the database");
      // Short ones lie in the chunk itself, whose memory goes with it.
      return bytes.length <= INLINE_BYTES ? bytes.slice() : bytes;
    },
  };
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    vectors = [];
    for (let at = 0; at < columns; at++) vectors.push(chunk.getColumnVector(at));
    for (row = 0; row < chunk.rowCount; row++) visit(visited);
  }
}

/** What puts values into a statement as it is written. */
export interface Values {
  add(value: DuckDBValue): string;
  list(values: readonly DuckDBValue[]): string;
}

/** Values within SQL that takes no parameters, as COPY does not: texts in hexadecimal, so that none can be anything else. */
export const WRITTEN_OUT: Values = {
  add: (value) => {
    if (typeof value === "number") return integerLiteral(value);
    return `decode(unhex('${new TextEncoder().encode(textOf(value)).toHex()}'))`;
  },
  list: (values) => `(${values.map((value) => WRITTEN_OUT.add(value)).join(", ")})`,
};

/** Collects the values of a statement as it is written: `$1`, `$2` … stand in for them. */
export class Parameters implements Values {
  readonly values: DuckDBValue[] = [];

  add(value: DuckDBValue): string {
    return `$${this.values.push(value)}`;
  }

  list(values: readonly DuckDBValue[]): string {
    return `(${values.map((value) => this.add(value)).join(", ")})`;
  }
}

/**
 * Rows that a statement is given as one parameter, an array of objects in JSON, as a table of these columns: planning hundreds
 * of parameters takes longer than anything that is done with them.
 */
export function givenRows(
  parameter: string,
  types: Readonly<Record<string, "VARCHAR" | "INTEGER" | "BIGINT">>,
): string {
  return `(SELECT unnest(from_json(${parameter}, '[${JSON.stringify(types)}]'), recursive := true))`;
}

/** A text within SQL that takes no parameters: the path of a file. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An integer within SQL, where there are too many to bind; anything else throws. */
export function integerLiteral(value: number): string {
  return BigInt(value).toString();
}

export function numberOf(value: unknown): number {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return value;
  throw new TypeError(`expected a number from the database, found ${value === null ? "null" : typeof value}`);
}

export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : numberOf(value);
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(`expected text from the database, found ${value === null ? "null" : typeof value}`);
}

const MARK = ".";

/**
 * Selects a column of a user's text under its own name, for {@link unmarkedOf}: on its way to JavaScript a string loses
 * the byte order mark that it begins with, so that it must not begin with it. The order of texts stays.
 */
export function markedSql(name: string): string {
  return `'${MARK}' || ${name} AS ${name}`;
}

/** The text of a column that was selected by {@link markedSql}. */
export function unmarkedOf(value: unknown): string {
  return textOf(value).slice(MARK.length);
}

export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "object" && value !== null && "bytes" in value && value.bytes instanceof Uint8Array) {
    return value.bytes;
  }
  throw new TypeError("expected bytes from the database");
}
