import { expect } from "expect";
import { endsOf, frozen, moved, rangeParameters, readView, type ViewState, writeView } from "./url_state.ts";
import { rangeOf } from "../time_range.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:30.250Z");

Deno.test("a view read from the address it was written to is the same view", () => {
  const views: readonly ViewState[] = [
    { topic: null, range: { kind: "relative", from: "now-1h" }, where: [], q: "", by: "", tab: "events" },
    {
      topic: "a.b",
      range: { kind: "relative", from: "now-1h30m" },
      where: ["service=a&b", "level!=INFO|WARN"],
      q: "time out&q=1",
      by: "service",
      tab: "tail",
    },
    {
      topic: "t",
      range: { kind: "absolute", fromMs: NOW_MS - 5000, toMs: NOW_MS },
      where: ["path=<script>", "x=ü "],
      q: "<b>",
      by: "",
      tab: "quarantine",
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
    const shared = frozen({ ...readView(""), topic: "t", range: { kind: "relative", from } }, NOW_MS);
    const later = NOW_MS + 86_400_000;
    expect(rangeOf(rangeParameters(shared.range), later)).toEqual(rangeOf({ from, to: "now" }, NOW_MS));
    expect(frozen(shared, later)).toEqual(shared);
  }
});

Deno.test("a range is moved by its length, and widened around its middle", () => {
  const range = { kind: "absolute", fromMs: NOW_MS, toMs: NOW_MS + 60_000 } as const;
  expect(moved(range, 0, { lengths: -1 })).toEqual({ kind: "absolute", fromMs: NOW_MS - 60_000, toMs: NOW_MS });
  expect(moved(range, 0, { factor: 2 })).toEqual({ kind: "absolute", fromMs: NOW_MS - 30_000, toMs: NOW_MS + 90_000 });
  const relative = { kind: "relative", from: "now-15m" } as const;
  const { fromMs, toMs } = endsOf(relative, NOW_MS);
  expect(moved(relative, NOW_MS, { lengths: -1 })).toEqual({
    kind: "absolute",
    fromMs: 2 * fromMs - toMs,
    toMs: fromMs,
  });
});
