import { expect } from "expect";
import { parseRules } from "../../analyzer/alerts/rules_file.ts";
import { type Evaluations, evaluationsOf, START } from "../test_alerts.ts";
import { type TestGateway, withGateway } from "../test_gateway.ts";

const MINUTE_MS = 60_000;
const RULES = parseRules(
  `
rules:
  - {name: errors, kind: threshold, topics: [shop], metric: errors, window: 1m, above: 4, by: [service], keepFiring: 0m}
  - {name: many errors, kind: threshold, topics: [shop], metric: errors, window: 1m, above: 90, by: [service],
     keepFiring: 0m, severity: critical}
  - {name: lasting errors, kind: threshold, topics: [shop], metric: errors, window: 1m, above: 4, by: [service], for: 1h}
routes:
  - {groupBy: [topic, service], repeatInterval: 10m, groupInterval: 0s}
`,
  "rules.yaml",
);

interface Scene extends Evaluations, TestGateway {
  /** Judges minute `at`, whose end, and some seconds, is then the gateway's now. */
  minute(at: number, errors: Readonly<Record<string, number>>): Promise<void>;
  /** The alert of a rule and a service that is not over, as the API has it. */
  alert(rule: string, service: string): Promise<{ id: string; [field: string]: unknown }>;
  decide(
    body: Readonly<Record<string, unknown>>,
    headers?: Readonly<Record<string, string>>,
  ): ReturnType<TestGateway["ask"]>;
  /** States of the messages told since the last time. */
  told(): readonly string[];
}

async function inScene(run: (scene: Scene) => Promise<void>): Promise<void> {
  let nowMs = START * MINUTE_MS;
  await withGateway(async (gateway) => {
    const evaluations = await evaluationsOf(gateway, RULES);
    let read = 0;
    await run({
      ...gateway,
      ...evaluations,
      async minute(at, errors) {
        nowMs = (START + at + 1) * MINUTE_MS + 5_000;
        await evaluations.judge(at, errors);
      },
      async alert(rule, service) {
        const { alerts } = Object((await gateway.ask("/api/v1/alerts?topic=shop")).json);
        return alerts.find((each: Record<string, unknown>) =>
          each.rule === rule && each.service === service && each.state !== "resolved"
        );
      },
      decide: (body, headers = {}) =>
        gateway.ask("/api/v1/alerts/decisions", {
          method: "POST",
          headers: { "Content-Type": "application/json", ...headers },
          body: JSON.stringify(body),
        }),
      told() {
        const told = evaluations.notices.slice(read).map(({ state, severity }) => `${state} ${severity}`);
        read = evaluations.notices.length;
        return told;
      },
    });
  }, { now: () => nowMs });
}

Deno.test("an alert that is acknowledged says so at once, with those of its message, and calls nobody again", () =>
  inScene(async ({ minute, alert, decide, told }) => {
    await minute(0, { pay: 0, cart: 0 });
    await minute(1, { pay: 20, cart: 20 });
    expect(told()).toEqual(["open warning", "open warning"]);
    const { id } = await alert("errors", "pay");
    const { status, json } = await decide({ kind: "acknowledge", alert: id, by: "ada" });
    // The pending one of pay is of the same message.
    expect({ status, json }).toEqual({
      status: 200,
      json: { decided: "acknowledge", at: "2026-03-01T11:52:05.000Z", alerts: 2 },
    });
    const acknowledged = { by: "ada", at: "2026-03-01T11:52:05.000Z" };
    expect(await alert("errors", "pay")).toMatchObject({ acknowledged, silenced: null });
    expect(await alert("errors", "cart")).toMatchObject({ acknowledged: null });
    for (let at = 2; at < 13; at++) await minute(at, { pay: 20, cart: 0 });
    expect(told()).toEqual(["acknowledged warning", "resolved warning"]); // cart is over; pay calls nobody again
    // Worse than what was seen: it is told, and is not acknowledged.
    await minute(13, { pay: 95, cart: 0 });
    expect(told()).toEqual(["open critical"]);
    expect(await alert("many errors", "pay")).toMatchObject({ acknowledged: null });
  }));

Deno.test("a silence holds for the alerts of a message until its end, or until somebody ends it", () =>
  inScene(async ({ minute, alert, decide, told, ask }) => {
    await minute(0, { pay: 0 });
    await minute(1, { pay: 20 });
    const { id } = await alert("errors", "pay");
    await decide({ kind: "silence", alert: id, minutes: 30, comment: "db team is on it", by: "ada" });
    const silenced = { until: "2026-03-01T12:22:05.000Z", comment: "db team is on it", by: "ada" };
    expect(await alert("errors", "pay")).toMatchObject({ silenced, state: "firing" });
    expect(await alert("lasting errors", "pay")).toMatchObject({ silenced, state: "pending" });
    for (let at = 2; at < 15; at++) await minute(at, { pay: 20 });
    expect(told()).toEqual(["open warning", "acknowledged warning"]); // as a message in Slack is shown
    // Ended by hand: what still fires is a message of its own.
    expect((await decide({ kind: "silence", alert: id, minutes: 0, by: "jo" })).status).toBe(200);
    expect(await alert("errors", "pay")).toMatchObject({ silenced: null });
    await minute(15, { pay: 20 });
    expect(told()).toEqual(["open warning"]);

    // By itself, at its end, without any evaluation.
    await decide({ kind: "silence", alert: id, minutes: 1, by: "ada" });
    expect(await alert("errors", "pay")).toMatchObject({ silenced: { by: "ada", comment: "" } });
    await minute(16, { pay: 20 });
    expect(await alert("errors", "pay")).toMatchObject({ silenced: null });
    expect(Object((await ask("/api/v1/alerts?topic=shop")).json).alerts[0].messages).toEqual([
      { labels: { topic: "shop", service: "pay" }, alerts: 2, isOpen: true },
    ]);
  }));

Deno.test("what cannot be decided is refused in words, and nothing is kept of it", () =>
  inScene(async ({ minute, alert, decide, store }) => {
    await minute(0, { pay: 0 });
    await minute(1, { pay: 20 });
    const { id } = await alert("errors", "pay");
    const refusal = async (body: Readonly<Record<string, unknown>>, headers = {}) => {
      const { status, json } = await decide(body, headers);
      return `${status} ${Object(json).detail}`;
    };
    expect(await refusal({ kind: "acknowledge", alert: `${id}x` })).toBe(
      `400 alert: there is no alert ${id}x (did you mean ${id}?)`,
    );
    expect(await refusal({ kind: "silence", alert: id, minutes: 43_201 })).toMatch(/^400 minutes: /);
    expect(await refusal({ kind: "silence", alert: id, minutes: 0.5 })).toMatch(/^400 minutes: /);
    expect(await refusal({ kind: "dismiss", alert: id })).toMatch(/^400 /);
    expect(await refusal({ kind: "acknowledge", alert: id }, { "sec-fetch-site": "cross-site" })).toMatch(/^403 /);
    expect(await refusal({ kind: "acknowledge", alert: id }, { "Content-Type": "text/plain" })).toMatch(/^4\d\d /);
    await minute(2, { pay: 0 });
    expect(await refusal({ kind: "acknowledge", alert: id })).toBe(
      "409 this alert is over: there is nothing to acknowledge or silence any more",
    );
    expect((await store.readDocuments("alerts/decisions")).entries.size).toBe(0);
  }));

Deno.test("what has not fired can be silenced before anybody is told, and not acknowledged", () =>
  inScene(async ({ minute, alert, decide, told }) => {
    await minute(0, { pay: 0 });
    await minute(1, { pay: 20 });
    const { id } = await alert("errors", "pay");
    await minute(2, { pay: 0 });
    expect(told()).toEqual(["open warning", "resolved warning"]);
    await minute(3, { pay: 20 });
    const again = await alert("errors", "pay");
    expect(again.id).not.toBe(id);
    await decide({ kind: "silence", alert: again.id, minutes: 60 });
    told();
    await minute(4, { pay: 0 });
    await minute(5, { pay: 20 }); // another episode, silent from its beginning: nobody is told
    expect(told().filter((each) => each.startsWith("open"))).toEqual([]);
    const silent = await alert("errors", "pay");
    expect(silent).toMatchObject({ silenced: { by: "" }, messages: [{ isOpen: false }] });
    const { status, json } = await decide({ kind: "acknowledge", alert: silent.id });
    expect(status).toBe(409);
    expect(json).toMatchObject({
      detail: "nobody was told of this alert: it is inhibited or silenced",
    });
    const pending = await alert("lasting errors", "pay");
    expect((await decide({ kind: "acknowledge", alert: pending.id })).json).toMatchObject({
      detail: "nobody was told of this alert: it has not fired; silence it to keep it so",
    });
  }));
