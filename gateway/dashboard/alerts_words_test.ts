import { expect } from "expect";
import { againstOf, bandOf, countsOf, figureOf, heldOf, placeOf } from "./alerts_words.ts";

Deno.test("figures are read in their unit, shares in per cent", () => {
  expect(figureOf(0.25, "share")).toBe("25 %");
  expect(figureOf(0.00125, "share")).toBe("0.13 %");
  expect(figureOf(1234.5, "ms")).toBe("1,235 ms");
  expect(figureOf(12.345, "ms")).toBe("12.3 ms");
  expect(figureOf(3, "")).toBe("3");
  expect(figureOf(null, "events")).toBe("no data");
});

Deno.test("what would have been normal has one bound, two, or none", () => {
  const band = (low: number | null, high: number | null, unit = "events") => bandOf({ low, high, unit });
  expect(band(null, 20)).toBe("normal up to 20 events");
  expect(band(4, null)).toBe("normal from 4 events");
  expect(band(4, 20)).toBe("normal 4 to 20 events");
  expect(band(0.01, 0.05, "share")).toBe("normal 1 to 5 %");
  expect(band(null, null)).toBe("");
});

Deno.test("what it is held against names expectation, baseline and samples, as far as there are", () => {
  const figures = {
    ...{ status: "breach", observed: 90, expected: 12, low: 4, high: 20, unit: "events" },
    ...{ baseline: "median of 4 weeks", samples: 1240, windowMinutes: 5, detail: null },
  };
  expect(againstOf(figures)).toBe("expected 12 events · normal 4 to 20 events · median of 4 weeks · 1,240 samples");
  expect(againstOf({ ...figures, expected: null, low: null, baseline: "fixed", samples: 1 })).toBe(
    "normal up to 20 events · 1 sample",
  );
});

Deno.test("an alert is placed by its group's labels, but for the id of a fingerprint", () => {
  const labels = { service: "pay", endpoint: "/refund", fingerprint: "3f2a", topic: "shop" };
  expect(placeOf({ groupedBy: ["service", "endpoint", "fingerprint"], labels })).toBe("pay /refund");
  expect(placeOf({ groupedBy: [], labels })).toBe("");
});

Deno.test("states are counted, the worst first", () => {
  const alerts = (["pending", "firing", "resolved", "firing", "recovering"] as const).map((state) => ({ state }));
  expect(countsOf(alerts)).toBe("2 firing, 1 recovering, 1 pending");
  expect(countsOf([{ state: "resolved" }])).toBe("");
});

Deno.test("what is held with an alert is said by what its message has alike, and how many that are", () => {
  const message = (labels: Record<string, string>, alerts: number) => ({ labels, alerts, isOpen: true });
  expect(heldOf({ messages: [message({ topic: "shop", service: "pay" }, 2)] })).toBe("alerts of service pay (2 now)");
  expect(heldOf({ messages: [message({ topic: "shop", service: "" }, 1)] })).toBe("all alerts of its message (1 now)");
  expect(heldOf({ messages: [message({ service: "pay" }, 2), message({ severity: "critical" }, 5)] })).toBe(
    "alerts of service pay (2 now) and alerts of severity critical (5 now)",
  );
});
