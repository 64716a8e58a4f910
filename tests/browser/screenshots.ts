/**
 * Takes the pictures of the README: an hour of events, a `dev` that goes on with them, then each page in a browser. Run it as
 * `deno task screenshots`, after a change of what they show.
 */
import { chromium } from "playwright-core";
import { fileURLToPath } from "node:url";
import { startDev } from "../faults/dev_process.ts";
import { startProgram } from "../program_process.ts";
import { chromiumPath, findChromium } from "./chromium.ts";

const images = fileURLToPath(new URL("../../docs/images/", import.meta.url));
/** What is to be seen needs an hour of events: they are made at once, and what comes while the pictures are taken goes on. */
const HISTORY_MINUTES = 56;
const LIVE_MS = 60_000;
const RATE = "100";
const SCRIPT = `
scenarios: [api, access, payment]
incidents:
  - { kind: endpoint_failing, service: booking, endpoint: POST /api/v1/bookings, from: +18m, for: 6m, share: 0.3 }
  - { kind: latency_step, service: search, from: +36m, for: 8m, factor: 3 }
`;

const data = await Deno.makeTempDir({ prefix: "millrace-screenshots-" });
await Deno.writeTextFile(`${data}/hour.yaml`, SCRIPT);
const from = new Date(Date.now() - HISTORY_MINUTES * 60_000).toISOString();
const { code, stderr } = await (await startProgram("generate", [
  ...["--data", data, "--rate", RATE, "--script", `${data}/hour.yaml`, "--port", "0"],
  ...["--from", from, "--to", new Date().toISOString()],
])).ended;
if (code !== 0) throw new Error(stderr);
const dev = await startDev({ data, flags: ["--rate", RATE] });
try {
  await new Promise((resolve) => setTimeout(resolve, LIVE_MS));
  const browser = await chromium.launch({
    executablePath: await chromiumPath(await findChromium() ?? ""),
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  await Deno.mkdir(images, { recursive: true });
  for (
    const [name, path, shown, colorScheme] of [
      ["dashboard", "/dashboard?topic=app-logs&from=now-1h&to=now", ".viewport .row", "light"],
      ["errors", "/errors?topic=app-logs", ".fingerprint", "light"],
      ["report", "/report?topic=access-logs", ".counted tbody tr", "dark"],
      ["topics", "/topics?topic=payments", ".viewport .row", "light"],
    ] as const
  ) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 860 } });
    await page.goto(dev.url + path);
    await page.locator(shown).first().waitFor();
    await page.getByText("Loading…").first().waitFor({ state: "hidden" });
    await page.getByText("measuring").first().waitFor({ state: "hidden" }); // a rate needs two looks
    await page.screenshot({ path: `${images}${name}.png` });
    await page.close();
  }
  await browser.close();
} finally {
  dev.kill("SIGTERM");
  await dev.ended;
  await Deno.remove(data, { recursive: true });
}
Deno.exit(0); // the library leaves something open
