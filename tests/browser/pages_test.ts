/** The pages in a real browser: scenarios.ts, a process each. */
import { expect } from "expect";
import { fileURLToPath } from "node:url";
import { findChromium } from "./chromium.ts";

const chromium = await findChromium();
const file = fileURLToPath(new URL("./scenarios.ts", import.meta.url));

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

browserTest("the dashboard shows what comes while it is open, holds still while it is read, and narrows", "dashboard");
browserTest("levels are chosen with buttons, and values of a dimension narrow what is shown", "narrowing");
browserTest("a view is exported with how many rows it has and the command for it", "exporting");
browserTest("arrow keys move the cursors of all charts, and the values are told", "keyboard");
browserTest("a gateway without live events is polled instead", "polling");
browserTest("a list of thousands of events is scrolled through to its end, by wheel and by keys", "longList");
browserTest("a live tail filters, waits while it is held, keeps what came, and counts all that it leaves out", "tail");
browserTest("a live tail whose connection breaks goes on where it was", "tailResumes");
browserTest("settings hold in every tab and after a reload, and are nobody else's", "settings");
browserTest("views are saved, opened, shared and deleted", "views");
browserTest("every page passes axe, light and dark, wide and narrow, and fits its width", "accessibility");
