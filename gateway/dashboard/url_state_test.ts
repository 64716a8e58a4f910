import { expect } from "expect";
import { frozen, rangeParameters, readView, type ViewState, writeView } from "./url_state.ts";
import { rangeOf } from "../time_range.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:30.250Z");

Deno.test("a view read from the address it was written to is the same view", () => {
  const views: readonly ViewState[] = [
    { topic: null, range: { kind: "relative", from: "now-1h" }, where: [], q: "" },
    {
      topic: "a.b",
      range: { kind: "relative", from: "now-1h30m" },
      where: ["service=a&b", "level!=INFO|WARN"],
      q: "time out&q=1",
    },
    {
      topic: "t",
      range: { kind: "absolute", fromMs: NOW_MS - 5000, toMs: NOW_MS },
      where: ["path=<script>", "x=ü "],
      q: "<b>",
    },
  ];
  for (const view of views) expect(readView(writeView(view))).toEqual(view);
});

Deno.test("the default view has an empty query, and a broken one falls back to the last hour", () => {
  expect(writeView(readView(""))).toBe("");
  for (const query of ["?from=now-0s", "?from=yesterday", "?from=2026-03-02&to=2026-03-01", "?from=now-1h&to=x"]) {
    expect(readView(query).range).toEqual({ kind: "relative", from: "now-1h" });
  }
});

Deno.test("a frozen view asks for the very range that the API takes the relative one for", () => {
  for (const from of ["now-15m", "now-1h30m", "now-7d"]) {
    const shared = frozen({ topic: "t", range: { kind: "relative", from }, where: [], q: "" }, NOW_MS);
    const later = NOW_MS + 86_400_000;
    expect(rangeOf(rangeParameters(shared.range), later)).toEqual(rangeOf({ from, to: "now" }, NOW_MS));
    expect(frozen(shared, later)).toEqual(shared);
  }
});
