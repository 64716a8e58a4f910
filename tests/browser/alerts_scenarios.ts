/** Scenarios of alerts and runs on the overview in a real browser; run by name, as a process of its own, as scenarios.ts is. */
import axe from "axe-core";
import { expect } from "expect";
import { type Browser, chromium as engine, type Page } from "playwright-core";
import { eventually } from "../faults/dev_process.ts";
import { SERVICES_DIRECTORY } from "../services/paths.ts";
import {
  haveAlerts,
  haveQuiet,
  haveRuns,
  MINUTE_MS,
  nowRows,
  openDetails,
  panel,
  RULES,
  sendMinutes,
} from "./alerts_stack.ts";
import { api, LIMIT_MS, openPage } from "./errors_page.ts";
import { chromiumPath, findChromium } from "./chromium.ts";
import { errorLine, type ErrorsStack, TOPIC, withErrorsStack } from "./errors_stack.ts";

const SCREENSHOTS = `${SERVICES_DIRECTORY}/screenshots`;
/** Run in the page, where its own globals are: text, so that ours need not know of them. */
const OVERFLOW = "document.documentElement.scrollWidth - innerWidth";
const VIOLATIONS = `axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ html }) => html) })))`;

/** What fires comes first, with what was seen and expected; a click goes to its very minutes; charts have the marks. */
async function alerts(browser: Browser, stack: ErrorsStack): Promise<void> {
  await haveAlerts(stack);
  const page = await openPage(browser, `${stack.url}/dashboard?topic=${TOPIC}`);
  await panel(page).getByText("2 firing, 1 pending").waitFor();
  // As many as there is room for.
  expect(await panel(page).getByRole("list", { name: "Alerts in short" }).getByRole("listitem").allTextContents())
    .toEqual([
      "Criticalerror rate on pay30 %",
      "Warninglittle traffic on mail6 events",
    ]);
  await openDetails(page);
  await eventually("three are open", async () => await nowRows(page).count() === 3, LIMIT_MS);
  expect(await nowRows(page).allTextContents()).toEqual([
    expect.stringMatching(
      /^Criticalerror rate on payA part.*30 %normal up to 5 % · 40 samplesfor .* firingAcknowledgeSilence$/,
    ),
    expect.stringMatching(
      /^Warninglittle traffic on mail6 eventsnormal from 20 events.* firingsilenced until 2099-01-01 .* by the rules: nobody reads it$/,
    ),
    expect.stringMatching(/^Warningsome errors on pay12 errorsnormal up to 4 errors.* pendingSilence$/),
  ]);
  const over = panel(page).getByRole("list", { name: "Alerts that are over" });
  expect(await over.isVisible()).toBe(false);
  await panel(page).getByText("1 in this range is over").click();
  await over.getByRole("listitem").first().waitFor();
  expect(await over.getByRole("listitem").allTextContents()).toEqual([
    expect.stringMatching(/^Criticalerror rate on checkout.*25 %normal up to 5 % · 40 samplesfor 8 min.* over$/),
  ]);

  // On the charts: as a list, in the text for who does not see them, and in the table.
  const levels = page.getByRole("region", { name: "Events by level" });
  await levels.locator(".marks a").first().waitFor();
  const wanted = ["little traffic on mail", "error rate on pay", "error rate on checkout"];
  expect(await levels.locator(".marks a").allTextContents()).toEqual(wanted);
  const text = await page.getByRole("group", { name: /^Error rate\./ }).getAttribute("aria-label");
  for (const each of wanted) {
    expect(text).toMatch(new RegExp(`Alert: ${each}, \\d\\d:\\d\\d to (\\d\\d:\\d\\d|now)\\.`));
  }
  await expectTwin(page, stack);

  // To the minutes of the alert, and no others.
  const { alerts: [first] } = await api(stack.url, "alerts?state=firing");
  await nowRows(page).first().getByRole("link", { name: "error rate on pay" }).click();
  await page.waitForURL(/where=service%3Dpay/);
  const query = new URL(page.url()).searchParams;
  expect(Date.parse(query.get("from") ?? "")).toBe(Date.parse(first.startedAt) - 60 * MINUTE_MS);
  expect(Date.parse(query.get("to") ?? "")).toBeGreaterThan(Date.parse(first.startedAt));
  await page.getByRole("region", { name: "Events by level" }).getByText("ERROR").first().waitFor();
  await page.close();
}

/** What begins to fire moves nothing that somebody reads, and neither do its details. */
async function steady(browser: Browser, stack: ErrorsStack): Promise<void> {
  const nowMs = await haveQuiet(stack);
  const pages: Page[] = [];
  for (const width of [1280, 700, 320]) {
    const page = await openPage(browser, `${stack.url}/dashboard?topic=${TOPIC}`, {
      viewport: { width, height: 1000 },
    });
    await panel(page).getByText("All quiet").waitFor();
    await page.locator(".viewport .row").first().waitFor();
    pages.push(page);
  }
  /** Where what is below the alerts begins, and how high the list of marks is that what follows stands below. */
  const topOf = (page: Page) =>
    page.evaluate(`[
      document.getElementById("panel-levels").getBoundingClientRect().top,
      document.querySelector("#panel-levels .marks").offsetHeight,
    ]`);
  const before = await Promise.all(pages.map(topOf));
  await haveAlerts(stack, nowMs);
  for (const page of pages) await panel(page).getByText("2 firing, 1 pending").waitFor();
  expect(await Promise.all(pages.map(topOf))).toEqual(before);
  for (const page of pages) {
    await page.locator("#announcer").getByText("Alert: ").waitFor();
    await openDetails(page);
    await nowRows(page).first().getByText("Acknowledge").click({ trial: true }); // nothing lies over it
  }
  expect(await Promise.all(pages.map(topOf))).toEqual(before);
  for (const page of pages) {
    await page.keyboard.press("Escape");
    await nowRows(page).first().waitFor({ state: "detached" });
    await page.close();
  }
}

/** By the keyboard alone: acknowledged, silenced, and the silence ended; what is refused is said where it was asked for. */
async function decisions(browser: Browser, stack: ErrorsStack): Promise<void> {
  await haveAlerts(stack);
  const page = await openPage(browser, `${stack.url}/dashboard?topic=${TOPIC}`);
  const row = nowRows(page).filter({ hasText: "error rate on pay" });
  const pending = nowRows(page).filter({ hasText: "some errors on pay" });
  const known = async (rule = "error rate") => {
    const { alerts } = await api(stack.url, "alerts?service=pay");
    return alerts.find((each: { rule: string }) => each.rule === rule);
  };
  await openDetails(page);
  await page.getByLabel("You are").fill("ada <b>");

  await row.getByRole("button", { name: "Acknowledge" }).focus();
  await page.keyboard.press("Enter");
  await row.getByText("acknowledged by ada <b>").waitFor();
  expect(await known()).toMatchObject({ acknowledged: { by: "ada <b>" } });
  expect(await row.getByRole("button", { name: "Acknowledge" }).count()).toBe(0);
  // Whoever pressed the button is not sent to the top of the page: what can be done next has the focus.
  await eventually("the focus is kept", async () => await page.locator(":focus").textContent() === "Silence", LIMIT_MS);

  await page.keyboard.press("Enter");
  await row.getByText("alerts of service pay (2 now)").waitFor();
  await page.keyboard.press("Tab"); // to why
  await page.keyboard.type("db team is on it");
  await row.getByRole("button", { name: "30 min" }).focus();
  await page.keyboard.press("Space");
  const { silenced } = await eventuallySilenced(known);
  expect(silenced).toMatchObject({ by: "ada <b>", comment: "db team is on it" });
  expect(Math.abs(Date.parse(silenced.until) - Date.now() - 30 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
  for (const each of [row, pending]) {
    await each.getByText(/silenced until [\d -]*\d\d:\d\d by ada <b>: db team is on it/).waitFor();
  }
  await eventually(
    "the focus is kept",
    async () => await page.locator(":focus").textContent() === "End silence",
    LIMIT_MS,
  );
  await page.keyboard.press("Enter");
  await row.getByText("Silence", { exact: true }).waitFor();
  expect(await known()).toMatchObject({ silenced: null, acknowledged: { by: "ada <b>" } });

  // So many minutes, of what has not fired yet.
  await pending.getByText("Silence", { exact: true }).click();
  await pending.getByLabel("Minutes", { exact: true }).fill("90");
  await page.keyboard.press("Enter");
  await pending.getByRole("button", { name: "End silence" }).waitFor();
  expect(await known("some errors")).toMatchObject({ silenced: { by: "ada <b>", comment: "" } });
  await pending.getByRole("button", { name: "End silence" }).click();
  await pending.getByText("Silence", { exact: true }).waitFor();

  // Refused, and out of reach: said beside the button, and it can be tried again.
  const path = "**/api/v1/alerts/decisions";
  const problem = { title: "It is over", detail: "this alert is over", status: 409 };
  await page.route(path, (route) => route.fulfill({ status: 409, json: problem }));
  await row.getByText("Silence", { exact: true }).click();
  await row.getByRole("button", { name: "2 h" }).click();
  await row.getByRole("alert").getByText("this alert is over").waitFor();
  await page.unroute(path);
  await page.route(path, (route) => route.abort());
  await row.getByRole("button", { name: "2 h" }).click();
  await row.getByRole("alert").getByText("the gateway does not answer").waitFor();
  await page.unroute(path);
  // Tried again, what went wrong before is not said any more, though there is no answer yet.
  const answer = Promise.withResolvers<void>();
  await page.route(path, async (route) => {
    await answer.promise;
    await route.continue();
  });
  await row.getByRole("button", { name: "2 h" }).click();
  await row.getByRole("alert").waitFor({ state: "detached" });
  answer.resolve();
  await row.getByRole("button", { name: "End silence" }).waitFor();
  expect(await row.getByRole("alert").count()).toBe(0);
  await page.close();
}

async function eventuallySilenced(known: () => Promise<{ silenced: null | { until: string } }>) {
  for (;;) {
    const { silenced } = await known();
    if (silenced !== null) return { silenced };
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The table twin names the alerts of each minute: those of checkout's as long as it fired. */
async function expectTwin(page: Page, { url }: ErrorsStack): Promise<void> {
  const { alerts: [ended] } = await api(url, "alerts?state=resolved");
  const region = page.getByRole("region", { name: "Error rate", exact: true });
  await region.getByText("As a table").click();
  const table = region.getByRole("table");
  await table.locator("tbody tr").first().waitFor();
  expect(await table.getByRole("columnheader").allTextContents()).toEqual([
    "time",
    "error rate",
    "alerts and incidents",
  ]);
  const cells = await table.locator("tbody td:last-child").allTextContents();
  const minutes = (Date.parse(ended.resolvedAt) - Date.parse(ended.firedAt)) / MINUTE_MS;
  expect(minutes).toBe(8); // six of errors, two that keep it firing
  expect(cells.filter((cell) => cell.includes("Alert: error rate on checkout"))).toHaveLength(minutes);
}

/** Incidents that begin together are one mark with their number; who asks for them has them all. */
async function storm(browser: Browser, stack: ErrorsStack): Promise<void> {
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  await sendMinutes(stack, nowMs, 50, 0);
  const began = (i: number) => new Date(nowMs - 30 * MINUTE_MS + i * 5_000).toISOString();
  const incidents = Array.from({ length: 9 }, (_, i) => ({
    ...{ id: `i${i}`, title: `Storm ${i} <b>`, state: "open", openedAt: began(i), resolvedAt: null },
  }));
  const page = await openPage(browser, "about:blank");
  await page.route("**/api/v1/incidents*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), incidents } });
  });
  await page.goto(`${stack.url}/dashboard?topic=${TOPIC}`);
  const levels = page.getByRole("region", { name: "Events by level" });
  await levels.locator(".marks li").first().waitFor();
  expect(await levels.locator(".marks > li").allTextContents()).toEqual([
    expect.stringMatching(/\d\d:\d\d 9 incidents$/),
  ]);
  await levels.getByText("9 incidents", { exact: true }).focus();
  await page.keyboard.press("Enter");
  const titles = incidents.map(({ title }) => title).reverse();
  await levels.locator(".told a").first().waitFor();
  expect(await levels.locator(".told a").allTextContents()).toEqual(titles);
  expect(await levels.locator(".told a").first().getAttribute("href")).toBe(`/errors?topic=${TOPIC}&incident=i8`);
  await page.keyboard.press("Escape");

  const text = await levels.locator(".plot").getAttribute("aria-label");
  expect(text).toContain("9 incidents (Storm 8 <b>; Storm 7 <b>; Storm 6 <b> and 6 more)");
  const plot = await levels.locator(".u-over").boundingBox();
  if (plot === null) throw new Error("there is no plot");
  await page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height / 2); // half an hour ago
  await levels.locator(".mark-tip").getByText("Incident: Storm 8 <b>").waitFor();
  await levels.locator(".mark-tip").getByText("and 3 more").waitFor();
  await page.mouse.move(plot.x + plot.width * 0.8, plot.y + plot.height / 2);
  await levels.locator(".mark-tip").waitFor({ state: "detached" });
  await levels.getByText("As a table").click();
  const marked = levels.locator("tbody td:last-child", { hasText: /(Incident: Storm \d <b>.*){9}/ });
  await eventually("each is in the table", async () => await marked.count() >= 30, LIMIT_MS);
  await page.close();
}

/** Why there is nothing is said, each time with what to do about it. */
async function nothing(browser: Browser, stack: ErrorsStack): Promise<void> {
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  await sendMinutes(stack, nowMs, 50, 40);
  await stack.send([errorLine(nowMs, { level: "INFO", message: "hello" })], "other");
  const page = await openPage(browser, `${stack.url}/dashboard?topic=${TOPIC}`);
  await panel(page).getByText("No rule was ever evaluated: no analyzer runs.").waitFor();
  await panel(page).getByText("deno task analyzer").waitFor();
  await stack.evaluate();
  await page.reload();
  await panel(page).getByText("All quiet").waitFor();
  await panel(page).getByText(/3 rules, judged up to \d\d:\d\d/).waitFor();
  await page.goto(`${stack.url}/dashboard?topic=other`);
  await panel(page).getByText("No rule is for other.").waitFor();
  await panel(page).getByText("deno task alerts rules").waitFor();

  // Where the analyzer has ended, what is shown is old.
  await page.route("**/api/v1/alerts*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    const evaluatedAt = new Date(Date.now() - 15 * MINUTE_MS).toISOString();
    await route.fulfill({ response, json: { ...body, evaluator: { ...body.evaluator, evaluatedAt } } });
  });
  await page.goto(`${stack.url}/dashboard?topic=${TOPIC}`);
  await panel(page).getByText("Rules were last evaluated 15 min ago").waitFor();
  await page.close();
}

/** Schedules and programs: how the last run ended, with its last words, and when the next is due. */
async function runs(browser: Browser, stack: ErrorsStack): Promise<void> {
  await haveRuns(stack);
  await stack.send([errorLine(Date.now(), { level: "INFO", message: "hello" })]);
  const page = await openPage(browser, `${stack.url}/dashboard?topic=${TOPIC}`);
  const rows = page.getByRole("region", { name: "Runs: the last of each" }).locator("tbody tr");
  await eventually("three rows", async () => await rows.count() === 3, LIMIT_MS);
  expect(await rows.allTextContents()).toEqual([
    expect.stringMatching(/^nightly-report0 6 \* \* \* Europe\/Berlin✓ succeeded5 h ago42 sin /),
    expect.stringMatching(/^demo-traffic\*\/15 \* \* \* \* UTC✗ failed, exit 3.*9 min ago60 sin /s),
    expect.stringMatching(/^engineprogram▶ running2 h ago2 h–$/),
  ]);
  await page.getByText("failed, exit 3").click();
  await page.getByText("error: the log is full <b>").waitFor();
  await page.close();
}

async function expectAccessible(page: Page, place: Record<string, unknown>): Promise<void> {
  await page.evaluate(axe.source);
  expect({ ...place, violations: await page.evaluate(VIOLATIONS) }).toEqual({ ...place, violations: [] });
  expect({ ...place, overflow: await page.evaluate(OVERFLOW) }).toEqual({ ...place, overflow: 0 });
}

async function accessibility(browser: Browser, stack: ErrorsStack): Promise<void> {
  await haveAlerts(stack);
  await haveRuns(stack);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360, 320]) {
      const page = await openPage(browser, `${stack.url}/dashboard?topic=${TOPIC}`, {
        colorScheme,
        viewport: { width, height: 1000 },
      });
      await page.locator(".viewport .row").first().waitFor();
      await page.locator(".runs").waitFor();
      await openDetails(page);
      await nowRows(page).first().getByText("Silence", { exact: true }).click();
      await page.screenshot({ path: `${SCREENSHOTS}/alerts-silence-${colorScheme}-${width}.png` });
      await page.getByText("is over").click();
      await expectAccessible(page, { colorScheme, width });
      // Put away, the rest is there to be clicked.
      await page.keyboard.press("Escape");
      for (const text of ["failed, exit 3", "As a table"]) await page.getByText(text).first().click();
      await page.screenshot({ path: `${SCREENSHOTS}/alerts-${colorScheme}-${width}.png`, fullPage: true });
      await expectAccessible(page, { colorScheme, width });
      await page.close();
    }
  }
}

type Scenario = (browser: Browser, stack: ErrorsStack) => Promise<void>;
const scenarios: Readonly<Record<string, Scenario>> = {
  alerts,
  steady,
  decisions,
  storm,
  nothing,
  runs,
  accessibility,
};

const [name] = Deno.args;
const browser = await engine.launch({
  executablePath: await chromiumPath(await findChromium() ?? ""),
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
await Deno.mkdir(SCREENSHOTS, { recursive: true });
const schedules = {
  "nightly-report": { cron: "0 6 * * *", timeZone: "Europe/Berlin", run: ["report"] },
  "demo-traffic": { cron: "*/15 * * * *", timeZone: "UTC", run: ["generate"] },
};
await withErrorsStack((stack) => scenarios[name](browser, stack), { rules: RULES, schedules });
await browser.close();
Deno.exit(0); // the library leaves something open
