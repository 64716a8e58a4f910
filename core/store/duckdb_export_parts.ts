/** What the files of an export are made from, and how values are shown in them. */
import type { ExportFormat, ExportQuery } from "./ports.ts";

const TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ";

/** The rows of one file, when all that they are made of is there. */
export interface Rows {
  readonly sql: string;
  /** Its columns of text, where its records are too large for DuckDB's writer of JSON. */
  readonly hugeTexts?: readonly string[];
  /** Runs the statement that writes them, where it is not the snapshot's connection that does. */
  readonly copy?: (statement: string) => Promise<void>;
}

/** A file that has its rows already: it has only to be renamed. */
export interface ReadyFile {
  readonly file: string;
}

/**
 * What a file is made from. It fetches, on the connection, what the database cannot make rows of alone; what that answers
 * does so, while the connection writes another file, and may use a file at `path` until its own has been written.
 */
export type Part = () => Promise<(path: string) => Promise<Rows | ReadyFile>>;

/** Rows that the database makes alone. */
export function partOf(rows: Rows): Part {
  return () => Promise.resolve(() => Promise.resolve(rows));
}

/** Times are text in CSV and NDJSON, timestamps in Parquet. */
export function timeSql(sql: string, format: ExportFormat): string {
  return format === "parquet" ? sql : `strftime(${sql}, '${TIME_FORMAT}')`;
}

/**
 * Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP ASVS 1.2.10); numbers are other
 * columns and stay numbers.
 */
export function textSql(sql: string, query: Pick<ExportQuery, "format" | "isRaw">): string {
  if (query.format !== "csv" || query.isRaw) return sql;
  return `CASE WHEN left(${sql}, 1) IN ('=', '+', '-', '@', chr(9), chr(13), chr(0)) THEN '''' || ${sql} ELSE ${sql} END`;
}
