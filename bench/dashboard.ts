/**
 * The dashboard in Chromium: how soon there is something useful to see, what an update of a full chart costs the page's main
 * thread, and what scrolling through a long list does.
 * Run: deno task bench --only dashboard
 */
import { type Browser, chromium, type Page } from "playwright-core";
import { bundle } from "../gateway/dashboard/build.ts";
import { chromiumPath, findChromium } from "../tests/browser/chromium.ts";
import { eventually, startDev } from "../tests/faults/dev_process.ts";

const EVENTS = 12_000;
const LOADS = 9;
const UPDATES = 60;
const SCROLLS = 120;
/** Rows that a turn of the wheel passes. */
const SCROLL_PX = 26 * 10;

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const quantile = (values: readonly number[], q: number) => sorted(values)[Math.floor((values.length - 1) * q)];

/** Notes when health and events, and when charts as well, are there for the first time, as the frame that shows them begins. */
function watchForUse(): void {
  const page = globalThis as unknown as {
    document: { querySelector(selector: string): unknown; documentElement: unknown };
    MutationObserver: new (see: () => void) => { observe(target: unknown, of: unknown): void; disconnect(): void };
    requestAnimationFrame(run: (ms: number) => void): void;
    usefulMs?: number;
    wholeMs?: number;
  };
  const isThere = (...parts: string[]) => parts.every((part) => page.document.querySelector(part) !== null);
  const observer = new page.MutationObserver(() => {
    if (!isThere(".tile", ".viewport .row")) return;
    page.requestAnimationFrame(() => page.usefulMs ??= performance.now());
    if (!isThere(".uplot canvas")) return;
    observer.disconnect();
    page.requestAnimationFrame(() => page.wholeMs = performance.now());
  });
  observer.observe(page.document, { childList: true, subtree: true });
}

async function measureLoads(browser: Browser, url: string): Promise<Figure[]> {
  const [useful, whole]: number[][] = [[], []];
  for (let load = 0; load < LOADS; load++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } }); // with an empty cache
    const page = await context.newPage();
    await page.addInitScript(watchForUse);
    await page.goto(`${url}/dashboard?topic=shop`);
    await eventually("all of it is seen", async () => await page.evaluate("globalThis.wholeMs") !== undefined);
    useful.push(Number(await page.evaluate("globalThis.usefulMs")));
    whole.push(Number(await page.evaluate("globalThis.wholeMs")));
    await context.close();
  }
  return [
    { name: "first useful paint: health and the newest events", unit: "ms", values: useful },
    { name: "the charts as well", unit: "ms", values: whole },
  ];
}

/** CPU time of the page's main thread so far, seconds: scripts, style, layout, paint. Not the clock's: others may be busy. */
async function mainThreadOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN;
  };
}

async function measureUpdates(browser: Browser): Promise<Figure> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const css = await Promise.all(
    ["base", "panels"].map((name) => Deno.readTextFile(new URL(`../gateway/pages/${name}.css`, import.meta.url))),
  );
  await page.setContent(`<style>${css.join("\n")}</style><main><section class="panel" id="root"></section></main>`);
  const entry = new URL("./dashboard_page.ts", import.meta.url);
  await page.addScriptTag({ content: await bundle(entry.pathname), type: "module" });
  await eventually("the chart can be drawn", async () => await page.evaluate("typeof prepared") === "function");
  const spent = await mainThreadOf(page);
  // One update, and two frames for what it leaves to them.
  const update = `new Promise((done) => {
    prepare();
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));
  })`;
  const values: number[] = [];
  for (let i = 0; i < UPDATES; i++) {
    await page.evaluate("globalThis.prepare = prepared(), 0");
    const before = await spent();
    await page.evaluate(update);
    values.push((await spent() - before) * 1000);
  }
  await page.close();
  return {
    name: "an update of 20 series of 1440 points, CPU time of the main thread",
    unit: "ms",
    values: values.slice(1),
  };
}

async function measureScrolling(browser: Browser, url: string): Promise<Figure> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.route("**/api/v1/live*", (route) => route.abort());
  await page.goto(`${url}/dashboard?topic=shop&from=now-1d&to=now`);
  const viewport = page.locator(".viewport");
  await viewport.hover();
  await eventually("all events are listed", async () => {
    await page.mouse.wheel(0, 1e6);
    return await page.getByText("all there are").count() === 1;
  });
  await page.mouse.wheel(0, -1e7);
  await page.waitForTimeout(500);
  const spent = await mainThreadOf(page);
  const values: number[] = [];
  for (let i = 0; i < SCROLLS; i++) {
    const before = await spent();
    await page.mouse.wheel(0, SCROLL_PX);
    await page.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))",
    );
    values.push((await spent() - before) * 1000);
  }
  await page.close();
  return { name: `ten rows further in a list of ${EVENTS} events, CPU time of the main thread`, unit: "ms", values };
}

async function fill(url: string): Promise<void> {
  const now = Date.now();
  for (let from = 0; from < EVENTS; from += 3_000) {
    const lines = Array.from({ length: 3_000 }, (_, i) => {
      const n = from + i;
      return JSON.stringify({
        timestamp: new Date(now - n * 250).toISOString(),
        level: ["INFO", "INFO", "INFO", "WARN", "ERROR"][n % 5],
        service: `service-${n % 12}`,
        path: `/api/v1/things/${n % 7}`,
        method: "GET",
        status: n % 5 === 4 ? 500 : 200,
        duration_ms: n % 900,
        message: `request ${n} took ${n % 900} ms`,
      });
    });
    const answer = await fetch(`${url}/ingest/v1/shop`, { method: "POST", body: lines.join("\n") });
    await answer.body?.cancel();
  }
  await eventually("all of it is stored", async () => {
    const { topics } = await (await fetch(`${url}/api/v1/topics`)).json();
    return topics.length === 1 && topics[0].totals.events === EVENTS;
  });
}

const data = await Deno.makeTempDir({ prefix: "millrace-bench-dashboard-" });
const dev = await startDev({ data, flags: ["--no-generator"] });
const browser = await chromium.launch({
  executablePath: await chromiumPath(await findChromium() ?? ""),
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  await fill(dev.url);
  const figures = [
    ...await measureLoads(browser, dev.url),
    await measureUpdates(browser),
    await measureScrolling(browser, dev.url),
  ];
  const rows = figures.map(({ name, unit, values }) => ({
    name,
    unit,
    min: quantile(values, 0),
    median: quantile(values, 0.5),
    p95: quantile(values, 0.95),
  }));
  if (Deno.args.includes("--json")) console.log(JSON.stringify(rows));
  else {
    console.log("| what | min | median | p95 |\n|---|---|---|---|");
    for (const { name, unit, min, median, p95 } of rows) {
      console.log(`| ${name}, ${unit} | ${min.toFixed(1)} | ${median.toFixed(1)} | ${p95.toFixed(1)} |`);
    }
  }
} finally {
  await browser.close();
  dev.kill("SIGTERM");
  await dev.ended;
  await Deno.remove(data, { recursive: true });
}
Deno.exit(0); // the library leaves something open
