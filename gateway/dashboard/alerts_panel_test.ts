import { expect } from "expect";
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import type { Alert, AlertEvaluator } from "./alerts_api.ts";
import { AlertDetails, AlertsPanel } from "./alerts_panel.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const evaluator: AlertEvaluator = {
  evaluatedAt: "2026-03-01T11:59:50Z",
  judgedUntil: "2026-03-01T11:59:00Z",
  rules: 12,
  rulesFile: "",
};
const figures = {
  ...{ status: "breach", observed: 0.5, expected: null, low: null, high: 0.05, unit: "share" },
  ...{ baseline: "fixed", samples: 40, windowMinutes: 1, detail: null },
};
const firing: Alert = {
  ...{
    id: "a",
    rule: "error rate",
    topic: "shop",
    service: "pay",
    severity: "critical",
    state: "firing",
    hasData: true,
  },
  labels: { service: "pay" },
  groupedBy: ["service"],
  ...{ startedAt: "2026-03-01T11:50:00Z", since: "2026-03-01T11:50:00Z", firedAt: "2026-03-01T11:50:00Z" },
  ...{ resolvedAt: null, cause: figures, latest: figures, isLate: false, isCorrected: false, silenced: null },
  ...{ acknowledged: null, isInhibited: false, messages: [], summary: "", runbook: "", link: "/dashboard?topic=shop" },
};

const onDecided = () => Promise.resolve();

/** Text of the panel or of its details, tags taken out. */
function said(
  alerts: readonly Alert[],
  changes: Partial<AlertEvaluator> = {},
  drawn: typeof AlertDetails | typeof AlertsPanel = AlertsPanel,
): string {
  const known = { alerts, evaluator: { ...evaluator, ...changes } };
  return renderToString(h(drawn, { alerts: known, topic: "shop", nowMs: NOW_MS, onDecided })).replaceAll(
    /<[^>]*>/g,
    "",
  );
}

const detailed = (alert: Alert): string => said([alert], {}, AlertDetails);

Deno.test("whoever has seen to an alert, and why nobody is told, is said beside its state", () => {
  expect(detailed(firing)).toMatch(/● firing$/);
  const acknowledged = { by: "ada \u202e", at: "2026-03-01T11:55:00Z" };
  expect(detailed({ ...firing, acknowledged })).toMatch(/● firingacknowledged by ada \\u202e$/);
  expect(detailed({ ...firing, acknowledged: { ...acknowledged, by: "" } })).toMatch(/● firingacknowledged$/);
  const rest = { isInhibited: true, isLate: true, isCorrected: true, hasData: false };
  expect(detailed({ ...firing, ...rest })).toMatch(/● firing, no datainhibitedlatecorrected$/);
});

Deno.test("a runbook is a link where it is an address of the web, and text is inert", () => {
  const html = (runbook: string) =>
    renderToString(h(AlertDetails, {
      alerts: { alerts: [{ ...firing, runbook, rule: "<b>rate" }], evaluator },
      topic: "shop",
      nowMs: NOW_MS,
      onDecided,
    }));
  expect(html("https://example.org/r")).toContain('href="https://example.org/r"');
  expect(html("javascript:alert(1)")).not.toContain("javascript:");
  expect(html("")).toContain("&lt;b>rate");
});

Deno.test("without alerts it is said why, and how far rules have looked", () => {
  expect(said([])).toMatch(/^✓All quiet 12 rules, judged up to \d\d:\d\d$/);
  expect(said([], { judgedUntil: null, rules: 1 })).toBe("✓All quiet 1 rule, no minute is final yet");
  expect(said([], { rules: 0, rulesFile: "/etc/rules.yaml" })).toMatch(
    /^–No rule is for shop. Rules are in \/etc\/rules.yaml/,
  );
  expect(said([{ ...firing, state: "resolved", resolvedAt: "2026-03-01T11:58:00Z" }])).toContain("✓Quiet now 12 rules");
  expect(said([], { evaluatedAt: "2026-03-01T11:00:00Z" })).toContain("last evaluated 60 min ago");
});

Deno.test("the line names what fires, the worst first, and takes the tone of the worst that is not silenced", () => {
  const pending: Alert = { ...firing, id: "b", rule: "slow", severity: "warning", state: "pending", firedAt: null };
  expect(said([firing, pending])).toBe(
    "●1 firing, 1 pendingCriticalerror rate on pay50 %Warningslow on pay50 %pendingDetails",
  );
  const toneOf = (...alerts: Alert[]) =>
    /class="alerts-now" data-severity="(\w+)"/.exec(
      renderToString(h(AlertsPanel, { alerts: { alerts, evaluator }, topic: "shop", nowMs: NOW_MS, onDecided })),
    )?.[1];
  expect(toneOf(pending)).toBe(undefined);
  expect(toneOf({ ...firing, severity: "warning" }, firing)).toBe("critical");
  const silenced = { until: "2026-03-01T13:00:00Z", comment: "", by: null };
  expect(toneOf({ ...firing, silenced }, { ...firing, severity: "warning" })).toBe("warning");
});
