/**
 * Sketches of many rows, merged by group. The database strings those of a group together, in hexadecimal, for it has no sum
 * of blobs: a value of a few bytes per row that crosses into JavaScript costs several times what merging it does
 * (deno task bench --only gateway).
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { Sketch } from "../minutes/sketch.ts";
import type { MinuteRange } from "./cell_places.ts";
import { eachSketch, numberOf, Parameters, rowsOf, textOf } from "./duckdb_values.ts";

/** Bytes of sketches that are strung together at once: they are held in the database's memory, twice as long. */
const BYTES_AT_ONCE = 2 * 1_048_576;

/** SQL of rows with `id`, an INTEGER from 0 on, `minute` and `sketch`, of some minutes. */
export type SketchRows = (minutes: MinuteRange, values: Parameters) => string;

/** The union of each group's sketches, by `id`. */
export async function mergeSketches(
  connection: DuckDBConnection,
  range: MinuteRange,
  groups: number,
  rows: SketchRows,
): Promise<readonly Sketch[]> {
  const merged = Array.from({ length: groups }, () => new Sketch());
  for (const { minutes, isLarge } of await slicesOf(connection, range, rows)) {
    const values = new Parameters();
    const sql = rows(minutes, values);
    if (isLarge) {
      await eachSketch(connection, `SELECT id, sketch FROM (${sql})`, values.values, (id, sketch) => {
        merged[id].mergeEncoded(sketch);
      });
      continue;
    }
    const strung = await rowsOf(
      connection,
      `SELECT id, string_agg(hex(sketch), '') AS sketches FROM (${sql}) GROUP BY id`,
      values.values,
    );
    for (const { id, sketches } of strung) merged[numberOf(id)].mergeAllEncoded(Uint8Array.fromHex(textOf(sketches)));
  }
  return merged;
}

interface Slice {
  readonly minutes: { from: number; to: number };
  /** A single minute that is too much to be strung together. */
  readonly isLarge: boolean;
}

/** The range's minutes that have rows, in as few slices as memory allows. */
async function slicesOf(connection: DuckDBConnection, range: MinuteRange, rows: SketchRows): Promise<Slice[]> {
  const values = new Parameters();
  const weights = await rowsOf(
    connection,
    `SELECT minute, sum(octet_length(sketch))::DOUBLE AS bytes FROM (${rows(range, values)})
     GROUP BY minute ORDER BY minute`,
    values.values,
  );
  const slices: Slice[] = [];
  let sliceBytes = 0;
  for (const row of weights) {
    const [minute, bytes] = [numberOf(row.minute), numberOf(row.bytes)];
    const last = slices.at(-1);
    const isLarge = bytes > BYTES_AT_ONCE;
    if (last === undefined || sliceBytes + bytes > BYTES_AT_ONCE) {
      slices.push({ minutes: { from: minute, to: minute + 1 }, isLarge });
      sliceBytes = bytes;
    } else {
      last.minutes.to = minute + 1;
      sliceBytes += bytes;
    }
  }
  return slices;
}
