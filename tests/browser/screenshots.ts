/**
 * Takes the pictures of the README: a `dev` with its generator for a while, then each page in a browser. Run it as
 * `deno task screenshots`, after a change of what they show.
 */
import { chromium } from "playwright-core";
import { fileURLToPath } from "node:url";
import { startDev } from "../faults/dev_process.ts";
import { chromiumPath, findChromium } from "./chromium.ts";

const images = fileURLToPath(new URL("../../docs/images/", import.meta.url));
/** What is to be seen needs some minutes of events: they are made faster than they would come. */
const GENERATE_MS = 60_000;

const data = await Deno.makeTempDir({ prefix: "millrace-screenshots-" });
const dev = await startDev({ data, flags: ["--rate", "400"] });
try {
  await new Promise((resolve) => setTimeout(resolve, GENERATE_MS));
  const browser = await chromium.launch({
    executablePath: await chromiumPath(await findChromium() ?? ""),
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  await Deno.mkdir(images, { recursive: true });
  for (
    const [name, path, shown, colorScheme] of [
      ["dashboard", "/dashboard?topic=app-logs&from=now-15m&to=now", ".viewport .row", "light"],
      ["errors", "/errors?topic=app-logs", ".fingerprint", "light"],
      ["report", "/report?topic=access-logs", ".counted tbody tr", "dark"],
      ["topics", "/topics?topic=payments", ".viewport .row", "light"],
    ] as const
  ) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 860 } });
    await page.goto(dev.url + path);
    await page.locator(shown).first().waitFor();
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
