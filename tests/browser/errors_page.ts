/** The page of errors as scenarios open and read it; those of alerts open theirs so, too. */
import { expect } from "expect";
import type { Browser, Locator, Page } from "playwright-core";
import { eventually } from "../faults/dev_process.ts";
import { TOPIC } from "./errors_stack.ts";

export const LIMIT_MS = 30_000;

export async function openPage(browser: Browser, address: string, options: Parameters<Browser["newPage"]>[0] = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, ...options });
  page.setDefaultTimeout(LIMIT_MS);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("close", () => expect(problems).toEqual([]));
  await page.goto(address);
  return page;
}

/** The API's answer: what the page shows is held against it. */
export async function api(url: string, path: string) {
  return await (await fetch(`${url}/api/v1/${path}${path.includes("?") ? "&" : "?"}topic=${TOPIC}`)).json();
}

export const incidents = (page: Page) => page.locator(".incident-list > li");
export const incident = (page: Page, text: string) => incidents(page).filter({ hasText: text });
export const kinds = (page: Page) => page.locator("tr.fingerprint");
export const kind = (page: Page, text: string) => kinds(page).filter({ hasText: text });
export const detail = (page: Page) => page.locator(".fingerprint-detail");

export async function untilCount(what: string, rows: Locator, count: number): Promise<void> {
  await eventually(`${count} ${what}`, async () => await rows.count() === count, LIMIT_MS);
}
