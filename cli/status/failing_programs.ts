/** Which programs of a supervisor do not run: pure. */

/** Pauses before a start are a minute at most: what has failed for longer has no supervisor any more. */
const SUPERVISED_MS = 5 * 60_000;

/** What is looked at of a run. */
export interface EndedRun {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  /** ISO 8601; null while it runs. */
  readonly ended: string | null;
}

/** The programs whose last run has failed lately. Runs are the newest first. */
export function failingPrograms(runs: readonly EndedRun[], nowMs: number): string[] {
  const last = new Map<string, EndedRun>();
  for (const run of runs) if (run.kind === "program" && !last.has(run.name)) last.set(run.name, run);
  return [...last.values()].filter(({ status, ended }) =>
    status === "failed" && ended !== null && nowMs - Date.parse(ended) < SUPERVISED_MS
  ).map(({ name }) => name);
}
