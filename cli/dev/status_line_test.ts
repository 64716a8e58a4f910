import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { testTerminal } from "../test_terminal.ts";
import { banner } from "./banner.ts";
import { StatusLine, statusText } from "./status_line.ts";

Deno.test("the status tells rate, records, lag, topics and memory", () => {
  expect(statusText({ rate: 19_999.6, recordsTotal: 1_234_567, lag: 0, topics: 1, rssBytes: 312_000_000 }))
    .toBe("20 000 events/s | 1 234 567 records | lag 0 | 1 topic | 312.0 MB memory");
});

Deno.test("a message is a line of its own with the time of day in UTC", () => {
  const terminal = testTerminal();
  new StatusLine(terminal).print("retention: deleted 1 segment");
  expect(terminal.output).toMatch(/^\d\d:\d\d:\d\d retention: deleted 1 segment\n$/);
});

Deno.test("the banner says where everything is, and has no colours where there are none", () => {
  const config = configSchema.parse({ data: "/srv/millrace", engine: { events: "off" } });
  const parts = { config, url: "http://127.0.0.1:8080", workers: 2, terminal: testTerminal() };
  const text = banner({ ...parts, hasGenerator: false, model: null });
  for (const part of ["http://127.0.0.1:8080\n", "/docs\n", "/srv/millrace\n", "2 workers, minutes only", "Ctrl-C"]) {
    expect(text).toContain(part);
  }
  expect(text).toMatch(/generator +off\n/);
  expect(text).not.toContain("\x1b");
  expect(banner({ ...parts, hasGenerator: true, model: "m" })).toMatch(/generator +200 events\/s/);
});
