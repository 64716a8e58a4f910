/** Scenarios of the page of errors in a real browser; run by name, as a process of its own, as scenarios.ts is. */
import axe from "axe-core";
import { expect } from "expect";
import { type Browser, chromium as engine, type Locator, type Page } from "playwright-core";
import { api, detail, incident, incidents, kind, kinds, LIMIT_MS, openPage, untilCount } from "./errors_page.ts";
import { eventually } from "../faults/dev_process.ts";
import { SERVICES_DIRECTORY } from "../services/paths.ts";
import { chromiumPath, findChromium } from "./chromium.ts";
import { errorLine, type ErrorsStack, haveBadDay, TOPIC, withErrorsStack } from "./errors_stack.ts";

const SCREENSHOTS = `${SERVICES_DIRECTORY}/screenshots`;
/** Run in the page, where its own globals are: text, so that ours need not know of them. */
const OVERFLOW = "document.documentElement.scrollWidth - innerWidth";
const VIOLATIONS = `axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ html }) => html) })))`;

type Scenario = (browser: Browser, stack: ErrorsStack) => Promise<void>;

/** An incident is read, acted upon, and followed to its events. */
async function incidentScenario(browser: Browser, stack: ErrorsStack): Promise<void> {
  const { url } = stack;
  await haveBadDay(stack);
  const page = await openPage(browser, `${url}/errors?topic=${TOPIC}`);
  await untilCount("open incidents", incidents(page), 4);
  await expectSevereFirst(page);
  await expectInert(page);

  // By the keyboard alone: opened, a line marked, closed; the address says what is open.
  const failing = incident(page, "Payments cannot reach their database");
  await failing.getByRole("button", { name: "Payments cannot reach their database" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/incident=/);
  await failing.getByText("AI summary").waitFor();
  await failing.getByText("by mistral-small-latest").waitFor();
  const chip = failing.getByRole("button", { name: "E2", exact: true });
  await chip.focus();
  await page.keyboard.press("Enter");
  expect(await chip.getAttribute("aria-pressed")).toBe("true");
  expect(await failing.locator(".evidence li[data-marked]").allTextContents()).toEqual([
    expect.stringMatching(/^E2.*connection refused/),
  ]);
  await page.keyboard.press("Escape");
  await untilCount("cards", page.locator(".card"), 0);
  await page.goBack();
  await failing.locator(".card").waitFor();

  await actUpon(page, failing, url);
  await followLinks(page, failing, url);

  // What no model wrote says so, with the reason.
  await page.goto(`${url}/errors?topic=${TOPIC}`);
  await incident(page, "no answer from pay").getByRole("button").first().click();
  await page.getByText("No model wrote this: the budget of summaries is spent").waitFor();
  await page.getByText("Raise mistral.usdPerDay in millrace.yaml").waitFor();
  expect(await incident(page, "no answer from pay").getByText("Possible causes").count()).toBe(0);

  // Those that are over are a click away.
  await page.getByRole("button", { name: "Also 1 resolved" }).click();
  await page.waitForURL(/resolved=1/);
  await incident(page, "shard").getByText("Resolved").waitFor();
  await page.close();
}

async function expectSevereFirst(page: Page): Promise<void> {
  const first = await incidents(page).first().textContent();
  expect(first).toContain("Critical");
  expect(first).toContain("Payments cannot reach their database");
  expect(first).toContain("90"); // so many lines of it were sent
}

/** Text of a log is shown and does nothing. */
async function expectInert(page: Page): Promise<void> {
  expect(await page.title()).toBe("Millrace errors");
  // What is quoted is a value of the template; run, it would be the title all the same.
  await kind(page, "<script>document.title='<*>'</script>").waitFor();
  expect(await page.locator("script").count()).toBe(1);
  expect(await page.locator("img").count()).toBe(0);
  const content = await page.content();
  expect(["\u001b", "\u202e"].filter((unseen) => content.includes(unseen))).toEqual([]);
}

async function actUpon(page: Page, failing: Locator, url: string): Promise<void> {
  const id = new URL(page.url()).searchParams.get("incident") ?? "";
  const known = async () => (await api(url, `incidents/${id}`)).incident;
  await page.getByLabel("You are").fill("ada <b>");
  await failing.getByRole("button", { name: "Acknowledge" }).click();
  await failing.locator(".actions").getByText("Acknowledged by ada <b>").waitFor();
  expect(await known()).toMatchObject({ state: "acknowledged", acknowledged: { by: "ada <b>" } });
  await page.reload();
  expect(await page.getByLabel("You are").inputValue()).toBe("ada <b>");

  await failing.getByText("Silence", { exact: true }).click();
  await failing.getByLabel("Why").fill("db team is on it");
  await failing.getByRole("button", { name: "30 min" }).click();
  await failing.getByText("db team is on it").waitFor();
  const { silenced } = await known();
  expect(silenced).toMatchObject({ by: "ada <b>", comment: "db team is on it", target: "incident" });
  expect(Math.abs(Date.parse(silenced.until) - Date.now() - 30 * 60_000)).toBeLessThan(60_000);
  await failing.getByRole("button", { name: "End silence" }).click();
  await failing.getByText("Silence", { exact: true }).waitFor();
  expect(await known()).toMatchObject({ silenced: null });
  await failing.getByText("Silence", { exact: true }).click();
  await failing.getByLabel("all of ledger").check();
  await failing.getByLabel("Minutes", { exact: true }).fill("90");
  await page.keyboard.press("Enter");
  await failing.getByRole("button", { name: "End silence of the whole service" }).waitFor();
  expect(await known()).toMatchObject({ silenced: { target: "service", id: "ledger" } });

  const verdict = failing.getByRole("button", { name: "Not useful" });
  await verdict.click();
  await eventually("the verdict is shown", async () => await verdict.getAttribute("aria-pressed") === "true", LIMIT_MS);
  expect(await known()).toMatchObject({ verdicts: [{ by: "ada <b>", verdict: "not_useful" }] });
}

async function followLinks(page: Page, failing: Locator, url: string): Promise<void> {
  const hrefOf = async (link: Locator) => new URL(await link.getAttribute("href") ?? "", url);
  // The range is frozen: all 90 events are in it, and nothing of other services.
  const events = await hrefOf(failing.getByRole("link", { name: "Matching events" }));
  expect(events.searchParams.get("from")).toMatch(/^20\d\d-.*Z$/);
  const answer = await (await fetch(`${url}/api/v1/events${events.search}&limit=1000`)).json();
  expect(answer.events).toHaveLength(90);
  // A line leads to its record in the log.
  const record = await hrefOf(failing.getByRole("link", { name: /^E1: the record/ }));
  const { partition, at } = Object.fromEntries(record.searchParams);
  const { records } = await (await fetch(
    `${url}/api/v1/topics/${TOPIC}/records?partition=${partition}&offset=${at}&limit=1`,
  )).json();
  expect(records[0].value).toContain("connection refused");
  await failing.getByRole("link", { name: "Matching events" }).click();
  await page.waitForURL(/\/dashboard\?.*service%3Dledger/);
}

/** Kinds of errors are found, named, merged and split. */
async function kindsScenario(browser: Browser, stack: ErrorsStack): Promise<void> {
  const { url } = stack;
  await haveBadDay(stack);
  const page = await openPage(browser, `${url}/errors?topic=${TOPIC}`);
  await untilCount("kinds", kinds(page), 8);

  // Found by text, by service, and sorted; the address says so, and back leads back.
  await page.getByLabel("Text that errors contain").fill("REFUSED by");
  await page.waitForURL(/q=REFUSED/);
  await untilCount("kinds", kinds(page), 3);
  await page.getByLabel("Text that errors contain").fill("");
  await untilCount("kinds", kinds(page), 8);
  await page.getByLabel("Service", { exact: true }).selectOption({ label: "mail" });
  await page.waitForURL(/service=mail/);
  await untilCount("kinds", kinds(page), 2);
  await untilCount("incidents", incidents(page), 1);
  await page.goBack();
  await untilCount("kinds", kinds(page), 8);
  await page.getByRole("button", { name: "Total" }).click();
  await page.waitForURL(/sort=count/);
  expect(await page.getByRole("columnheader", { name: "Total" }).getAttribute("aria-sort")).toBe("descending");
  await eventually(
    "the most frequent first",
    async () => (await kinds(page).first().textContent() ?? "").includes("refused"),
    LIMIT_MS,
  );
  expect(await kind(page, "by visa").textContent()).toMatch(/▲ Spike.*× usual/);
  expect(await kind(page, "by visa").getByRole("img").getAttribute("aria-label")).toMatch(
    /in the last two hours, most/,
  );

  // Why it is one kind: its template, and what varied in the lines that are kept.
  await kind(page, "connection refused").click();
  await page.waitForURL(/fingerprint=/);
  await detail(page).getByText("Why these are one kind").waitFor();
  expect(await detail(page).locator(".varied").textContent()).toContain("db-1.internal:5432");
  expect(await detail(page).locator(".evidence li").count()).toBeGreaterThan(2);
  const link = new URL(
    await detail(page).getByRole("link", { name: "Matching events" }).getAttribute("href") ?? "",
    url,
  );
  expect((await (await fetch(`${url}/api/v1/events${link.search}&limit=1000`)).json()).events).toHaveLength(90);

  await rename(page);
  await merge(page, url);
  await split(page, stack);
  await page.close();
}

async function rename(page: Page): Promise<void> {
  await detail(page).getByText("Rename", { exact: true }).click();
  await detail(page).getByLabel("What people call it").fill("Database <i>gone</i>");
  await page.keyboard.press("Enter");
  await kind(page, "Database <i>gone</i>").waitFor();
  expect(await kind(page, "Database <i>gone</i>").textContent()).toContain("connection refused");
  await detail(page).getByText("Rename", { exact: true }).click();
  await detail(page).getByRole("button", { name: "Without a name" }).click();
  await eventually("the name is gone", async () => await page.getByText("Database <i>").count() === 0, LIMIT_MS);
}

async function merge(page: Page, url: string): Promise<void> {
  await kind(page, "by amex").click();
  await detail(page).getByText("by amex").first().waitFor();
  const merged = new URL(page.url()).searchParams.get("fingerprint") ?? "";
  const { count } = await api(url, `fingerprints/${merged}`);
  await detail(page).getByText("Merge into another").click();
  await detail(page).getByLabel("Search for the one to merge into").fill("visa");
  await untilCount("found", detail(page).locator(".found input"), 1);
  await detail(page).locator(".found input").check();
  await detail(page).getByRole("button", { name: "Merge", exact: true }).click();
  await detail(page).getByText(`${merged} was merged`).waitFor();
  await kind(page, "1 other merged in").waitFor();
  expect(await api(url, `fingerprints/${merged}`)).toMatchObject({ count: 2 * count });
  await detail(page).getByText("Others count as this one").waitFor();
  await page.goto(`${url}/errors?topic=${TOPIC}`);
  await untilCount("kinds", kinds(page), 7);
}

async function split(page: Page, { send }: ErrorsStack): Promise<void> {
  await kind(page, "by mastercard").click();
  await detail(page).getByText("Split by a text").click();
  await detail(page).getByLabel("Text, in this case").fill("card 777");
  await detail(page).getByRole("button", { name: "Split", exact: true }).click();
  await detail(page).getByText("Told apart by a person").waitFor();
  await page.keyboard.press("Escape");
  await send([errorLine(Date.now(), { service: "pay", message: "card 7771 was refused by mastercard" })]);
  await page.mouse.move(5, 5);
  await kind(page, "Split off").waitFor();
}

/** What comes while the page is open, and what does not. */
async function liveScenario(browser: Browser, { url, send, analyze }: ErrorsStack): Promise<void> {
  // Nothing there yet: each time the next step is said.
  const page = await openPage(browser, `${url}/errors`);
  await page.getByText("deno task produce --file").waitFor();
  await send(
    Array.from({ length: 3 }, () => errorLine(Date.now(), { level: "INFO", service: "pay", message: "fine" })),
  );
  await page.getByText("No analyzer has read this topic yet").waitFor();
  await page.getByText("deno task analyzer").waitFor();
  await analyze();
  await page.getByText("has read 3 records").waitFor();
  const failed = (service: string) => errorLine(Date.now(), { service, message: `no answer from ${service}` });
  await send([failed("first")]);
  await incident(page, "no answer from first").waitFor();
  const topOf = async () => (await incident(page, "no answer from first").boundingBox())?.y;
  const top = await topOf();
  await page.getByRole("status").filter({ hasText: "New incident" }).waitFor({ state: "attached" });
  // The note on summaries comes a moment later: beside what is there, so that nothing is moved. Next time it is above the list.
  await page.getByText("why", { exact: true }).click();
  await page.locator(".told").getByText("New summaries have the facts alone").waitFor();
  expect(await topOf()).toBe(top);
  await page.keyboard.press("Escape");
  await page.reload();
  await page.getByRole("region", { name: "Summaries" }).getByText("New summaries have the facts alone").waitFor();

  // Whoever points at the list reads it: it stays as it is, but for its figures.
  await incident(page, "no answer from first").hover();
  await send([failed("second"), failed("first")]);
  await page.getByRole("button", { name: "1 new: show" }).first().waitFor();
  await incident(page, "no answer from first").locator(".figure-count b").filter({ hasText: "2" }).waitFor();
  await untilCount("incidents", incidents(page), 1);
  await page.getByRole("button", { name: "1 new: show" }).first().click();
  await untilCount("incidents", incidents(page), 2);

  // A gateway that does not answer leaves what was known, marked as old; then it goes on.
  const before = await topOf();
  await page.route("**/api/v1/**", (route) => route.abort());
  await page.getByRole("alert").filter({ hasText: "Below is what was known" }).waitFor();
  await page.locator("main[data-stale=true]").waitFor();
  expect(await topOf()).toBe(before);
  await untilCount("incidents", incidents(page), 2);
  await page.unroute("**/api/v1/**");
  await page.locator("main[data-stale=false]").waitFor();

  // What is not there, or no longer, is said in words.
  await page.goto(`${url}/errors?topic=${TOPIC}&incident=nothing`);
  await page.getByText("there is no incident nothing").waitFor();
  await page.goto(`${url}/errors?topic=nowhere`);
  await page.getByRole("alert").filter({ hasText: "there is no topic nowhere" }).waitFor();
  await page.goto(`${url}/errors?topic=${TOPIC}&q=unheard`);
  await page.getByText("No kind of error fits").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await untilCount("kinds", kinds(page), 2);
  await page.close();
}

/** Views and settings, as the dashboard has them; views of one page are not those of another. */
async function personalScenario(browser: Browser, stack: ErrorsStack): Promise<void> {
  const { url } = stack;
  await haveBadDay(stack);
  const page = await openPage(browser, `${url}/errors?topic=${TOPIC}&service=pay&sort=count`);
  await untilCount("open incidents of pay", incidents(page), 1);
  const views = async () => {
    await page.getByRole("button", { name: "Views" }).click();
    return page.getByRole("group", { name: "Saved views" });
  };
  let menu = await views();
  await menu.getByLabel("Save this view as").fill("pay alone");
  await menu.getByRole("button", { name: "Save" }).click();
  await menu.getByRole("button", { name: "pay alone", exact: true }).waitFor();
  const { views: [saved] } = await (await page.request.get(`${url}/api/v1/views`)).json();
  expect(saved).toMatchObject({ name: "pay alone", page: "errors", query: `?topic=${TOPIC}&service=pay&sort=count` });

  await page.goto(`${url}/dashboard?topic=${TOPIC}`);
  menu = await views();
  await menu.getByText("None yet.").waitFor();
  await page.goto(`${url}/errors?topic=${TOPIC}`);
  await untilCount("open incidents", incidents(page), 4);
  menu = await views();
  await menu.getByRole("button", { name: "pay alone", exact: true }).click();
  await untilCount("open incidents of pay", incidents(page), 1);
  await page.goto(`${url}/errors?view=${saved.id}`);
  await untilCount("open incidents of pay", incidents(page), 1);
  expect(new URL(page.url()).search).toBe(saved.query);

  await page.getByRole("button", { name: "Settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.getByLabel("Theme").selectOption("dark");
  expect(await dialog.getByText("Panels and their order").count()).toBe(0);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.reload();
  expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("dark");
  await page.close();
}

async function accessibilityScenario(browser: Browser, stack: ErrorsStack): Promise<void> {
  const { url } = stack;
  await haveBadDay(stack);
  const [{ id }] = (await api(url, "incidents?state=open")).incidents.filter(({ severity }: { severity: string }) =>
    severity === "critical"
  );
  const { fingerprints: [{ id: lead }] } = await api(url, `incidents/${id}`);
  const views: [name: string, query: string, menus: string[]][] = [
    ["errors", "&resolved=1", []],
    ["errors-views", "&resolved=1&q=", ["Views"]],
    ["errors-settings", "&resolved=1&sort=new", ["Settings"]],
    ["errors-incident", `&incident=${id}`, ["Silence"]],
    ["errors-kind", `&fingerprint=${lead}`, ["As a table", "Merge into another"]],
  ];
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360, 320]) {
      const page = await openPage(browser, "about:blank", {
        colorScheme,
        viewport: { width, height: 900 },
        reducedMotion: "reduce",
      });
      for (const [name, query, menus] of views) {
        await page.goto(`${url}/errors?topic=${TOPIC}${query}`);
        await page.locator(query.startsWith("&r") ? "tr.fingerprint" : ".card").first().waitFor();
        if (query.startsWith("&i")) await page.getByRole("button", { name: "E1", exact: true }).click();
        await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
        for (const menu of menus) await page.locator("summary, .tools button").filter({ hasText: menu }).click();
        if (query.includes("resolved")) {
          await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
        }
        await page.evaluate(axe.source);
        const violations = await page.evaluate(VIOLATIONS);
        expect({ name, colorScheme, width, violations }).toEqual({ name, colorScheme, width, violations: [] });
        const overflow = await page.evaluate(OVERFLOW);
        expect({ name, width, overflow }).toEqual({ name, width, overflow: 0 });
      }
      await page.close();
    }
  }
}

const scenarios: Readonly<Record<string, Scenario>> = {
  incident: incidentScenario,
  kinds: kindsScenario,
  live: liveScenario,
  personal: personalScenario,
  accessibility: accessibilityScenario,
};

if (import.meta.main) {
  const [name] = Deno.args;
  await Deno.mkdir(SCREENSHOTS, { recursive: true });
  await withErrorsStack(async (stack) => {
    const browser = await engine.launch({
      executablePath: await chromiumPath(await findChromium() ?? ""),
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    try {
      await scenarios[name](browser, stack);
    } finally {
      await browser.close();
    }
  });
  Deno.exit(0); // the library leaves something open
}
