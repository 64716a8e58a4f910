/** Runs of programs and of schedules, as the store keeps them: when, how they ended, and their last words. */
import { z } from "zod";
import type { Documents } from "../store/ports.ts";

const COLLECTION = "runs";
const RUNS_KEPT = 500;
const TRIES = 5;

export const runSchema = z.object({
  id: z.string(),
  /** Of the program, or of the schedule. */
  name: z.string(),
  kind: z.enum(["program", "schedule"]),
  /** `lost`: whoever watched it is gone. */
  status: z.enum(["running", "succeeded", "failed", "lost"]),
  startedMs: z.number(),
  endedMs: z.number().nullable(),
  /** Exit status; null while it runs, and where a signal ended it. */
  code: z.int().nullable(),
  /** The end of what it printed. */
  tail: z.string(),
});
export type Run = Readonly<z.infer<typeof runSchema>>;

type Kept = Pick<Documents, "readDocuments" | "commitDocuments">;

/** All runs that are kept, newest first. What cannot be read is left out. */
export async function readRuns(documents: Pick<Documents, "readDocuments">): Promise<readonly Run[]> {
  const { entries } = await documents.readDocuments(COLLECTION);
  return parsed(entries);
}

/** The last run of each program and each schedule, by `runs` as they are read. */
export function latestRuns(runs: readonly Run[]): readonly Run[] {
  const latest = new Map<string, Run>();
  for (const run of runs) {
    const key = `${run.kind}/${run.name}`;
    if (!latest.has(key)) latest.set(key, run);
  }
  return [...latest.values()];
}

/** Puts runs in the place of what was kept of them, and forgets the oldest. Throws where the store does. */
export async function keepRuns(documents: Kept, runs: readonly Run[]): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { version, entries } = await documents.readDocuments(COLLECTION);
    const gone = parsed(entries).slice(RUNS_KEPT - runs.length).map(({ id }) => [id, null] as const);
    const puts = [...gone, ...runs.map((run) => [run.id, JSON.stringify(run)] as const)];
    const byKey = new Map<string, string | null>(puts);
    if (await documents.commitDocuments(COLLECTION, version, [...byKey])) return;
  }
  throw new Error("the store's runs change all the time");
}

function parsed(entries: ReadonlyMap<string, string>): Run[] {
  const runs: Run[] = [];
  for (const text of entries.values()) {
    const run = runSchema.safeParse(JSON.parse(text));
    if (run.success) runs.push(run.data);
  }
  return runs.sort((a, b) => b.startedMs - a.startedMs);
}
