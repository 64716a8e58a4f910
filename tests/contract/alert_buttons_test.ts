/**
 * Buttons of alerts, from the rule to the click and back: a server that speaks Slack's API has the message, the gateway takes
 * the signed click, the analyzer heeds it.
 */
import { createHmac } from "node:crypto";
import { expect } from "expect";
import { z } from "zod";
import { BoardKeeper } from "../../analyzer/alerts/board.ts";
import type { AlertTopic } from "../../analyzer/alerts/ports.ts";
import { Bench, LATENESS_MS, START } from "../../analyzer/alerts/test_rules.ts";
import { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { SlackNotifier } from "../../analyzer/notify/slack.ts";
import { SlackSocket } from "../../analyzer/notify/slack_socket.ts";
import { printStates } from "../../cli/alerts/states.ts";
import { takeAction } from "../../cli/analyzer/person_actions.ts";
import { slackActions } from "../../cli/gateway/slack.ts";
import { testTerminal } from "../../cli/test_terminal.ts";
import { ALERT_DECISIONS_COLLECTION, AlertDecisionReader } from "../../core/alerts/decisions.ts";
import { configSchema } from "../../core/config/schema.ts";
import type { Store } from "../../core/store/ports.ts";
import { type TestGateway, withGateway } from "../../gateway/test_gateway.ts";
import { SlackServer } from "./slack_server.ts";

const TOKEN = "xoxb-test-token";
const SECRET = "a signing secret";
const MINUTE_MS = 60_000;
const RULES = "rules: [{name: errors, kind: threshold, metric: errors, window: 1m, above: 10, by: [service], " +
  "keepFiring: 0m, severity: warning}]\nroutes: [{repeatInterval: 10m}]\n";

const config = configSchema.parse({ notify: { slack: { signingSecret: SECRET } } });

const buttonsShape = z.object({
  type: z.literal("actions"),
  elements: z.array(z.object({ action_id: z.string(), value: z.string() })),
});

/** Rules on minutes, the outbox and Slack, over a gateway's store; time is given. */
class Scene {
  readonly bench: Bench;
  readonly #outbox: Outbox;
  readonly #board: BoardKeeper;
  readonly #decisions: AlertDecisionReader;
  #nowMs = 0;

  constructor(store: Store, topic: AlertTopic, readonly slack: SlackServer) {
    this.#decisions = new AlertDecisionReader(store);
    this.bench = new Bench(RULES, { ledger: store, decisions: this.#decisions }, topic);
    this.#board = new BoardKeeper(store);
    const channel = new SlackNotifier({ token: TOKEN, apiUrl: slack.url, channel: "#alerts", hasButtons: true });
    this.#outbox = new Outbox({
      documents: store,
      collection: "outbox",
      notifiers: [channel],
      routes: () => [channel.name],
      now: () => this.#nowMs,
      random: Math.random,
      onNotice: (text) => {
        throw new Error(text);
      },
    });
  }

  /** Judges minute `at` with so many errors, and tells all that there is to tell. */
  async minute(at: number, errors: number): Promise<void> {
    this.bench.minutes.set({ service: "pay" }, START + at, { count: 100, errors });
    await this.bench.evaluateAt(at + 1);
    expect(this.bench.problems).toEqual([]);
    this.#nowMs = momentOf(at);
    await this.#outbox.put(this.bench.notices.splice(0));
    do {
      this.#nowMs += 2_000;
      await this.#outbox.run();
      await this.#outbox.idle();
    } while (this.#outbox.status()[0].pending > 0);
    const { instances = {}, judgedUntil = {}, groups = {} } = this.bench.evaluator.standing ?? {};
    const seen = { instances: new Map(Object.entries(instances)), judgedUntil, groups };
    await this.#board.put({ ...seen, ruleSet: this.bench.ruleSet, rulesFile: "", nowMs: momentOf(at) });
  }

  /** The moment up to which it has gone on. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Messages in Slack, the oldest first: their first words, and the buttons. */
  get shown(): readonly string[] {
    return [...this.slack.messages.values()].map(({ text, blocks }) => {
      const kinds = buttonsIn(blocks).map(({ action_id: id }) => id.replace("millrace_", ""));
      return [text.split(":")[0], ...kinds].join(" ");
    });
  }
}

const momentOf = (at: number): number => (START + at + 1) * MINUTE_MS + LATENESS_MS;

function buttonsIn(blocks: readonly unknown[]) {
  return blocks.flatMap((block) => {
    const parsed = buttonsShape.safeParse(block);
    return parsed.success ? parsed.data.elements : [];
  });
}

/** What Slack sends when somebody clicks the button of that kind on the first message, in minute `at`. */
function clickOn({ slack }: Scene, kind: string, at: number) {
  const [{ blocks }] = slack.messages.values();
  const button = buttonsIn(blocks).find(({ action_id: id }) => id === `millrace_${kind}`);
  if (button === undefined) throw new Error(`no button ${kind}`);
  return {
    type: "block_actions",
    user: { id: "U1", username: "jo" },
    actions: [{ ...button, type: "button", action_ts: (momentOf(at) / 1000).toFixed(6) }],
  };
}

/** The same as a signed request to the gateway. */
async function send({ ask }: TestGateway, payload: unknown, secret = SECRET): Promise<number> {
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    "X-Slack-Request-Timestamp": timestamp,
    "X-Slack-Signature": signature,
  };
  return (await ask("/slack/actions", { method: "POST", headers, body })).status;
}

async function inScene(run: (scene: Scene, gateway: TestGateway) => Promise<void>): Promise<void> {
  const slack = await SlackServer.start({ token: TOKEN, channels: [{ id: "C00000001", name: "alerts" }] });
  try {
    let scene: Scene | undefined;
    await withGateway(async (gateway) => {
      const topic = await gateway.log.createTopic("logs", { partitions: 1 });
      scene = new Scene(gateway.store, topic, slack);
      await run(scene, gateway);
    }, {
      now: () => scene?.nowMs ?? 0,
      parts: ({ store }) => ({ takeSlackActions: slackActions(config, store) }),
    });
  } finally {
    await slack.stop();
  }
}

/** What `alerts states` prints of a gateway. */
async function states({ ask }: TestGateway): Promise<string> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    return new Response((await ask(pathname + search)).text);
  });
  try {
    const terminal = testTerminal();
    await printStates(config, { url: `http://127.0.0.1:${server.addr.port}` }, terminal);
    return terminal.output;
  } finally {
    await server.shutdown();
  }
}

Deno.test("an alert that is acknowledged in Slack says who did, and calls nobody again", () =>
  inScene(async (scene, gateway) => {
    await scene.minute(0, 20);
    expect(scene.shown).toEqual(["Open acknowledge silence"]);
    expect(await send(gateway, clickOn(scene, "acknowledge", 0), "another secret")).toBe(401);
    await scene.minute(1, 20);
    expect(scene.shown).toEqual(["Open acknowledge silence"]);
    expect(await send(gateway, clickOn(scene, "acknowledge", 1))).toBe(200);
    await scene.minute(2, 20);
    expect(scene.shown).toEqual(["Acknowledged silence"]);
    expect(JSON.stringify([...scene.slack.messages.values()][0].blocks)).toContain("by jo (U1)");
    expect(await states(gateway)).toContain(`; acknowledged by jo (U1) at ${new Date(momentOf(1)).toISOString()}\n`);
    for (let at = 3; at < 15; at++) await scene.minute(at, 20); // longer than repeatInterval
    expect(scene.shown).toEqual(["Acknowledged silence"]);
    await scene.minute(15, 0);
    expect(scene.shown).toEqual(["Resolved"]);
    await scene.minute(16, 20);
    expect(await states(gateway)).not.toContain("acknowledged");
  }));

Deno.test("an alert that is silenced in Slack is silent for an hour, as its states say, and told anew if it still fires", () =>
  inScene(async (scene, gateway) => {
    await scene.minute(0, 20);
    expect(await states(gateway)).not.toContain("silenced");
    expect(await send(gateway, clickOn(scene, "silence", 0))).toBe(200);
    await scene.minute(1, 20);
    expect(scene.shown).toEqual(["Acknowledged silence"]);
    const untilMs = momentOf(0) + 3_600_000;
    expect(await states(gateway)).toContain(
      `firing warning: errors (service=pay), topic logs, since 2026-03-02T10:01:00.000Z; ` +
        `silenced until ${new Date(untilMs).toISOString()} (by jo (U1))`,
    );
    for (let at = 2; at < 60; at++) await scene.minute(at, 20);
    expect(scene.shown).toEqual(["Acknowledged silence"]);
    await scene.minute(60, 20);
    expect(scene.shown).toEqual(["Acknowledged silence", "Open acknowledge silence"]);
    expect(await states(gateway)).not.toContain("silenced");
    // The next decision takes what is over with it.
    expect(await send(gateway, clickOn(scene, "silence", 61))).toBe(200);
    expect((await gateway.store.readDocuments(ALERT_DECISIONS_COLLECTION)).entries.size).toBe(1);
  }));

Deno.test("the same click over Socket Mode", () =>
  inScene(async (scene, { store }) => {
    await scene.minute(0, 20);
    const taken = Promise.withResolvers<void>();
    const payload = clickOn(scene, "silence", 0);
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      const { pathname, host } = new URL(request.url);
      if (pathname === "/api/apps.connections.open") return Response.json({ ok: true, url: `ws://${host}/link` });
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => {
        socket.send(JSON.stringify({ type: "hello", num_connections: 1 }));
        socket.send(JSON.stringify({
          type: "interactive",
          envelope_id: "e1",
          accepts_response_payload: false,
          payload,
        }));
      };
      return response;
    });
    const socket = new SlackSocket({
      appToken: "xapp-test",
      apiUrl: `http://127.0.0.1:${server.addr.port}/api/`,
      onAction: (action) => void takeAction(store, action).then(taken.resolve, taken.reject),
      onNotice: () => {},
    });
    socket.start();
    await taken.promise;
    await socket.stop();
    await server.shutdown();
    await scene.minute(1, 20);
    expect(scene.shown).toEqual(["Acknowledged silence"]);
  }));
