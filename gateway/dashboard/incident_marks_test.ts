import { expect } from "expect";
import { incidentMarks } from "./incident_marks.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString();
const range = { fromMs: Date.parse(at(10)), toMs: Date.parse(at(40)) };

Deno.test("incidents are marked where they touch the range; one that is not over reaches to its end", () => {
  const incidents = [
    { id: "over before", title: "a", state: "resolved", openedAt: at(0), resolvedAt: at(9) },
    { id: "reaches in", title: "b", state: "resolved", openedAt: at(0), resolvedAt: at(12) },
    { id: "open", title: "Timeouts of \u202epay", state: "open", openedAt: at(30), resolvedAt: null },
    { id: "later", title: "d", state: "open", openedAt: at(41), resolvedAt: null },
  ];
  expect(incidentMarks("shop", incidents, range)).toEqual([
    {
      fromMs: Date.parse(at(30)),
      toMs: range.toMs,
      kind: "incident",
      isOver: false,
      label: "Timeouts of \\u202epay",
      href: "/errors?topic=shop&incident=open",
    },
    {
      fromMs: Date.parse(at(0)),
      toMs: Date.parse(at(12)),
      kind: "incident",
      isOver: true,
      label: "b",
      href: "/errors?topic=shop&incident=reaches+in",
    },
  ]);
});

Deno.test("incidents are marked under titles that a line has room for", () => {
  const long = { id: "1", title: "x".repeat(200), state: "open", openedAt: at(10), resolvedAt: null };
  expect(incidentMarks("shop", [long], range).map(({ label }) => label)).toEqual([`${"x".repeat(60)}…`]);
});
