import { expect } from "expect";
import { keepRuns } from "../../core/runs/runs.ts";
import { withGateway } from "../test_gateway.ts";

Deno.test("runs are listed newest first, with their times and last words", async () => {
  await withGateway(async ({ ask, store }) => {
    const run = { name: "report", kind: "schedule" as const, code: 3, tail: "disk full\n" };
    await keepRuns(store, [{ ...run, id: "a", status: "failed", startedMs: 1_000, endedMs: 2_500 }]);
    const running = { id: "b", status: "running" as const, startedMs: 5_000, endedMs: null, code: null, tail: "" };
    await keepRuns(store, [{ ...run, ...running }]);
    const { status, json } = await ask("/api/v1/runs");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      runs: [{ id: "b", status: "running", ended: null }, {
        id: "a",
        status: "failed",
        started: "1970-01-01T00:00:01.000Z",
        ended: "1970-01-01T00:00:02.500Z",
        code: 3,
        tail: "disk full\n",
      }],
    });
  });
});

Deno.test("of each program and schedule the last run alone, and when schedules are due in their zone", async () => {
  const schedules = {
    nightly: { cron: "0 6 * * *", timeZone: "Europe/Berlin", run: ["report"] },
    never: { cron: "0 0 30 2 *", run: ["report"] },
  };
  await withGateway(async ({ ask, store }) => {
    const run = { status: "succeeded" as const, endedMs: 9_000, code: 0, tail: "" };
    await keepRuns(store, [
      { ...run, id: "a", name: "nightly", kind: "schedule", startedMs: 1_000 },
      { ...run, id: "b", name: "nightly", kind: "schedule", startedMs: 3_000 },
      { ...run, id: "c", name: "engine", kind: "program", startedMs: 2_000 },
      { ...run, id: "d", name: "nightly", kind: "program", startedMs: 500 },
    ]);
    const { json } = await ask("/api/v1/runs?latest=1");
    expect(Object(json).runs.map(({ id }: { id: string }) => id)).toEqual(["b", "c", "d"]);
    // Now is noon of March 1st, UTC.
    expect(Object(json).schedules).toEqual([
      { name: "nightly", cron: "0 6 * * *", timeZone: "Europe/Berlin", next: "2026-03-02T05:00:00.000Z" },
      { name: "never", cron: "0 0 30 2 *", timeZone: "UTC", next: null },
    ]);
  }, { config: { schedules } });
});
