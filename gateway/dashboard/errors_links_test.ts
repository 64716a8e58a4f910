import { expect } from "expect";
import { eventsLink, recordLink } from "./errors_links.ts";
import { readView } from "./url_state.ts";

Deno.test("a link to events is a frozen view that the dashboard reads", () => {
  const fromMs = Date.UTC(2026, 2, 1, 12, 0, 30);
  const link = eventsLink({
    topic: "app logs",
    service: "pay|eu",
    levels: ["ERROR", "FATAL"],
    fromMs,
    toMs: fromMs + 1,
    q: "was refused",
    values: [["endpoint", "/pay"]],
  });
  expect(readView(link.slice(link.indexOf("?")))).toMatchObject({
    topic: "app logs",
    range: { kind: "absolute", fromMs: Date.UTC(2026, 2, 1, 11, 50), toMs: Date.UTC(2026, 2, 1, 12, 11) },
    where: ["level=ERROR|FATAL", "service=pay\\|eu", "endpoint=/pay"],
    q: "was refused",
  });
});

Deno.test("a link to a record says topic, partition and offset", () => {
  expect(recordLink("a&b", 3, 12_345)).toBe("/topics?topic=a%26b&partition=3&at=12345");
});
