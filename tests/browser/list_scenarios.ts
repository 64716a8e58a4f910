/** Long lists, and events as they come. */
import { expect } from "expect";
import type { Locator } from "playwright-core";
import { eventually } from "../faults/dev_process.ts";
import { LIMIT_MS, openPage, recordOf, rowsOf, type Scenario, send, untilRows, untilStored } from "./harness.ts";

const MANY = 12_000;
/** Rows in the document at a time, whatever the list's length. */
const DRAWN_MAX = 80;

/** Run in the page. */
const scrollTo = (viewport: Locator, px: number): Promise<void> =>
  viewport.evaluate((element: { scrollTop: number }, px: number) => {
    element.scrollTop = px;
  }, px);

/** A list of thousands is scrolled through to its end, by wheel and by keys, with few rows in the document. */
const longList: Scenario = async (browser, url) => {
  const now = Date.now();
  for (let from = 0; from < MANY; from += 3_000) {
    await send(
      url,
      "shop",
      Array.from(
        { length: 3_000 },
        (_, i) =>
          recordOf({ timestamp: new Date(now - (from + i) * 100).toISOString(), message: `event ${from + i}.` }),
      ),
    );
  }
  await untilStored(url, 1);
  const page = await openPage(browser, `${url}/dashboard?topic=shop`);
  await page.getByText(`of ${MANY.toLocaleString("en")}`).waitFor();
  const viewport = page.locator(".viewport");
  await viewport.hover();
  await eventually("all of it is listed", async () => {
    await scrollTo(viewport, 1e9);
    expect(await rowsOf(page).count()).toBeLessThan(DRAWN_MAX);
    return await page.getByText(`event ${MANY - 1}.`).count() === 1;
  }, 2 * LIMIT_MS);
  await page.getByText(`${MANY.toLocaleString("en")} of ${MANY.toLocaleString("en")}: all there are`).waitFor();

  // Rows follow each other without a gap, wherever one looks.
  await scrollTo(viewport, 26 * 5000);
  await page.getByText("event 5000.").waitFor();
  const texts = await rowsOf(page).locator(".said").allTextContents();
  const numbers = texts.map((text) => Number(/event (\d+)\./.exec(text)?.[1]));
  expect(numbers).toEqual(numbers.map((_, i) => numbers[0] + i));

  // A row that is open moves what is below, and stays open while it is out of sight.
  await page.getByText("event 5003.").click();
  await page.getByLabel("record as it came").waitFor();
  await scrollTo(viewport, 0);
  await page.getByText("event 0.").waitFor();
  expect(await page.getByLabel("record as it came").count()).toBe(0);
  await scrollTo(viewport, 26 * 5000);
  await page.getByLabel("record as it came").waitFor();

  // Keys go from row to row, also to those that are not there yet.
  await scrollTo(viewport, 0);
  await page.getByText("event 0.").waitFor();
  await rowsOf(page).first().focus();
  await page.keyboard.press("End");
  const isFocused = (text: string) =>
    eventually(
      `${text} has the focus`,
      async () => String(await page.evaluate("document.activeElement?.textContent ?? ''")).includes(text),
    );
  await isFocused(`event ${MANY - 1}.`);
  await page.keyboard.press("ArrowUp");
  await isFocused(`event ${MANY - 2}.`);
  await page.keyboard.press("Home");
  await isFocused("event 0.");
  await page.close();
};

const counted = async (page: Awaited<ReturnType<typeof openPage>>): Promise<Record<string, number>> => {
  const names = await page.locator(".counts dt").allTextContents();
  const values = await page.locator(".counts dd").allTextContents();
  return Object.fromEntries(names.map((name, i) => [name, Number(values[i].replaceAll(",", ""))]));
};

/** Events come as they are stored, filtered; a burst is counted to the record; who stops keeps what came. */
const tail: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "before" })]);
  await untilStored(url, 1);
  const page = await openPage(browser, `${url}/dashboard?topic=shop&list=tail&where=level%3DERROR%7CWARN`);
  await page.getByText("Live.").waitFor();
  await page.getByText("Waiting for events with level=ERROR|WARN").waitFor();
  await page.mouse.move(5, 5);
  // From here on it follows: what is sent before the stream has told where it stands may be taken for known.
  await eventually("the first has come", async () => {
    await send(url, "shop", [recordOf({ message: "first", level: "WARN" }), recordOf({ message: "no matter" })]);
    return await rowsOf(page).count() > 0;
  });
  expect(await page.getByText("no matter").count()).toBe(0);
  await untilStored(url, 1);
  await eventually("nothing is under way", async () => {
    const before = (await counted(page)).received;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return (await counted(page)).received === before;
  });

  // Paused, what comes waits.
  await page.getByRole("button", { name: "Pause" }).click();
  await send(url, "shop", [recordOf({ message: "meanwhile", level: "ERROR" })]);
  await page.getByRole("button", { name: "1 new: show them" }).waitFor();
  expect(await page.getByText("meanwhile").count()).toBe(0);
  await page.getByRole("button", { name: "1 new: show them" }).click();
  await page.getByText("meanwhile").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();

  // A burst: whatever is not here is counted.
  const before = await counted(page);
  const burst = Array.from(
    { length: 9_000 },
    (_, i) => recordOf({ message: `burst ${i}`, level: i % 3 === 0 ? "ERROR" : "INFO" }),
  );
  for (let from = 0; from < burst.length; from += 3_000) await send(url, "shop", burst.slice(from, from + 3_000));
  await eventually(
    "the burst is counted",
    async () => (await counted(page)).received === before.received + burst.length,
  );
  const after = await counted(page);
  expect(after.matching).toBe(before.matching + burst.length / 3);
  expect(after["in this list"] + after["skipped, too fast"] + after["rolled off"]).toBe(after.matching);

  // Stopped, it is still here, to look at and to keep.
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("Stopped: what came is kept.").waitFor();
  await send(url, "shop", [recordOf({ message: "afterwards", level: "ERROR" })]);
  await untilStored(url, 1);
  expect((await counted(page))["in this list"]).toBe(after["in this list"]);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save as NDJSON" }).click(),
  ]);
  const lines = (await Deno.readTextFile(await download.path())).trim().split("\n");
  expect(lines).toHaveLength(after["in this list"]);
  expect(lines.every((line) => ["ERROR", "WARN"].includes(JSON.parse(line).fields.level))).toBe(true);
  await page.close();
};

/** A connection that breaks misses nothing: the tail goes on where it was. */
const tailResumes: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "before" })]);
  await untilStored(url, 1);
  const page = await openPage(browser, `${url}/dashboard?topic=shop&list=tail`);
  await page.getByText("Live.").waitFor();
  await page.mouse.move(5, 5);
  await eventually("it follows", async () => {
    await send(url, "shop", [recordOf({ message: "seen" })]);
    return await rowsOf(page).count() > 0;
  });
  await untilStored(url, 1);
  await page.context().setOffline(true);
  const sent = Array.from({ length: 20 }, (_, i) => recordOf({ message: `offline ${i}.` }));
  await send(url, "shop", sent);
  await untilStored(url, 1);
  await page.context().setOffline(false);
  for (let i = 0; i < sent.length; i++) await page.getByText(`offline ${i}.`).waitFor();
  await untilRows(page, (await counted(page)).matching);
  await page.close();
};

/** Columns of the log's records have names that stand above them; keys have one where there are any. */
const columns: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "hello" })]);
  await untilStored(url, 1);
  const page = await openPage(browser, "about:blank");
  const edges = (selector: string) =>
    page.evaluate(`[...document.querySelectorAll("${selector} > *")].map((each) => each.getBoundingClientRect().left)`);
  for (const [key, names] of [[null, ["time", "offset", "record"]], ["k1", ["time", "offset", "key", "record"]]]) {
    await page.unrouteAll();
    await page.route("**/records?*", async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      const records = body.records.map((record: Record<string, unknown>) => ({ ...record, key }));
      await route.fulfill({ response, json: { ...body, records } });
    });
    await page.goto(`${url}/topics?topic=shop`); // of whichever partition the record is in
    await rowsOf(page).first().waitFor();
    expect(await page.locator(".heads > *").allTextContents()).toEqual(names);
    expect(await edges(".heads")).toEqual(await edges(".viewport .row"));
  }
  const { topics: [{ partitions }] } = await (await fetch(`${url}/api/v1/topics`)).json();
  const numberOf = (isFilled: boolean) =>
    partitions.find(({ start, end }: { start: number; end: number }) => end > start === isFilled).partition;
  await page.goto(`${url}/topics?topic=shop&partition=${numberOf(false)}`);
  await page.getByText(`Partition ${numberOf(false)} holds no record; partition ${numberOf(true)} does.`).waitFor();
  await page.close();
};

/** Bars of the report are as high as letters, and as long as what they stand for. */
const bars: Scenario = async (browser, url) => {
  const line = (host: number, i: number) =>
    `10.0.0.${host} - - [01/Mar/2026:12:00:${String(i).padStart(2, "0")} +0000] "GET /a HTTP/1.1" 200 9`;
  const counts = [40, 20, 10];
  await send(url, "access", counts.flatMap((count, host) => Array.from({ length: count }, (_, i) => line(host, i))));
  await untilStored(url, 1);
  const page = await openPage(browser, `${url}/report?topic=access`);
  const hosts = page.locator("section", { hasText: "Top hosts" }).locator("tbody tr");
  await eventually("three hosts", async () => await hosts.count() === counts.length);
  const drawn = await Promise.all(counts.map((_, at) => hosts.nth(at).locator(".bar rect").boundingBox()));
  const letters = await hosts.first().locator("td:last-child").evaluate(
    "parseFloat(getComputedStyle(document.body).fontSize)",
  );
  for (const [at, box] of drawn.entries()) {
    expect(box?.height).toBeGreaterThanOrEqual(Number(letters));
    expect((box?.width ?? 0) / (drawn[0]?.width ?? 1)).toBeCloseTo(counts[at] / counts[0], 2);
  }
  await page.close();
};

/** A report of any days, which stay in the address and are what is changed next. */
const period: Scenario = async (browser, url) => {
  const line = (day: number) => `10.0.0.1 - - [0${day}/Mar/2015:12:00:00 +0000] "GET /a HTTP/1.1" 200 9`;
  await send(url, "access", [1, 2, 2, 3].map(line));
  await untilStored(url, 1);
  const page = await openPage(browser, `${url}/report?topic=access`);
  const lines = page.locator(".figure", { hasText: "lines" }).locator("dd").first();
  await eventually("all of it", async () => await lines.textContent() === "4");
  await page.getByLabel("Period").selectOption("other…");
  expect(await page.getByLabel("from").inputValue()).toBe("2015-03-01 00:00:00");
  expect(await page.getByLabel("to", { exact: true }).inputValue()).toBe("2015-03-04 00:00:00");
  await page.getByLabel("from").fill("2015-03-02");
  await page.getByLabel("to", { exact: true }).fill("2015-03-03");
  await page.keyboard.press("Enter");
  await eventually("one day", async () => await lines.textContent() === "2");
  const query = new URL(page.url()).searchParams;
  expect([query.get("from"), query.get("to")]).toEqual(["2015-03-02T00:00:00.000Z", "2015-03-03T00:00:00.000Z"]);
  await page.reload();
  await eventually("one day", async () => await lines.textContent() === "2");
  await page.getByLabel("Period").selectOption("everything");
  await eventually("all of it", async () => await lines.textContent() === "4");
  await page.close();
};

/** Where there is nothing to see it is said, with the way to what there is. */
const nothing: Scenario = async (browser, url) => {
  await send(url, "bad", ["no json", "nor this"]);
  await fetch(`${url}/api/v1/topics`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "quiet" }),
  });
  await untilStored(url, 2);
  const page = await openPage(browser, `${url}/dashboard?topic=nowhere`);
  await page.getByRole("alert").getByText("there is no topic nowhere").waitFor();
  await page.getByRole("link", { name: "quiet" }).click();
  await page.getByText("deno task produce --file FILE --topic quiet").waitFor();
  await page.getByRole("region", { name: "Events by level" }).getByText("Nothing in this range.").first().waitFor();
  await page.getByLabel("Topic").selectOption("bad");
  await page.getByRole("button", { name: "2 that could not be parsed" }).click();
  await untilRows(page, 2);
  await page.close();
};

/** A gateway that does not answer leaves what was known, with its time, where it is; then it goes on. */
const outage: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ message: "hello" })]);
  await untilStored(url, 1);
  for (const [path, panel] of [["/topics?topic=shop", "Topics"], ["/dashboard?topic=shop", "Events"]]) {
    const page = await openPage(browser, `${url}${path}`);
    const place = page.getByRole("heading", { name: panel, exact: true });
    await place.waitFor();
    await page.getByText("Loading…").first().waitFor({ state: "hidden" });
    const before = await place.boundingBox();
    await page.route("**/api/**", (route) => route.abort());
    const told = page.getByRole("alert").filter({ hasText: /What is shown is of \d\d:\d\d:\d\d\.$/ });
    await told.waitFor();
    expect(await place.boundingBox()).toEqual(before);
    await page.unroute("**/api/**");
    await told.waitFor({ state: "detached" });
    await page.close();
  }
};

export const listScenarios: Readonly<Record<string, Scenario>> = {
  longList,
  tail,
  tailResumes,
  columns,
  bars,
  period,
  nothing,
  outage,
};
