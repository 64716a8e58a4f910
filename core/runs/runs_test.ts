import { expect } from "expect";
import type { DocumentPut } from "../store/ports.ts";
import { keepRuns, readRuns, type Run } from "./runs.ts";

class MemoryDocuments {
  version = 0;
  readonly entries = new Map<string, string>();
  /** Others that commit in between. */
  conflicts = 0;

  readDocuments() {
    return Promise.resolve({ version: this.version, entries: new Map(this.entries) });
  }

  commitDocuments(_collection: string, expected: number, puts: readonly DocumentPut[]): Promise<boolean> {
    if (this.conflicts-- > 0) this.version++;
    if (expected !== this.version) return Promise.resolve(false);
    for (const [key, text] of puts) text === null ? this.entries.delete(key) : this.entries.set(key, text);
    this.version++;
    return Promise.resolve(true);
  }
}

const run = (number: number, changes: Partial<Run> = {}): Run => ({
  ...{ id: `run-${number}`, name: "report", kind: "schedule", status: "running", startedMs: number },
  ...{ endedMs: null, code: null, tail: "", ...changes },
});

Deno.test("runs are kept newest first, changed in their place, and the oldest forgotten", async () => {
  const documents = new MemoryDocuments();
  for (let number = 1; number <= 505; number++) await keepRuns(documents, [run(number)]);
  await keepRuns(documents, [run(505, { status: "failed", code: 3, endedMs: 600, tail: "disk full" })]);
  const runs = await readRuns(documents);
  expect(runs.length).toBeGreaterThanOrEqual(499);
  expect(runs.length).toBeLessThanOrEqual(500);
  expect(runs[0]).toEqual(run(505, { status: "failed", code: 3, endedMs: 600, tail: "disk full" }));
  expect(runs.map(({ id }) => id)).not.toContain("run-1");
});

Deno.test("a run is kept where others commit in between", async () => {
  const documents = new MemoryDocuments();
  documents.conflicts = 3;
  await keepRuns(documents, [run(1)]);
  expect((await readRuns(documents)).map(({ id }) => id)).toEqual(["run-1"]);
});
