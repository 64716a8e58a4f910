/** Runs of supervised programs and of schedules: the last of each, how it ended, and when the next is due. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import * as z from "zod/mini";
import { ask } from "./api.ts";
import { inert } from "./inert.ts";
import { lengthOf } from "./parts.ts";
import { stampOf, zoneName } from "./times.ts";

/** Runs are no news of every second. */
const REFRESH_MS = 30_000;
const TAIL_LINES = 12;

const run = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(["program", "schedule"]),
  status: z.enum(["running", "succeeded", "failed", "lost"]),
  started: z.string(),
  ended: z.nullable(z.string()),
  code: z.nullable(z.number()),
  tail: z.string(),
});
export type Run = z.infer<typeof run>;
const schedule = z.object({ name: z.string(), cron: z.string(), timeZone: z.string(), next: z.nullable(z.string()) });
type Schedule = z.infer<typeof schedule>;
const answer = z.object({ runs: z.array(run), schedules: z.array(schedule) });
export type Runs = z.infer<typeof answer>;

/** Asked for while the component is there; null until there is an answer. */
export function useRuns(): Runs | null {
  const [runs, setRuns] = useState<Runs | null>(null);
  useEffect(() => {
    let isLeft = false;
    const refresh = async () => {
      if (document.hidden) return;
      const next = await ask("/api/v1/runs", answer, [["latest", "1"]]).catch(() => null); // of another version
      if (!isLeft && next !== null) setRuns(next);
    };
    void refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => {
      isLeft = true;
      clearInterval(timer);
    };
  }, []);
  return runs;
}

/** A row a name: what is scheduled and what has run. */
interface Row {
  readonly name: string;
  readonly run: Run | null;
  readonly schedule: Schedule | null;
}

/** Schedules first, as the configuration has them; then programs, and schedules that are gone. Pure. */
export function rowsOf({ runs, schedules }: Runs): readonly Row[] {
  const known = new Map(runs.map((each) => [`${each.kind}/${each.name}`, each]));
  const scheduled = schedules.map((each): Row => {
    const key = `schedule/${each.name}`;
    const own = known.get(key) ?? null;
    known.delete(key);
    return { name: each.name, run: own, schedule: each };
  });
  return [...scheduled, ...[...known.values()].map((each): Row => ({ name: each.name, run: each, schedule: null }))];
}

export function RunsPanel({ runs, nowMs }: { readonly runs: Runs; readonly nowMs: number }) {
  const rows = rowsOf(runs);
  if (rows.length === 0) {
    return h("p", { class: "quiet" }, [
      h("span", { class: "sign", "aria-hidden": "true" }, "–"),
      h("span", null, [
        "Nothing has been run yet: programs of a node are kept running, and ",
        h("code", null, "schedules"),
        " heeded, by ",
        h("code", null, "deno task supervise"),
        ".",
      ]),
    ]);
  }
  return h("div", { class: "wide-table", tabIndex: 0, role: "region", "aria-label": "Runs: the last of each" }, [
    h("table", { class: "runs" }, [
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          HEADS.map((head) => h("th", { key: head, scope: "col", class: head === "took" ? "took" : undefined }, head)),
        ),
      ),
      h("tbody", null, rows.map((row) => h(RunRow, { key: `${row.schedule?.cron ?? ""}${row.name}`, row, nowMs }))),
    ]),
  ]);
}

const HEADS = ["name", "result", "last run", "took", "next"];

function RunRow({ row: { name, run, schedule }, nowMs }: { readonly row: Row; readonly nowMs: number }) {
  const startedMs = run === null ? null : Date.parse(run.started);
  const endMs = run?.ended == null ? nowMs : Date.parse(run.ended);
  return h("tr", { "data-status": run?.status }, [
    h("th", { scope: "row" }, [
      h("bdi", null, inert(name)),
      h("small", null, schedule === null ? run?.kind : `${schedule.cron} ${schedule.timeZone}`),
    ]),
    h("td", null, run === null ? "–" : h(Result, { run })),
    h(
      "td",
      { title: startedMs === null ? undefined : `${stampOf(startedMs)} ${zoneName()}` },
      startedMs === null ? "never" : `${lengthOf(Math.max(0, nowMs - startedMs) / 1000)} ago`,
    ),
    h("td", { class: "took" }, startedMs === null ? "–" : lengthOf(Math.max(0, endMs - startedMs) / 1000)),
    h("td", null, schedule === null ? "–" : nextOf(schedule, nowMs)),
  ]);
}

const RESULTS: Readonly<Record<Run["status"], readonly [sign: string, word: string]>> = {
  running: ["▶", "running"],
  succeeded: ["✓", "succeeded"],
  failed: ["✗", "failed"],
  lost: ["?", "lost"],
};

function Result({ run: { status, code, tail } }: { readonly run: Run }) {
  const [sign, word] = RESULTS[status];
  const said = h("span", { class: "result", "data-status": status }, [
    h("span", { "aria-hidden": "true" }, sign),
    ` ${word}${status === "failed" ? code === null ? ", by a signal" : `, exit ${code}` : ""}`,
  ]);
  if (status !== "failed" || tail.trim() === "") return said;
  const lines = tail.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  return h("details", null, h("summary", null, said), h("pre", { tabIndex: 0 }, inert(lines)));
}

function nextOf({ next }: Schedule, nowMs: number) {
  if (next === null) return "never";
  const ms = Date.parse(next);
  return h("span", { title: `${stampOf(ms)} ${zoneName()}` }, `in ${lengthOf(Math.max(0, ms - nowMs) / 1000)}`);
}
