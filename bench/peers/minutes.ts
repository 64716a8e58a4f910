/**
 * Minutes as contenders write them, so that they can be held against each other: a file with a line of JSON each,
 * `[minute, [dimension …], count, errors, smallest, largest, average]`. The minute is in minutes since 1970, times are in
 * milliseconds, sizes in bytes. A line may be a part of a minute: parts add up.
 */
import { z } from "zod";
import type { Store } from "../../core/store/ports.ts";
import { START_MS } from "../records.ts";
import type { Shape } from "./shapes.ts";

const line = z.tuple([
  z.number(),
  z.array(z.string()),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
]);

export interface Minute {
  count: number;
  errors: number;
  min: number;
  max: number;
  sum: number;
}
export type Minutes = ReadonlyMap<string, Minute>;

export async function readMinutes(path: string): Promise<Minutes> {
  const minutes = new Map<string, Minute>();
  for (const text of (await Deno.readTextFile(path)).split("\n")) {
    if (text === "") continue;
    const [minute, dimensions, count, errors, min, max, average] = line.parse(JSON.parse(text));
    const key = JSON.stringify([minute, ...dimensions]);
    const before = minutes.get(key);
    minutes.set(key, {
      count: count + (before?.count ?? 0),
      errors: errors + (before?.errors ?? 0),
      min: Math.min(min, before?.min ?? Infinity),
      max: Math.max(max, before?.max ?? -Infinity),
      sum: average * count + (before?.sum ?? 0),
    });
  }
  return minutes;
}

/** Throws where they differ; averages may in their last digits, which depend on the order of addition. */
export function compareMinutes(ours: Minutes, theirs: Minutes, name: string): void {
  if (ours.size !== theirs.size) throw new Error(`${name} has ${theirs.size} minutes, not ${ours.size}`);
  for (const [key, { count, errors, min, max, sum }] of ours) {
    const other = theirs.get(key);
    if (other === undefined) throw new Error(`${name} has no minute ${key}`);
    const isSame = other.count === count && other.errors === errors && Math.abs(other.min - min) < 1e-9 * (1 + min) &&
      Math.abs(other.max - max) < 1e-9 * (1 + max) && Math.abs(other.sum - sum) <= 1e-6 * Math.abs(sum);
    if (!isSame) {
      throw new Error(
        `${name} has ${JSON.stringify(other)} for ${key}, not ${JSON.stringify({ count, errors, min, max, sum })}`,
      );
    }
  }
}

export function totalsOf(minutes: Minutes): { count: number; errors: number } {
  let [count, errors] = [0, 0];
  for (const minute of minutes.values()) {
    count += minute.count;
    errors += minute.errors;
  }
  return { count, errors };
}

const exportedMinute = z.looseObject({ minute: z.string(), count: z.number(), errors: z.number() });
const WEEK_MS = 7 * 86_400_000;

/** Writes what a store of ours has of a topic. */
export async function writeMinutes(
  store: Pick<Store, "export">,
  topicId: string,
  { dimensions, measure }: Shape,
  file: string,
): Promise<void> {
  const range = { fromMs: START_MS, toMs: START_MS + WEEK_MS };
  const { stream } = await store.export({ topicId, table: "minutes", format: "ndjson", range, where: [], isRaw: true });
  const lines = (await new Response(stream).text()).trimEnd().split("\n").map((text) => {
    const cell = exportedMinute.parse(JSON.parse(text));
    const of = (part: string) => Number(cell[`${measure}_${part}`]);
    const minute = Date.parse(cell.minute) / 60_000;
    const names = dimensions.map((name) => String(cell[name]));
    return JSON.stringify([minute, names, cell.count, cell.errors, of("min"), of("max"), of("avg")]);
  });
  await Deno.writeTextFile(file, lines.join("\n") + "\n");
}
