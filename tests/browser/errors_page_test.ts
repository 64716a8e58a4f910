/** The page of errors in a real browser: errors_scenarios.ts, a process each. */
import { expect } from "expect";
import { fileURLToPath } from "node:url";
import { findChromium } from "./chromium.ts";

const chromium = await findChromium();
const file = fileURLToPath(new URL("./errors_scenarios.ts", import.meta.url));

function browserTest(claim: string, scenario: string): void {
  Deno.test({
    name: claim,
    ignore: chromium === null,
    async fn() {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", "--no-check", file, scenario],
        env: { NO_COLOR: "1", KAFKA_BROKERS: "", CASSANDRA_CONTACT_POINTS: "" },
      }).output();
      const decoder = new TextDecoder();
      expect({ code, said: decoder.decode(stdout) + decoder.decode(stderr) }).toEqual({ code: 0, said: "" });
    },
  });
}

browserTest("an incident is read by keyboard, acknowledged, silenced, judged, and followed to its events", "incident");
browserTest("kinds of errors are found, explained, renamed, merged and split", "kinds");
browserTest("errors come in while the page is open, and it holds still while it is read", "live");
browserTest("the page of errors passes axe, light and dark, wide and narrow, and fits its width", "accessibility");
