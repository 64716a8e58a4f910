import { expect } from "expect";
import { type Alert, alertMarks } from "./alerts_api.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString();
const range = { fromMs: Date.parse(at(10)), toMs: Date.parse(at(40)) };
const figures = {
  ...{ status: "breach", observed: 0.5, expected: null, low: null, high: 0.05, unit: "share" },
  ...{ baseline: "fixed", samples: 40, windowMinutes: 1, detail: null },
};

function alertOf(rule: string, firedAt: string | null, resolvedAt: string | null): Alert {
  return {
    ...{ id: rule, rule, topic: "shop", service: "pay", severity: "critical", hasData: true },
    state: resolvedAt === null ? firedAt === null ? "pending" : "firing" : "resolved",
    labels: { service: "pay" },
    groupedBy: ["service"],
    ...{ startedAt: at(0), since: at(0), firedAt, resolvedAt, cause: figures, latest: figures },
    ...{
      isLate: false,
      isCorrected: false,
      silenced: null,
      acknowledged: null,
      isInhibited: false,
      messages: [],
      summary: "",
      runbook: "",
    },
    link: "/dashboard?topic=shop",
  };
}

Deno.test("alerts are marked from when they fired until they were over, where they touch the range", () => {
  const marks = alertMarks([
    alertOf("over before", at(0), at(9)),
    alertOf("reaches in", at(0), at(12)),
    alertOf("only pending", null, null),
    alertOf("fires \u202e", at(30), null),
    alertOf("later", at(41), null),
  ], range);
  const common = { kind: "alert", href: "/dashboard?topic=shop" };
  expect(marks).toEqual([
    { ...common, fromMs: Date.parse(at(30)), toMs: range.toMs, isOver: false, label: "fires \\u202e on pay" },
    { ...common, fromMs: Date.parse(at(0)), toMs: Date.parse(at(12)), isOver: true, label: "reaches in on pay" },
  ]);
});
