/**
 * When a range began whose start was told from now on: `--from=-7d` is another time when `--resume` goes on with it. It is
 * written into the data directory, also where the records go to Kafka.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Config } from "../../core/config/schema.ts";
import { failedWrite, writeFileSynced } from "../../core/durable_file.ts";
import { MillraceError } from "../../core/errors.ts";
import type { Traffic } from "../../generator/traffic.ts";
import type { TrafficOptions } from "./traffic.ts";

/** Ranges that are remembered, the last ones. */
const RANGES_MAX = 20;

const range = z.object({
  /** What the range was told by. */
  from: z.string(),
  to: z.string().nullable(),
  scenarios: z.array(z.string()),
  seed: z.number(),
  /** What that was at the time; a range without an end has none. */
  fromMs: z.number(),
  toMs: z.number().nullable(),
});
type BegunRange = z.infer<typeof range>;
const file = z.object({ ranges: z.array(range) });

/** Start and end of a range, epoch milliseconds. */
export interface RangeMs {
  readonly fromMs: number;
  readonly toMs: number;
}

const isRelative = (from: string | undefined): from is string => from !== undefined && /^[-+]/.test(from);

const pathOf = (config: Config): string => join(config.data, "generate.json");

/**
 * Writes down when a range begins, if it is told from now on: before its first record, so that it is there whenever the run
 * is killed. Answers what takes it back, for a run that is refused. Throws DISK_FULL or FILE_UNAVAILABLE.
 */
export async function rememberRange(
  config: Config,
  options: TrafficOptions,
  { pace, seed, scenarios }: Traffic,
): Promise<() => Promise<void>> {
  const path = pathOf(config);
  const { from, to = null } = options;
  if (options.resume === true || !isRelative(from) || pace.kind !== "planned") return () => Promise.resolve();
  const begun: BegunRange = {
    ...{ from, to, scenarios: [...scenarios], seed, fromMs: pace.fromMs },
    toMs: pace.toMs === Infinity ? null : pace.toMs,
  };
  const before = readRanges(path);
  await writeRanges(path, [begun, ...before.filter((other) => !isSame(other, begun))].slice(0, RANGES_MAX));
  return () => writeRanges(path, before);
}

async function writeRanges(path: string, ranges: readonly BegunRange[]): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeFileSynced(path, new TextEncoder().encode(JSON.stringify({ ranges }, null, 2) + "\n"));
  } catch (error) {
    throw failedWrite(path, error);
  }
}

/**
 * The range that goes on: when it began, where its start is told from now on; else null. Throws INVALID_INPUT where it is
 * not written down.
 */
export function rangeToResume(
  config: Config,
  options: TrafficOptions,
  { seed, scenarios }: Pick<Traffic, "seed" | "scenarios">,
): RangeMs | null {
  const { from, to = null } = options;
  if (options.resume !== true || !isRelative(from)) return null;
  const path = pathOf(config);
  const begun = readRanges(path).find((other) => isSame(other, { from, to, scenarios: [...scenarios], seed }));
  if (begun !== undefined) return { fromMs: begun.fromMs, toMs: begun.toMs ?? Infinity };
  throw new MillraceError(
    "INVALID_INPUT",
    `--resume: ${from} is another time now, and ${path} does not tell when such a range of ${
      scenarios.join(", ")
    } began`,
    "give the options and the data directory of the run that was stopped, or its start as a time: --from 2026-03-01T10:00:00Z",
  );
}

function isSame(a: Omit<BegunRange, "fromMs" | "toMs">, b: Omit<BegunRange, "fromMs" | "toMs">): boolean {
  return a.from === b.from && a.to === b.to && a.seed === b.seed && a.scenarios.join() === b.scenarios.join();
}

/** What the file tells; none where it is not there or is not such a file. */
function readRanges(path: string): readonly BegunRange[] {
  try {
    return file.parse(JSON.parse(Deno.readTextFileSync(path))).ranges;
  } catch {
    return [];
  }
}
