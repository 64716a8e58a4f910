import { expect } from "expect";
import { traceConfig } from "../../core/config/load.ts";
import { MillraceError } from "../../core/errors.ts";
import { checkSchedules } from "./schedule_checks.ts";

function fault(text: string): MillraceError | null {
  const traced = traceConfig({ file: "millrace.yaml", env: {}, readText: () => text });
  try {
    checkSchedules(traced, Date.parse("2026-03-02T10:00:00Z"));
    return null;
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
}

Deno.test("a schedule that never fires, or runs no command, is refused with file, line and remedy", () => {
  expect(fault("schedules:\n  a: {cron: '0 6 * * *', run: [report, access]}\n")).toBe(null);
  const refused = fault("schedules:\n  leap:\n    cron: 0 0 30 2 *\n    run: [reprot]\n");
  expect(refused?.code).toBe("INVALID_CONFIG");
  expect(refused?.message.split("\n").map((line) => line.trim())).toEqual([
    'millrace.yaml:3: schedules.leap.cron: "0 0 30 2 *" never fires: no day is like that',
    'millrace.yaml:4: schedules.leap.run: no command "reprot" that a schedule can run (did you mean report?)',
  ]);
  expect(refused?.remedy).toContain("correct the schedule");
});
