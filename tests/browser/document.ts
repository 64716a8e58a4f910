/**
 * Prints the documents at addresses, a JSON array of texts, each after its scripts have run and what they asked for is
 * there: CHROMIUM URL…. A process of its own, for the same reason as scenarios.ts.
 */
import { chromium } from "playwright-core";

const [executablePath, ...urls] = Deno.args;
const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const documents: string[] = [];
for (const url of urls) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  // An answer without an end would never let the network come to rest.
  await page.route("**/api/v1/live*", (route) => route.abort());
  await page.goto(url, { waitUntil: "networkidle" });
  // A busy machine may be quiet for a moment before all is there, even before the page's script has drawn anything.
  await page.locator("main").waitFor();
  for (const waiting of ["Loading…", "Counting…"]) {
    await page.getByText(waiting).first().waitFor({ state: "hidden" });
  }
  documents.push(await page.content());
  await page.close();
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(documents)));
await browser.close();
Deno.exit(0); // the library leaves something open
