/** Charts, drill-down, ranges, exports and the stream of what is stored. */
import { expect } from "expect";
import type { Page } from "playwright-core";
import { eventually } from "../faults/dev_process.ts";
import { openPage, recordOf, rowsOf, type Scenario, send, untilRows, untilStored } from "./harness.ts";

const item = (page: Page, text: string) => page.locator(".viewport li").filter({ hasText: text });

/** What comes is shown, held while it is read; every value narrows; the address is all there is to a view. */
const dashboard: Scenario = async (browser, url) => {
  await send(url, "shop", [
    ...Array.from(
      { length: 30 },
      (_, i) => recordOf({ message: `early ${i}`, level: i % 3 === 0 ? "ERROR" : "INFO" }),
    ),
    recordOf({ message: "paid in full", service: "pay" }),
  ]);
  const page = await openPage(browser, `${url}/dashboard`);
  await item(page, "early 29").waitFor();

  // What comes is shown by itself.
  await page.mouse.move(5, 5);
  await send(url, "shop", [recordOf({ message: "just now" })]);
  await item(page, "just now").waitFor();

  // Whoever points at the list reads it.
  await item(page, "early 20").hover();
  await send(url, "shop", [recordOf({ message: "while reading" })]);
  const pill = page.getByRole("button", { name: "1 new: show them" });
  await pill.waitFor();
  expect(await item(page, "while reading").count()).toBe(0);
  await pill.click();
  await item(page, "while reading").waitFor();

  // The keyboard opens a record, which shows its fields and itself.
  await item(page, "paid in full").locator(".row").focus();
  await page.keyboard.press("Enter");
  await item(page, "paid in full").getByLabel("record as it came").waitFor();
  await item(page, "paid in full").getByTitle("only service pay").click();
  await page.waitForURL(/where=service%3Dpay/);
  await untilRows(page, 1);
  await page.goBack();
  await item(page, "early 29").waitFor();

  // Typed text narrows the events, is marked in them, and stays when something else is clicked.
  await page.getByLabel("Text that events contain").fill("EARLY 1");
  await page.waitForURL(/q=EARLY/);
  await untilRows(page, 11); // 1 and 10 to 19
  expect(await page.locator(".row mark").first().textContent()).toBe("early 1");
  await page.getByRole("button", { name: "Share" }).click();
  await page.waitForURL(/from=20.*q=EARLY/);
  const shared = await openPage(browser, page.url());
  await untilRows(shared, 11);
  await shared.close();

  // A drag over a chart narrows to its time; the arrows beside the range go on from there.
  await page.goto(`${url}/dashboard`);
  const chart = page.locator(".u-over").first();
  const box = await chart.boundingBox();
  if (box === null) throw new Error("no chart");
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=20\d\d-.*to=20\d\d-/);
  const rangeOf = () => {
    const range = new URL(page.url()).searchParams;
    return [Date.parse(range.get("from") ?? ""), Date.parse(range.get("to") ?? "")] as const;
  };
  const [fromMs, toMs] = rangeOf();
  expect((toMs - fromMs) / 60_000).toBeGreaterThan(15);
  expect((toMs - fromMs) / 60_000).toBeLessThan(35);
  await page.getByRole("button", { name: "Earlier" }).click();
  await page.waitForURL((address) => Date.parse(address.searchParams.get("to") ?? "") === fromMs);
  // Where nothing is, it is said, with the way to what there is.
  await page.getByRole("button", { name: "Where the newest events are" }).click();
  await item(page, "early 29").waitFor();
  await page.close();
};

/** Levels are chosen with buttons, a dimension breaks events down, and its values narrow them. */
const narrowing: Scenario = async (browser, url) => {
  await send(
    url,
    "shop",
    Array.from({ length: 40 }, (_, i) =>
      recordOf({
        message: `message ${i}`,
        level: ["ERROR", "WARN", "INFO", "INFO"][i % 4],
        service: i < 30 ? "cart" : "pay",
        path: i % 2 === 0 ? "/carts" : "/orders",
      })),
  );
  const page = await openPage(browser, `${url}/dashboard?topic=shop`);
  await untilRows(page, 40);
  const levels = page.getByRole("group", { name: "Levels" });
  await levels.getByRole("button", { name: "ERROR" }).click();
  await untilRows(page, 10);
  await levels.getByRole("button", { name: "WARN" }).click();
  await untilRows(page, 20);
  expect(new URL(page.url()).searchParams.getAll("where")).toEqual(["level=ERROR|WARN"]);
  await page.getByRole("button", { name: "remove level=ERROR|WARN" }).click();

  const breakdown = page.getByRole("region", { name: "Breakdown" });
  await breakdown.getByTitle("without service pay").click();
  await untilRows(page, 30);
  // What is narrowed to a service is broken down by its endpoints.
  await breakdown.getByTitle("only service cart").click();
  await breakdown.getByTitle("only endpoint /orders").click();
  await untilRows(page, 15);
  await page.close();
};

/** Files of the view with how many rows they have, and the command for them. */
const exporting: Scenario = async (browser, url) => {
  await send(url, "shop", [
    ...Array.from({ length: 33 }, (_, i) => recordOf({ message: `m ${i}`, service: i < 12 ? "cart" : "pay" })),
    "not json",
  ]);
  const page = await openPage(browser, `${url}/dashboard?topic=shop&where=service%3Dcart`);
  await untilRows(page, 12);
  await page.getByRole("button", { name: "How many rows?" }).click();
  for (const told of ["events: 12 rows", "quarantine: 1 rows"]) await page.getByText(told).waitFor();
  const link = page.getByRole("link", { name: "events as csv" });
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const csv = await Deno.readTextFile(await download.path());
  expect(csv.trim().split("\n")).toHaveLength(1 + 12);
  // The command asks for the very file.
  const command = await page.getByLabel("the same with curl").textContent() ?? "";
  const [, address] = /^curl -OJ "(.*)"$/.exec(command) ?? [];
  expect(await (await fetch(address)).text()).toBe(csv);
  await page.close();
};

/** Arrow keys move the cursors of all charts; the value is told to who listens. */
const keyboard: Scenario = async (browser, url) => {
  const startMs = Date.parse("2026-03-01T12:00:00Z");
  await send(
    url,
    "shop",
    Array.from({ length: 60 }, (_, i) =>
      recordOf({
        timestamp: new Date(startMs + i * 60_000).toISOString(),
        level: i === 10 ? "ERROR" : "INFO",
        message: `m ${i}`,
        duration_ms: i,
      })),
  );
  await untilStored(url, 1);
  const page = await openPage(browser, `${url}/dashboard?topic=shop&from=2026-03-01T12:00:00Z&to=2026-03-01T13:00:00Z`);
  const plot = page.getByRole("group", { name: /^Error rate\./ });
  await plot.waitFor();
  await page.locator(".row").first().waitFor();
  await plot.focus();
  for (const key of ["End", "Home", "Shift+ArrowRight", "ArrowRight", "ArrowLeft"]) await page.keyboard.press(key);
  const told = page.locator("#announcer");
  // Where keys come slowly, those on the way may be told, too.
  const isTold = async () => /^\d\d:\d\d: error rate 100\.00 %$/.test(await told.textContent() ?? "");
  await eventually("the minute with the error is told", isTold);
  // The others stand at the same minute, which has the error and nothing else.
  const levels = page.getByRole("region", { name: "Events by level" });
  expect(await levels.locator(".legend li").allTextContents()).toEqual([
    expect.stringMatching(/ERROR.*1$/),
    expect.stringMatching(/INFO.*0$/),
    expect.stringMatching(/^20\d\d-/),
  ]);
  await page.keyboard.press("Enter");
  await page.waitForURL(/from=2026-03-01T12%3A10/);
  await untilRows(page, 1);
  expect(await rowsOf(page).first().textContent()).toContain("m 10");
  // The same values are a table.
  await page.goBack();
  await page.getByRole("region", { name: "Error rate" }).getByText("As a table").click();
  const table = page.getByRole("region", { name: "Error rate: values" });
  await table.getByText("100.00 %").waitFor();
  await page.close();
};

const polling: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "first" })]);
  const page = await browser.newPage();
  await page.route("**/api/v1/live*", (route) => route.abort());
  await page.goto(`${url}/dashboard`);
  await page.getByText("first").first().waitFor();
  await send(url, "shop", [recordOf({ message: "second" })]);
  await page.getByText("second").first().waitFor();
  await page.close();
};

/** A page that nobody sees asks for nothing, and catches up when somebody looks again. */
const hidden: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "first" })]);
  const page = await openPage(browser, `${url}/dashboard`);
  await item(page, "first").waitFor();
  const hide = (isHidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));`);
  await hide(true);
  const seen = await openPage(browser, `${url}/dashboard`);
  let asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const show = async (message: string): Promise<readonly string[]> => {
    asked = [];
    await send(url, "shop", [recordOf({ message })]);
    await item(seen, message).waitFor();
    return asked;
  };
  // A load that was under way takes several requests, one after another; a page that goes on asking never gets quiet.
  let before = 0;
  while ((await show(`before ${before}`)).length > 0) expect(++before).toBeLessThan(5);
  for (const message of ["second", "third"]) expect(await show(message)).toEqual([]);
  expect(await item(page, "second").count()).toBe(0);
  await hide(false);
  await item(page, "third").waitFor();
  expect(await item(page, "second").count()).toBe(1);
  for (const each of [page, seen]) await each.close();
};

export const overviewScenarios: Readonly<Record<string, Scenario>> = {
  dashboard,
  narrowing,
  exporting,
  keyboard,
  polling,
  hidden,
};
