/** Splits rows by the hour bucket of their unit, for stores that keep a unit's events with the unit. */
import type { EventRows, QuarantineRows } from "./record_blocks.ts";

const HOUR_MS = 3_600_000;
const HOUR_MICROS = HOUR_MS * 1000;

/** Events by hour of event time. Where all are of one hour, which is usual, the rows as they are. */
export function eventsByHour(rows: EventRows): EventRows[] {
  return splitRows(rows.timestampMicros, HOUR_MICROS).map((picked) =>
    picked === null ? rows : {
      ...rows,
      rows: picked.length,
      offsets: take(rows.offsets, picked),
      timestampMicros: take(rows.timestampMicros, picked),
      recordTimesMs: take(rows.recordTimesMs, picked),
      rawStarts: take(rows.rawStarts, picked),
      rawEnds: take(rows.rawEnds, picked),
      text: mapValues(rows.text, ({ starts, ends }) => ({ starts: take(starts, picked), ends: take(ends, picked) })),
      measures: mapValues(rows.measures, (values) => take(values, picked)),
    }
  );
}

/** Quarantined records by hour of their time in the log. */
export function quarantineByHour(rows: QuarantineRows): QuarantineRows[] {
  return splitRows(rows.recordTimesMs, HOUR_MS).map((picked) =>
    picked === null ? rows : {
      ...rows,
      rows: picked.length,
      offsets: take(rows.offsets, picked),
      recordTimesMs: take(rows.recordTimesMs, picked),
      rawStarts: take(rows.rawStarts, picked),
      rawEnds: take(rows.rawEnds, picked),
      reasons: Array.from(picked, (row) => rows.reasons[row]),
    }
  );
}

/** Per hour the rows of it, in their order; one null where there is but one hour. */
function splitRows(times: Float64Array, hour: number): (Uint32Array | null)[] {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < times.length; row++) {
    const bucket = Math.floor(times[row] / hour);
    const of = rows.get(bucket);
    if (of === undefined) rows.set(bucket, [row]);
    else of.push(row);
  }
  return rows.size <= 1 ? [null] : [...rows.values()].map((of) => Uint32Array.from(of));
}

function take<A extends Float64Array | Int32Array | Uint32Array>(values: A, rows: Uint32Array): A {
  const taken = values.slice(0, rows.length) as A;
  for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i]];
  return taken;
}

function mapValues<K extends string, V>(
  of: Readonly<Partial<Record<K, V>>>,
  map: (value: V) => V,
): Partial<Record<K, V>> {
  const mapped: Partial<Record<K, V>> = {};
  for (const name of Object.keys(of) as K[]) {
    const value = of[name];
    if (value !== undefined) mapped[name] = map(value);
  }
  return mapped;
}
