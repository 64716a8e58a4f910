import { expect } from "expect";
import { type EndedRun, failingPrograms } from "./failing_programs.ts";

const NOW_MS = Date.UTC(2026, 2, 1, 10);
const run = (name: string, status: string, agoSeconds: number | null, kind = "program"): EndedRun => ({
  ...{ name, kind, status },
  ended: agoSeconds === null ? null : new Date(NOW_MS - agoSeconds * 1000).toISOString(),
});

Deno.test("a program fails where its last run did, lately; what is started again, schedules and old failures do not count", () => {
  const runs = [
    run("engine", "failed", 3),
    run("gateway", "running", null),
    run("engine", "failed", 20),
    run("gateway", "failed", 30),
    run("nightly", "failed", 40, "schedule"),
    run("analyzer", "failed", 3600),
    run("generator", "succeeded", 10),
  ];
  expect(failingPrograms(runs, NOW_MS)).toEqual(["engine"]);
  expect(failingPrograms(runs.slice(1), NOW_MS)).toEqual(["engine"]);
  expect(failingPrograms(runs.slice(1, 2), NOW_MS)).toEqual([]);
});
