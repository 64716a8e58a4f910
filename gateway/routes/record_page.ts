/** Pages of records, newest first: cursors that carry their range, and a limit in bytes beside the one in records. */
import { z } from "@hono/zod-openapi";
import type { TimeRange } from "../../core/store/ports.ts";
import { badParameter } from "../problem.ts";

/** A page ends early once its records have this many bytes: 1000 records of 16 MiB would not fit in memory. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** Where a record stands in the order newest first: time in the unit of its table, partition, offset. */
export type Position = readonly [time: number, partition: number, offset: number];

export interface Cursor {
  readonly range: TimeRange;
  readonly after: Position;
}

const TIME_MAX = 9_000_000_000_000_000; // what the stores' timestamps hold, in microseconds
const time = z.int().min(-TIME_MAX).max(TIME_MAX);
const shapeOf = (table: string) =>
  z.tuple([z.literal(table), time, time, time, z.int().min(0).max(2_147_483_647), z.int().min(0)]);

/** An opaque cursor: the next page of `table` goes on after `after`, and `now` still means what it meant at first. */
export function encodeCursor(table: string, { range, after }: Cursor): string {
  const text = btoa(JSON.stringify([table, range.fromMs, range.toMs, ...after]));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What {@link encodeCursor} wrote for the same table, or a 400. */
export function decodeCursor(table: string, text: string): Cursor {
  try {
    const [, fromMs, toMs, ...after] = shapeOf(table).parse(
      JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/"))),
    );
    return { range: { fromMs, toMs }, after };
  } catch {
    throw badParameter("cursor", `it is not one of this API for ${table}: pass nextCursor on as it is`);
  }
}

export interface PageSource<R> {
  /** Answers fewer than `limit` where there are no more, or where they have `bytesMax` together. */
  readonly read: (limit: number, bytesMax: number, after: Position | null) => Promise<readonly R[]>;
  readonly positionOf: (record: R) => Position;
}

export interface Page<R> {
  readonly records: readonly R[];
  /** The next page begins after it; null where there is none. */
  readonly next: Position | null;
}

/** Up to `limit` records after `after`: fewer where they are large. */
export async function readPage<R extends { readonly raw: Uint8Array }>(
  { read, positionOf }: PageSource<R>,
  limit: number,
  after: Position | null,
): Promise<Page<R>> {
  const records = await read(limit, PAGE_BYTES_MAX, after);
  const bytes = records.reduce((sum, { raw }) => sum + raw.length, 0);
  const isEnd = records.length === 0 || (records.length < limit && bytes < PAGE_BYTES_MAX);
  return { records, next: isEnd ? null : positionOf(records[records.length - 1]) };
}
