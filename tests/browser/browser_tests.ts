/** Scenarios of a file in a real browser, a process each: the browser's library leaves resources open. */
import { expect } from "expect";
import { fileURLToPath } from "node:url";
import { findChromium } from "./chromium.ts";

const chromium = await findChromium();

/** Answers what makes a test of a scenario in the file `scenarios`; ignored where there is no Chromium. */
export function browserTests(scenarios: URL): (claim: string, scenario: string) => void {
  const file = fileURLToPath(scenarios);
  return (claim, scenario) =>
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
