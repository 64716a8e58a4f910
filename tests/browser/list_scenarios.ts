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
    const before = (await counted(page)).came;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return (await counted(page)).came === before;
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
  await eventually("the burst is counted", async () => (await counted(page)).came === before.came + burst.length);
  const after = await counted(page);
  expect(after.fit).toBe(before.fit + burst.length / 3);
  expect(after.here + after["left out"] + after["made room"]).toBe(after.fit);

  // Stopped, it is still here, to look at and to keep.
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("Stopped: what came is kept.").waitFor();
  await send(url, "shop", [recordOf({ message: "afterwards", level: "ERROR" })]);
  await untilStored(url, 1);
  expect((await counted(page)).here).toBe(after.here);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save as NDJSON" }).click(),
  ]);
  const lines = (await Deno.readTextFile(await download.path())).trim().split("\n");
  expect(lines).toHaveLength(after.here);
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
  await untilRows(page, (await counted(page)).fit);
  await page.close();
};

export const listScenarios: Readonly<Record<string, Scenario>> = { longList, tail, tailResumes };
