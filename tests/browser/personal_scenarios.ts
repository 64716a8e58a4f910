/** Settings and saved views: kept in the store, by browser. */
import { expect } from "expect";
import { eventually } from "../faults/dev_process.ts";
import { openPage, recordOf, type Scenario, send, untilRows, untilStored } from "./harness.ts";

/** Run in the page: which of these colours the first chart has more than a few dots of. */
const PAINTED = `(() => {
  const canvas = document.querySelector("#panel-levels canvas");
  if (canvas === null || canvas.width === 0) return "";
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const counts = { "242,109,96,255": 0, "201,55,44,255": 0 };
  for (let at = 0; at < data.length; at += 4) {
    const colour = data.subarray(at, at + 4).join();
    if (colour in counts) counts[colour]++;
  }
  return Object.keys(counts).filter((colour) => counts[colour] > 50).join(" ");
})()`;

/** Settings hold at once, in every tab of the browser and after a reload, and are nobody else's. */
const settings: Scenario = async (browser, url) => {
  await send(url, "shop", [recordOf({ timestamp: "2026-03-01T23:30:00Z", message: "late", level: "ERROR" })]);
  await untilStored(url, 1); // the range does not move, so it is asked for once
  const address = `${url}/dashboard?topic=shop&from=2026-03-01T23:00:00Z&to=2026-03-02T00:00:00Z`;
  const page = await openPage(browser, address);
  await untilRows(page, 1);
  await page.getByRole("button", { name: "Settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.getByLabel("Theme").selectOption("dark");
  await dialog.getByLabel("Time zone").selectOption("Asia/Tokyo");
  await dialog.getByLabel("Service level wanted").fill("95");
  // Whatever draws the dialog meanwhile takes nothing from who types.
  await page.evaluate("document.querySelector('dialog input[type=checkbox]').click()");
  await dialog.getByRole("checkbox", { name: "Alerts" }).and(page.locator(":not(:checked)")).waitFor();
  expect(await dialog.getByLabel("Service level wanted").inputValue()).toBe("95");
  await dialog.getByLabel("Service level wanted").press("Tab");
  await dialog.getByRole("checkbox", { name: "Alerts" }).check();
  await dialog.getByRole("checkbox", { name: "Log levels" }).uncheck();
  const up = dialog.getByRole("button", { name: "Events: up" });
  while (await up.isEnabled()) await up.click({ timeout: 2_000 }).catch(() => {}); // disabled meanwhile: it is the first
  await dialog.getByRole("button", { name: "Done" }).click();
  const shown = async (of: typeof page) => ({
    theme: await of.evaluate("document.documentElement.dataset.theme"),
    paper: await of.evaluate("getComputedStyle(document.body).backgroundColor"),
    bar: await of.evaluate(PAINTED),
    time: await of.locator(".row time").first().textContent(),
    target: await of.getByText("target 95 %").count(),
    first: await of.locator("main .panel h2").first().textContent(),
    levels: await of.getByRole("region", { name: "Log levels" }).count(),
  });
  const wanted = {
    ...{ theme: "dark", paper: "rgb(13, 19, 18)", bar: "242,109,96,255", time: "2026-03-02 08:30:00" },
    ...{ target: 1, first: "Events", levels: 0 },
  };
  const untilShown = (of: typeof page) =>
    eventually("the settings hold", async () => JSON.stringify(await shown(of)) === JSON.stringify(wanted));
  await untilShown(page);
  await page.reload();
  await untilRows(page, 1);
  await untilShown(page);
  // Also where this browser has forgotten what it saw last.
  await page.evaluate("localStorage.clear()");
  const other = await openPage(browser, address, page);
  await untilRows(other, 1);
  await untilShown(other);
  await other.close();
  const stranger = await openPage(browser, address);
  await untilRows(stranger, 1);
  await eventually("the chart is drawn", async () => await stranger.evaluate(PAINTED) !== "");
  expect(await shown(stranger)).toMatchObject({
    paper: "rgb(244, 246, 245)",
    bar: "201,55,44,255",
    target: 0,
    first: "Alerts",
    levels: 1,
  });
  await stranger.close();
  await page.close();
};

/** A view is saved under a name, opened, changed, seen by everybody if it should be, and deleted. */
const views: Scenario = async (browser, url) => {
  await send(
    url,
    "shop",
    Array.from({ length: 20 }, (_, i) => recordOf({ message: `m ${i}`, level: i < 5 ? "ERROR" : "INFO" })),
  );
  const page = await openPage(browser, `${url}/dashboard?topic=shop&where=level%3DERROR`);
  await untilRows(page, 5);
  const open = async (of: typeof page) => {
    await of.getByRole("button", { name: "Views" }).click();
    return of.getByRole("group", { name: "Saved views" });
  };
  let menu = await open(page);
  await menu.getByLabel("Save this view as").fill("only errors");
  await menu.getByRole("button", { name: "Save" }).click();
  await menu.getByRole("button", { name: "only errors", exact: true }).waitFor();
  await menu.getByLabel("Save this view as").fill("for all");
  await menu.getByLabel("for everybody").check();
  await menu.getByRole("button", { name: "Save" }).click();
  await menu.getByText("everybody's").waitFor();

  await page.goto(`${url}/dashboard?topic=shop`);
  await untilRows(page, 20);
  menu = await open(page);
  await menu.getByRole("button", { name: "only errors", exact: true }).click();
  await untilRows(page, 5);
  expect(new URL(page.url()).searchParams.getAll("where")).toEqual(["level=ERROR"]);

  const stranger = await openPage(browser, `${url}/dashboard?topic=shop`);
  await untilRows(stranger, 20);
  const seen = await open(stranger);
  await seen.getByRole("button", { name: "for all", exact: true }).waitFor();
  expect(await seen.getByRole("button", { name: "only errors", exact: true }).count()).toBe(0);
  await seen.getByRole("button", { name: "for all", exact: true }).click();
  await untilRows(stranger, 5);
  // A short link to it.
  const { views } = await (await fetch(`${url}/api/v1/views`)).json();
  await stranger.goto(`${url}/dashboard?view=${views[0].id}`);
  await untilRows(stranger, 5);
  await stranger.close();

  menu = await open(page);
  await menu.getByRole("button", { name: "delete only errors" }).click();
  await eventually(
    "it is gone",
    async () => await menu.getByRole("button", { name: "only errors", exact: true }).count() === 0,
  );
  await page.close();
};

export const personalScenarios: Readonly<Record<string, Scenario>> = { settings, views };
