import { expect } from "expect";
import type { Documents } from "../../core/store/ports.ts";
import { type Answer, type TestGateway, withGateway } from "../test_gateway.ts";
import { changeDocuments } from "./change.ts";

/** A browser that keeps its cookies. */
class Browser {
  readonly #ask: TestGateway["ask"];
  readonly #headers: Record<string, string>;

  constructor({ ask }: TestGateway, headers: Record<string, string> = {}) {
    this.#ask = ask;
    this.#headers = { ...headers };
  }

  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#ask(`/api/v1/${path}`, {
      method,
      headers: { ...this.#headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const cookie = answer.headers.get("set-cookie")?.split(";")[0];
    if (cookie !== undefined) this.#headers.Cookie = cookie;
    return answer;
  }

  async viewNames(): Promise<string[]> {
    return Object(await this.send("GET", "views").then(({ json }) => json)).views.map(({ name }: { name: string }) =>
      name
    );
  }
}

const VIEW = { name: "failing", page: "dashboard", query: "?topic=shop&where=level%3DERROR" };

Deno.test("a browser's settings stay, are nobody else's, and a change leaves the others as they were", async () => {
  await withGateway(async (gateway) => {
    const [mine, other] = [new Browser(gateway), new Browser(gateway)];
    expect((await mine.send("GET", "settings")).json).toMatchObject({
      owner: "nobody",
      settings: { theme: "system", slaTarget: 99.9 },
    });
    await mine.send("PATCH", "settings", { theme: "dark", slaTarget: 99.5 });
    await mine.send("PATCH", "settings", { panels: ["events", "latency"], timeZone: "Europe/Berlin" });
    expect((await mine.send("GET", "settings")).json).toEqual({
      owner: "browser",
      user: null,
      settings: {
        theme: "dark",
        timeZone: "Europe/Berlin",
        panels: ["events", "latency"],
        hiddenPanels: [],
        slaTarget: 99.5,
        refreshSeconds: 2,
      },
    });
    expect((await other.send("GET", "settings")).json).toMatchObject({ settings: { theme: "system" } });
  });
});

Deno.test("where a proxy tells the user, settings and views are that user's in every browser", async () => {
  await withGateway(async (gateway) => {
    const as = (user: string) => new Browser(gateway, { "X-Forwarded-User": user });
    await as("ann").send("PATCH", "settings", { theme: "light" });
    await as("ann").send("POST", "views", VIEW);
    expect((await as("ann").send("GET", "settings")).json).toMatchObject({
      owner: "user",
      user: "ann",
      settings: { theme: "light" },
    });
    expect(await as("ann").viewNames()).toEqual(["failing"]);
    expect(await as("ben").viewNames()).toEqual([]);
  }, { config: { gateway: { userHeader: "X-Forwarded-User" } } });
  // A header that nobody was told to believe says nothing.
  await withGateway(async (gateway) => {
    const answer = await new Browser(gateway, { "X-Forwarded-User": "ann" }).send("GET", "settings");
    expect(answer.json).toMatchObject({ owner: "nobody", user: null });
  });
});

Deno.test("settings that cannot be are refused in words, and nothing of them is kept", async () => {
  await withGateway(async (gateway) => {
    const browser = new Browser(gateway);
    for (
      const [wrong, told] of [
        [{ theme: "pink" }, "theme"],
        [{ timeZone: "Mars/Base" }, "timeZone"],
        [{ slaTarget: 100 }, "slaTarget"],
        [{ slaTarget: 99.99999 }, "slaTarget"],
        [{ panels: ["a", "a"] }, "twice"],
        [{ refreshSeconds: -1 }, "refreshSeconds"],
        [{ colour: "red" }, "colour"],
      ] as const
    ) {
      const { status, text } = await browser.send("PATCH", "settings", wrong);
      expect({ wrong, status, text }).toEqual({ wrong, status: 400, text: expect.stringContaining(told) });
    }
    expect((await browser.send("GET", "settings")).json).toMatchObject({ owner: "nobody" });
  });
});

Deno.test("views are saved, renamed, shared and deleted, one's own by oneself alone", async () => {
  await withGateway(async (gateway) => {
    const [mine, other] = [new Browser(gateway), new Browser(gateway)];
    const saved = await mine.send("POST", "views", VIEW);
    expect(saved).toMatchObject({ status: 201, json: { ...VIEW, isShared: false } });
    const shared = await mine.send("POST", "views", { ...VIEW, name: "all of us", isShared: true });
    expect(await mine.viewNames()).toEqual(["all of us", "failing"]);
    expect(await other.viewNames()).toEqual(["all of us"]);
    const idOf = ({ json }: Answer): string => Object(json).id;
    expect(await other.send("GET", `views/${idOf(saved)}`)).toMatchObject({ status: 404 });
    expect(await other.send("DELETE", `views/${idOf(saved)}`)).toMatchObject({ status: 404 });
    expect(await other.send("PATCH", `views/${idOf(shared)}`, { name: "renamed" })).toMatchObject({
      json: { name: "renamed", query: VIEW.query, isShared: true },
    });
    expect(await mine.send("GET", `views/${idOf(saved)}`)).toMatchObject({ json: VIEW });
    expect(await mine.send("DELETE", `views/${idOf(saved)}`)).toMatchObject({ status: 204 });
    expect(await mine.viewNames()).toEqual(["renamed"]);
    for (const wrong of [{ ...VIEW, name: " " }, { ...VIEW, query: "javascript:x" }, { ...VIEW, page: "nowhere" }]) {
      expect(await mine.send("POST", "views", wrong)).toMatchObject({ status: 400 });
    }
  });
});

Deno.test("whoever changes at the same moment loses nothing, and there is an end to views", async () => {
  await withGateway(async (gateway) => {
    const browser = new Browser(gateway);
    await browser.send("PATCH", "settings", { theme: "dark" });
    await Promise.all(Array.from({ length: 12 }, (_, i) => browser.send("POST", "views", { ...VIEW, name: `v${i}` })));
    expect(await browser.viewNames()).toHaveLength(12);
    for (let i = 12; i < 200; i++) await browser.send("POST", "views", { ...VIEW, name: `v${i}` });
    expect(await browser.send("POST", "views", VIEW)).toMatchObject({
      status: 409,
      text: expect.stringContaining("200 already"),
    });
  });
});

Deno.test("a change that always comes too late is given up in words, and is not made", async () => {
  let tries = 0;
  const busy: Documents = {
    readDocuments: () => Promise.resolve({ version: 1, entries: new Map() }),
    documentsVersion: () => Promise.resolve(1),
    commitDocuments: () => Promise.resolve(++tries < 0),
    dropDocuments: () => Promise.resolve(),
  };
  const failed = await changeDocuments(busy, "views/shared", () => ({ puts: [["a", "b"]], answer: 1 }))
    .catch((error) => error);
  expect(failed).toMatchObject({ status: 503 });
  expect(tries).toBeGreaterThan(1);
});
