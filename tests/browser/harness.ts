/** A `dev` without generator and a real browser, for scenarios of the pages; and what several of them do. */
import { expect } from "expect";
import { type Browser, chromium as engine, type Page } from "playwright-core";
import { eventually, startDev } from "../faults/dev_process.ts";
import { SERVICES_DIRECTORY } from "../services/paths.ts";
import { chromiumPath, findChromium } from "./chromium.ts";

export const SCREENSHOTS = `${SERVICES_DIRECTORY}/screenshots`;
export const LIMIT_MS = 30_000;

export type Scenario = (browser: Browser, url: string) => Promise<void>;

let serial = 0;
/** A JSON log record of now; `rest` says what matters. */
export function recordOf(rest: Record<string, unknown>): string {
  return JSON.stringify({ timestamp: new Date().toISOString(), level: "INFO", service: "cart", n: serial++, ...rest });
}

export async function send(url: string, topic: string, lines: readonly string[]): Promise<void> {
  const answer = await fetch(`${url}/ingest/v1/${topic}`, { method: "POST", body: lines.join("\n") });
  expect(await answer.json()).toMatchObject({ accepted: lines.length });
}

/** Waits until all that was sent is stored. */
export async function untilStored(url: string, topics: number): Promise<void> {
  await eventually("all of it is stored", async () => {
    const { topics: known } = await (await fetch(`${url}/api/v1/topics`)).json();
    return known.length === topics && known.every(({ lagRecords }: { lagRecords: number }) => lagRecords === 0);
  });
}

export async function withBrowser(run: Scenario): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-pages-" });
  const dev = await startDev({ data, flags: ["--no-generator"] });
  const browser = await engine.launch({
    executablePath: await chromiumPath(await findChromium() ?? ""),
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    await Deno.mkdir(SCREENSHOTS, { recursive: true });
    await run(browser, dev.url);
  } finally {
    await browser.close();
    dev.kill("SIGTERM");
    await dev.ended;
    await Deno.remove(data, { recursive: true });
  }
}

/** A page that may throw nothing: in a context of its own, so a browser that nobody knows, or in `of`. */
export async function openPage(browser: Browser, address: string, of?: Page): Promise<Page> {
  const page = of === undefined
    ? await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage()
    : await of.context().newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) problems.push(message.text());
  });
  page.on("close", () => expect(problems).toEqual([]));
  await page.goto(address);
  return page;
}

/** The rows of a list that are in the document. */
export const rowsOf = (page: Page) => page.locator(".viewport .row");

/** Waits until so many records are listed, and no more: whatever is in the document of them. */
export async function untilRows(page: Page, count: number): Promise<void> {
  const first = page.locator(".viewport li").first();
  await eventually(`${count} rows`, async () => {
    if (await first.count() === 0) return count === 0;
    return await first.getAttribute("aria-setsize", { timeout: 1_000 }).catch(() => null) === String(count);
  }, LIMIT_MS);
}
