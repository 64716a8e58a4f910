/**
 * Scenarios of the pages in a real browser that is clicked, typed into and looked at; run by name, as a process of its own:
 * the library that drives the browser looks into /proc, for which Deno wants all permissions.
 */
import axe from "axe-core";
import { expect } from "expect";
import { type Browser, chromium as engine, type Page } from "playwright-core";
import { eventually, startDev } from "../faults/dev_process.ts";
import { SERVICES_DIRECTORY } from "../services/paths.ts";
import { chromiumPath, findChromium } from "./chromium.ts";

const SCREENSHOTS = `${SERVICES_DIRECTORY}/screenshots`;
const LIMIT_MS = 30_000;

/** Run in the page, where its own globals are: text, so that ours need not know of them. */
const OVERFLOW = "document.documentElement.scrollWidth - innerWidth";
const VIOLATIONS = `axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ html }) => html) })))`;

let serial = 0;
function recordOf(rest: Record<string, unknown>): string {
  return JSON.stringify({ timestamp: new Date().toISOString(), level: "INFO", service: "cart", n: serial++, ...rest });
}

async function send(url: string, topic: string, lines: readonly string[]): Promise<void> {
  const answer = await fetch(`${url}/ingest/v1/${topic}`, { method: "POST", body: lines.join("\n") });
  expect(await answer.json()).toMatchObject({ accepted: lines.length });
}

async function withBrowser(run: (browser: Browser, url: string) => Promise<void>): Promise<void> {
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

const scenarios: Record<string, (browser: Browser, url: string) => Promise<void>> = {};

function scenario(name: string, run: (browser: Browser, url: string) => Promise<void>): void {
  scenarios[name] = run;
}

/** Waits until so many records are listed. */
async function untilRecords(page: Page, count: number): Promise<void> {
  await eventually(`${count} records`, async () => await page.locator(".records li").count() === count, LIMIT_MS);
}

async function openPage(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(LIMIT_MS);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("close", () => expect(problems).toEqual([]));
  await page.goto(address);
  return page;
}

scenario("dashboard", async (browser, url) => {
  await send(url, "shop", [
    ...Array.from(
      { length: 30 },
      (_, i) => recordOf({ message: `early ${i}`, level: i % 3 === 0 ? "ERROR" : "INFO" }),
    ),
    recordOf({ message: "paid in full", service: "pay" }),
  ]);
  const page = await openPage(browser, `${url}/dashboard`);
  const list = page.getByRole("region", { name: "Events, newest first" }).or(page.getByLabel("Events, newest first"));
  const item = (text: string) => list.locator("li").filter({ hasText: text });
  await item("early 29").waitFor();

  // What comes is shown by itself.
  await page.mouse.move(5, 5);
  await send(url, "shop", [recordOf({ message: "just now" })]);
  await item("just now").waitFor();

  // Whoever points at the list reads it.
  await item("early 20").hover();
  await send(url, "shop", [recordOf({ message: "while reading" })]);
  const pill = page.getByRole("button", { name: "1 new: show them" });
  await pill.waitFor();
  expect(await item("while reading").count()).toBe(0);
  await pill.click();
  await item("while reading").waitFor();

  // The keyboard opens a record, which shows its fields and itself.
  await item("paid in full").locator("summary").focus();
  await page.keyboard.press("Enter");
  await item("paid in full").getByLabel("record as it came").waitFor();
  await item("paid in full").getByTitle("only service pay").click();
  await page.waitForURL(/where=service%3Dpay/);
  await untilRecords(page, 1);
  await page.goBack();
  await item("early 29").waitFor();

  // Typed text narrows the events, and stays when something else is clicked.
  await page.getByLabel("Text that events contain").fill("early 1");
  await page.waitForURL(/q=early/);
  await untilRecords(page, 11); // 1 and 10 to 19
  await page.getByRole("button", { name: "Freeze to share" }).click();
  await page.waitForURL(/from=20.*q=early/);
  const shared = await openPage(browser, page.url());
  await untilRecords(shared, 11);
  await shared.close();

  // A drag over a chart narrows to its time.
  await page.goto(`${url}/dashboard`);
  const chart = page.locator(".u-over").first();
  const box = await chart.boundingBox();
  if (box === null) throw new Error("no chart");
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=20\d\d-.*to=20\d\d-/);
  const range = new URL(page.url()).searchParams;
  const minutes = (Date.parse(range.get("to") ?? "") - Date.parse(range.get("from") ?? "")) / 60_000;
  expect(minutes).toBeGreaterThan(15);
  expect(minutes).toBeLessThan(35);

  // A file of the view.
  await page.goto(`${url}/dashboard`);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "csv" }).first().click(),
  ]);
  const csv = await Deno.readTextFile(await download.path());
  expect(csv.trim().split("\n")).toHaveLength(1 + 33);
  await page.close();
});

scenario("polling", async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "first" })]);
  const page = await browser.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  await page.route("**/api/v1/live*", (route) => route.abort());
  await page.goto(`${url}/dashboard`);
  await page.getByText("first").first().waitFor();
  await send(url, "shop", [recordOf({ message: "second" })]);
  await page.getByText("second").first().waitFor();
  await page.close();
});

scenario("accessibility", async (browser, url) => {
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
  await eventually("all of it is stored", async () => {
    const { topics } = await (await fetch(`${url}/api/v1/topics`)).json();
    return topics.length === 2 && topics.every(({ lagRecords }: { lagRecords: number }) => lagRecords === 0);
  });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
      page.setDefaultTimeout(LIMIT_MS);
      for (
        const [name, path, shown] of [
          ["start", "/", "main, body"],
          ["dashboard", "/dashboard?topic=shop", ".records li"],
          ["report", "/report?topic=access", ".counted tbody tr"],
          ["topics", "/topics?topic=shop", ".records li"],
        ]
      ) {
        await page.goto(url + path);
        await page.locator(shown).first().waitFor();
        await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
        await page.evaluate(axe.source);
        const violations = await page.evaluate(VIOLATIONS);
        expect({ name, colorScheme, width, violations }).toEqual({ name, colorScheme, width, violations: [] });
        const overflow = await page.evaluate(OVERFLOW);
        expect({ name, width, overflow }).toEqual({ name, width, overflow: 0 });
      }
      await page.close();
    }
  }
});

if (import.meta.main) {
  const [name] = Deno.args;
  await withBrowser(scenarios[name]);
  Deno.exit(0); // the library leaves something open
}
