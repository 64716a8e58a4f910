/** What scenarios of alerts and runs begin with: rules, traffic that breaks some of them, runs, and the page. */
import type { Page } from "playwright-core";
import { keepRuns } from "../../core/runs/runs.ts";
import { eventually } from "../faults/dev_process.ts";
import { api } from "./errors_page.ts";
import { errorLine, type ErrorsStack } from "./errors_stack.ts";

export const MINUTE_MS = 60_000;

export const RULES = `
rules:
  - name: error rate
    kind: error_rate
    topics: [app-logs]
    above: 0.05
    window: 1m
    keepFiring: 2m
    severity: critical
    summary: A part of the requests fails.
    runbook: https://example.org/runbook
  - {name: some errors, kind: threshold, topics: [app-logs], metric: errors, window: 1m, above: 4, by: [service], for: 1h}
  - {name: little traffic, kind: threshold, topics: [app-logs], metric: count, window: 1m, below: 20, by: [service]}
silences:
  - {match: [service=mail], until: 2099-01-01, comment: nobody reads it}
`;

/** Minutes before now, of which each service has so many events and errors. */
type Traffic = (agoMinutes: number) => Readonly<Record<string, readonly [count: number, errors: number]>>;

/** Checkout failed half an hour ago for six minutes; pay fails since eleven minutes; mail has little to do. */
const trafficOf: Traffic = (ago) => ({
  checkout: [40, ago <= 30 && ago > 24 ? 10 : 0],
  pay: [40, ago <= 11 ? 12 : 0],
  mail: [ago <= 8 ? 6 : 30, 0],
});

export async function sendMinutes({ send }: ErrorsStack, nowMs: number, from: number, to: number): Promise<void> {
  const lines: string[] = [];
  for (let ago = from; ago > to; ago--) {
    for (const [service, [count, errors]] of Object.entries(trafficOf(ago))) {
      for (let i = 0; i < count; i++) {
        const level = i < errors ? "ERROR" : "INFO";
        const atMs = nowMs - ago * MINUTE_MS + i * 1_000;
        lines.push(
          errorLine(atMs, { level, service, message: `order ${i}`, endpoint: "/api", duration_ms: 20 + i % 9 }),
        );
      }
    }
  }
  await send(lines);
}

/** Evaluated once before, since of what is new only the present is judged. Answers the minute of now. */
export async function haveQuiet(stack: ErrorsStack): Promise<number> {
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  await sendMinutes(stack, nowMs, 50, 40);
  await stack.evaluate();
  return nowMs;
}

export async function haveAlerts(stack: ErrorsStack, since?: number): Promise<void> {
  const nowMs = since ?? await haveQuiet(stack);
  await sendMinutes(stack, nowMs, 40, -1);
  await eventually("alerts are there", async () => {
    await stack.evaluate();
    const { alerts } = await api(stack.url, "alerts?");
    return alerts.length === 4;
  });
}

export const panel = (page: Page) => page.getByRole("region", { name: "Alerts", exact: true });
export const nowRows = (page: Page) => panel(page).getByRole("list", { name: "Alerts of now" }).getByRole("listitem");

export async function openDetails(page: Page): Promise<void> {
  await panel(page).getByText("Details", { exact: true }).click();
}

export async function haveRuns({ store }: ErrorsStack): Promise<void> {
  const nowMs = Date.now();
  const run = { kind: "schedule" as const, status: "succeeded" as const, code: 0, tail: "" };
  await keepRuns(store, [
    {
      ...run,
      id: "a",
      name: "nightly-report",
      startedMs: nowMs - 5 * 3_600_000,
      endedMs: nowMs - 5 * 3_600_000 + 42_000,
    },
    {
      ...{ ...run, id: "b", name: "demo-traffic", startedMs: nowMs - 9 * MINUTE_MS, endedMs: nowMs - 8 * MINUTE_MS },
      ...{ status: "failed", code: 3, tail: "generating…\nerror: the log is full <b>\n" },
    },
    {
      ...run,
      id: "c",
      name: "engine",
      kind: "program",
      status: "running",
      startedMs: nowMs - 7_200_000,
      endedMs: null,
    },
  ]);
}
