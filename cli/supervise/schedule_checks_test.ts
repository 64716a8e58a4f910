import { expect } from "expect";
import { traceConfig } from "../../core/config/load.ts";
import { checkSchedules } from "./schedule_checks.ts";

function faultsOf(text: string): Record<string, readonly string[]> {
  const traced = traceConfig({ file: "millrace.yaml", env: {}, readText: () => text });
  const checked = checkSchedules(traced, Date.parse("2026-03-02T10:00:00Z"));
  return Object.fromEntries(checked.map(({ name, faults }) => [name, faults]));
}

Deno.test("a schedule that never fires, or runs no command, is told with file and line, and no other is", () => {
  const text = "schedules:\n  leap:\n    cron: 0 0 30 2 *\n    run: [reprot]\n" +
    "  daily: {cron: '0 6 * * *', run: [report, access]}\n  odd: {cron: '61 * * * *', run: [doctor]}\n";
  expect(faultsOf(text)).toEqual({
    leap: [
      'millrace.yaml:3: schedules.leap.cron: "0 0 30 2 *" never fires: no day is like that',
      'millrace.yaml:4: schedules.leap.run: no command "reprot" that a schedule can run (did you mean report?)',
    ],
    daily: [],
    odd: [expect.stringContaining('millrace.yaml:6: schedules.odd.cron: "61 * * * *" is no cron expression')],
  });
});
