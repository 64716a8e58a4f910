/** Every page as it looks to axe, light and dark, wide and narrow; pictures of them are kept. */
import axe from "axe-core";
import { expect } from "expect";
import type { Page } from "playwright-core";
import { LIMIT_MS, recordOf, type Scenario, SCREENSHOTS, send, untilStored } from "./harness.ts";

/** Run in the page, where its own globals are: text, so that ours need not know of them. */
const OVERFLOW = "document.documentElement.scrollWidth - innerWidth";
/** Tables whose first row of values does not stand below the names of its columns. */
const ASKEW = `[...document.querySelectorAll("table")].filter(({ tHead, tBodies: [body] }) => {
  const edgesOf = (row) => [...row?.cells ?? []].filter(({ offsetWidth }) => offsetWidth > 0)
    .map((cell) => Math.round(cell.getBoundingClientRect().left)).join();
  return edgesOf(tHead?.rows[0]) !== edgesOf(body?.rows[0]);
}).map(({ outerHTML }) => outerHTML.slice(0, 300))`;
const VIOLATIONS = `axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ html }) => html) })))`;

/** What is done to a page before it is looked at. */
type Prepare = (page: Page) => Promise<void>;
const asItIs: Prepare = () => Promise.resolve();

const PAGES: readonly (readonly [name: string, path: string, shown: string, prepare: Prepare])[] = [
  ["start", "/", "main, body", asItIs],
  ["dashboard", "/dashboard?topic=shop", ".viewport .row", async (page) => {
    await page.locator(".row").first().click();
    await page.locator(".detail").waitFor();
    await page.getByText("As a table").first().click();
  }],
  ["tail", "/dashboard?topic=shop&list=tail", ".live-state", asItIs],
  ["quarantine", "/dashboard?topic=shop&list=quarantine", ".viewport .row", asItIs],
  ["settings", "/dashboard?topic=shop", ".viewport .row", async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").getByLabel("Theme").waitFor();
  }],
  ["views", "/dashboard?topic=shop", ".viewport .row", async (page) => {
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByLabel("Save this view as").waitFor();
  }],
  ["nothing", "/dashboard?topic=shop&from=2020-01-01&to=2020-01-02", ".empty", asItIs],
  ["report", "/report?topic=access", ".counted tbody tr", asItIs],
  ["period", "/report?topic=access", ".counted tbody tr", async (page) => {
    await page.getByLabel("Period").selectOption("other…");
    await page.getByRole("button", { name: "Show" }).waitFor();
  }],
  ["nowhere", "/dashboard?topic=nowhere", "[role=alert]", asItIs],
  ["topics", "/topics?topic=shop", ".viewport .row", asItIs],
];

async function fill(url: string): Promise<void> {
  // In several requests, so that every partition gets some.
  for (let part = 0; part < 16; part++) {
    const lines = Array.from(
      { length: 4 },
      (_, i) =>
        recordOf({
          message: `message ${part} ${i}`,
          level: i === 0 ? "ERROR" : "INFO",
          path: `/api/${i}`,
          duration_ms: i,
        }),
    );
    await send(url, "shop", lines);
  }
  await send(url, "shop", ["not json"]);
  await send(
    url,
    "access",
    Array.from(
      { length: 60 },
      (_, i) =>
        `10.0.0.${i % 7} - - [01/Mar/2026:${String(i % 24).padStart(2, "0")}:00:00 +0000] "GET /page/${
          i % 9
        } HTTP/1.1" ${i % 5 === 0 ? 404 : 200} ${i * 97}`,
    ),
  );
  await untilStored(url, 2);
}

export const accessibility: Scenario = async (browser, url) => {
  await fill(url);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360, 320]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
      page.setDefaultTimeout(LIMIT_MS);
      for (const [name, path, shown, prepare] of PAGES) {
        await page.goto(url + path);
        await page.locator(shown).first().waitFor();
        // What is still being asked for is no page to judge.
        for (const waiting of ["Loading…", "Counting…"]) {
          await page.getByText(waiting).first().waitFor({ state: "hidden" });
        }
        await prepare(page);
        await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
        await page.evaluate(axe.source);
        const violations = await page.evaluate(VIOLATIONS);
        expect({ name, colorScheme, width, violations }).toEqual({ name, colorScheme, width, violations: [] });
        const overflow = await page.evaluate(OVERFLOW);
        expect({ name, width, overflow }).toEqual({ name, width, overflow: 0 });
        expect({ name, width, askew: await page.evaluate(ASKEW) }).toEqual({ name, width, askew: [] });
        // Who wants no motion sees none.
        const moving = await page.evaluate(
          "document.getAnimations().filter(({ playState }) => playState === 'running').length",
        );
        expect({ name, moving }).toEqual({ name, moving: 0 });
      }
      await page.close();
    }
  }
};
