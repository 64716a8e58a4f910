/** Ranges and conditions of queries as SQL: names from closed lists, values bound, or in hexadecimal where nothing can be. */
import { DIMENSIONS, TEXT_FIELDS } from "../minutes/fields.ts";
import { integerLiteral, type Parameters, type Values } from "./duckdb_values.ts";
import { column } from "./duckdb_schema.ts";
import type { Condition, CountQuery, OffsetCover, OffsetRange, TimeRange } from "./ports.ts";

const MS_PER_MINUTE = 60_000;
/** What a minute column and a timestamp can hold. */
const MINUTES_MAX = 2_147_483_647;
const MICROS_MAX = 9_000_000_000_000_000;

const MINUTE_FIELDS: ReadonlySet<string> = new Set(DIMENSIONS);
const EVENT_FIELDS: ReadonlySet<string> = new Set(TEXT_FIELDS);

/** The minutes that begin in the range, since 1970, half-open. */
export function minuteRange({ fromMs, toMs }: TimeRange): { from: number; to: number } {
  return {
    from: Math.max(-MINUTES_MAX, Math.ceil(fromMs / MS_PER_MINUTE)),
    to: Math.min(MINUTES_MAX, Math.ceil(toMs / MS_PER_MINUTE)),
  };
}

/** Minutes that begin in the range. */
export function minutesIn(topicId: string, range: TimeRange, where: readonly Condition[], values: Parameters): string {
  const { from, to } = minuteRange(range);
  return [
    `topic_id = ${values.add(topicId)}`,
    `minute >= ${values.add(from)}`,
    `minute < ${values.add(to)}`,
    ...where.map((condition) => conditionSql(condition, MINUTE_FIELDS, values)),
  ].join(" AND ");
}

/** Conditions over the dimensions of minutes. */
export function cellsWhere(where: readonly Condition[], values: Values): string {
  return where.map((condition) => conditionSql(condition, MINUTE_FIELDS, values)).join(" AND ") || "true";
}

/** Events whose time is in the range. */
export function eventsIn(topicId: string, range: TimeRange, where: readonly Condition[], values: Parameters): string {
  return [
    `topic_id = ${values.add(topicId)}`,
    ...timeIn("ts", range, values),
    ...where.map((condition) => conditionSql(condition, EVENT_FIELDS, values)),
  ].join(" AND ");
}

/** The same, with the text that the record contains and the offsets that it is of, where they are given. */
export function searchedEvents(
  { topicId, range, where, text = "", offsets }: Pick<CountQuery, "topicId" | "range" | "where" | "text" | "offsets">,
  values: Parameters,
): string {
  const conditions = [eventsIn(topicId, range, where, values)];
  if (text !== "") conditions.push(`contains(lower(raw), lower(${values.add(text)}))`);
  if (offsets !== undefined) conditions.push(offsetsIn(offsets));
  return conditions.join(" AND ");
}

function offsetsIn(offsets: readonly OffsetRange[]): string {
  const ranges = offsets.map(({ partition, from, to }) =>
    `(part = ${integerLiteral(partition)} AND "offset" >= ${integerLiteral(from)} AND "offset" < ${integerLiteral(to)})`
  );
  return `(${ranges.join(" OR ") || "false"})`;
}

/** A timestamp column in the range. */
export function timeIn(name: string, range: TimeRange, values: Parameters): string[] {
  const bound = (ms: number) => `make_timestamp(${values.add(BigInt(clampMicros(ms * 1000)))}::BIGINT)`;
  return [`${name} >= ${bound(range.fromMs)}`, `${name} < ${bound(range.toMs)}`];
}

/** The same within SQL that takes no parameters. */
export function timeWithin(name: string, range: TimeRange): string {
  const bound = (ms: number) => `make_timestamp(${integerLiteral(clampMicros(ms * 1000))})`;
  return `${name} >= ${bound(range.fromMs)} AND ${name} < ${bound(range.toMs)}`;
}

/** Rows whose offsets are covered. Partitions are looked up in lists: there may be hundreds of them. */
export function coveredIn(covers: readonly OffsetCover[]): string {
  if (covers.length === 0) return "false";
  const bounds = Array.from({ length: Math.max(...covers.map(({ partition }) => partition)) + 1 }, () => [0, 0]);
  for (const { partition, from, to } of covers) bounds[partition] = [from, to];
  const bound = (side: 0 | 1) => `([${bounds.map((of) => integerLiteral(of[side])).join(", ")}]::BIGINT[])[part + 1]`;
  const holes = covers.flatMap(({ partition, holes }) =>
    holes.map(({ from, to }) =>
      `AND NOT (part = ${integerLiteral(partition)} AND "offset" >= ${integerLiteral(from)} AND "offset" < ${
        integerLiteral(to)
      })`
    )
  );
  return `coalesce("offset" >= ${bound(0)} AND "offset" < ${bound(1)} ${holes.join(" ")}, false)`;
}

/** As a further condition: rows whose offsets are not covered. */
export function offsetsOutside(covers: readonly OffsetCover[] | undefined): string {
  return covers === undefined || covers.length === 0 ? "" : ` AND NOT ${coveredIn(covers)}`;
}

function clampMicros(micros: number): number {
  return Math.max(-MICROS_MAX, Math.min(MICROS_MAX, Math.floor(micros)));
}

/** An absent field equals the empty string. */
function conditionSql(
  { field, op, values: wanted }: Condition,
  fields: ReadonlySet<string>,
  values: Values,
): string {
  if (!fields.has(field)) throw new RangeError(`${field} is not a field of this table`);
  const text = `coalesce(${column(field)}, '')`;
  switch (op) {
    case "in":
      return wanted.length === 0 ? "false" : `${text} IN ${values.list(wanted)}`;
    case "not_in":
      return wanted.length === 0 ? "true" : `${text} NOT IN ${values.list(wanted)}`;
    case "prefix":
      return `(${wanted.map((prefix) => `starts_with(${text}, ${values.add(prefix)})`).join(" OR ") || "false"})`;
  }
}
