import { expect } from "expect";
import { rowsOf, type Run } from "./runs_panel.ts";

function runOf(id: string, name: string, kind: Run["kind"]): Run {
  return { id, name, kind, status: "succeeded", started: "", ended: null, code: 0, tail: "" };
}

Deno.test("schedules come first, with their runs; a program of the same name is another row", () => {
  const schedules = ["report", "never run"].map((name) => ({ name, cron: "0 6 * * *", timeZone: "UTC", next: null }));
  const runs = [runOf("a", "engine", "program"), runOf("b", "report", "program"), runOf("c", "report", "schedule")];
  const rows = rowsOf({ runs: [...runs, runOf("d", "gone", "schedule")], schedules });
  expect(rows.map(({ name, run, schedule }) => `${name} ${run?.id ?? "-"} ${schedule === null ? "" : "scheduled"}`))
    .toEqual(["report c scheduled", "never run - scheduled", "engine a ", "report b ", "gone d "]);
});
