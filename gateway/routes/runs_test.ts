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
