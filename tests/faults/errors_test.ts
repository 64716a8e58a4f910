/**
 * Errors in `dev`, with Slack and Mistral as local servers that speak their APIs: what is counted, asked and posted, when all
 * goes well and when the process is killed again and again.
 */
import { createHmac } from "node:crypto";
import { expect } from "expect";
import { z } from "zod";
import { ModelServer } from "../../analyzer/evaluation/model_server.ts";
import { modelAnswer } from "../../analyzer/summaries/test_facts.ts";
import { SlackServer } from "../contract/slack_server.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { type DevProcess, eventually, startDev } from "./dev_process.ts";

const KILLS = Number(Deno.env.get("KILLS") ?? 6);
const SEED = Number(Deno.env.get("SEED") ?? 7);
const TOKEN = "xoxb-a-token-for-tests";
const SIGNING_SECRET = "a-secret-for-tests";
const KEY = "a-key-for-tests";
const LIMIT_MS = 180_000;
const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

const incidentsAnswer = z.object({
  incidents: z.array(z.object({ id: z.string(), service: z.string(), state: z.string(), count: z.number() })),
});

/** The two servers, and a `dev` without traffic of its own that is told of them. */
class World implements AsyncDisposable {
  private constructor(
    readonly slack: SlackServer,
    readonly model: ModelServer,
    readonly data: string,
    public dev: DevProcess,
  ) {}

  static async begin(): Promise<World> {
    const slack = await SlackServer.start({ token: TOKEN, channels: [{ id: "C0ERRORS", name: "errors" }] });
    const model = new ModelServer({ key: KEY, act: () => ({ kind: "says", content: modelAnswer() }) });
    const data = await Deno.makeTempDir({ prefix: "millrace-errors-" });
    return new World(slack, model, data, await startDev(World.options(slack, model, data)));
  }

  static options(slack: SlackServer, model: ModelServer, data: string) {
    return {
      data,
      flags: ["--no-generator", "--workers", "1"],
      env: {
        SLACK_BOT_TOKEN: TOKEN,
        SLACK_CHANNEL: "C0ERRORS",
        SLACK_SIGNING_SECRET: SIGNING_SECRET,
        MILLRACE_NOTIFY_SLACK_API_URL: slack.url,
        MISTRAL_API_KEY: KEY,
        MILLRACE_MISTRAL_SERVER_URL: model.url,
        MILLRACE_ANALYZER_GROUP_SECONDS: "0",
      },
    };
  }

  async restart(): Promise<void> {
    this.dev = await startDev(World.options(this.slack, this.model, this.data));
  }

  async send(topic: string, lines: readonly object[]): Promise<void> {
    const response = await fetch(`${this.dev.url}/ingest/v1/${topic}?partitions=3`, {
      method: "POST",
      body: lines.map((line) => JSON.stringify(line) + "\n").join(""),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
  }

  /** Empty until the topic is there. */
  async incidents(topic: string): Promise<z.infer<typeof incidentsAnswer>["incidents"]> {
    const response = await fetch(`${this.dev.url}/api/v1/incidents?topic=${topic}`);
    const json: unknown = await response.json();
    return response.ok ? incidentsAnswer.parse(json).incidents : [];
  }

  /** Messages by the incident that they are of; replies are left out. */
  posts(): Map<string, number> {
    const posts = new Map<string, number>();
    for (const { metadata, thread_ts } of this.slack.messages.values()) {
      const id = metadata?.event_payload.incident_id;
      if (thread_ts === null && id !== undefined) posts.set(id, (posts.get(id) ?? 0) + 1);
    }
    return posts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dev.kill("SIGKILL");
    await this.dev.ended;
    await this.slack.stop();
    await this.model[Symbol.asyncDispose]();
    await Deno.remove(this.data, { recursive: true });
  }
}

const errorLine = (service: string, message: string) => ({
  timestamp: new Date().toISOString(),
  level: "ERROR",
  service,
  message,
});

Deno.test({
  name: "ten thousand errors of one kind are one question and one message, which people can answer",
  ignore: !canRun,
  async fn() {
    await using world = await World.begin();
    const secret = "sk-live-Zx81kQpT0vLm55aa";
    for (let at = 0; at < 10_000; at += 1_000) {
      const lines = Array.from(
        { length: 1_000 },
        (_, i) => errorLine("pay", `card ${at + i} of jo${at + i}@example.org was refused, api_key=${secret}`),
      );
      await world.send("shop", lines);
    }
    await eventually("all are counted", async () => (await world.incidents("shop"))[0]?.count === 10_000, LIMIT_MS);
    await eventually("it is posted", () => Promise.resolve(world.posts().size === 1), LIMIT_MS);
    const [incident, ...others] = await world.incidents("shop");
    expect(others).toEqual([]);
    const text = () => JSON.stringify([...world.slack.messages.values()]);
    await eventually("the message has the summary", () => Promise.resolve(text().includes("mistral-small")), LIMIT_MS);
    expect(world.model.questions.length).toBe(1);
    expect([...world.posts().values()]).toEqual([1]);

    // Neither the model nor Slack has seen what is secret.
    const [{ system, user }] = world.model.questions;
    for (const seen of [system, user, text(), JSON.stringify(world.slack.calls.map(({ form }) => form))]) {
      expect(seen).not.toContain(secret);
      expect(seen).not.toMatch(/jo\d+@example/);
    }

    // A click in Slack.
    const payload = {
      type: "block_actions",
      user: { id: "U1", username: "ada" },
      actions: [{
        action_id: "millrace_acknowledge",
        value: noticeIdIn(world.slack),
        action_ts: `${Date.now() / 1000}`,
      }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", SIGNING_SECRET).update(`v0:${timestamp}:${body}`).digest("hex");
    const click = (signed: string) =>
      fetch(`${world.dev.url}/slack/actions`, {
        method: "POST",
        headers: {
          "Content-Type": "application/x-www-form-urlencoded",
          "X-Slack-Request-Timestamp": timestamp,
          "X-Slack-Signature": `v0=${signed}`,
        },
        body,
      }).then(async (response) => [response.status, await response.text()]);
    expect(await click("0".repeat(64))).toEqual([401, expect.stringContaining("not signed")]);
    expect(await click(signature)).toEqual([200, ""]);
    await eventually("it is acknowledged", async () => (await world.incidents("shop"))[0].state === "acknowledged");
    expect((await world.incidents("shop"))[0].id).toBe(incident.id);
    await eventually("the message says so", () => Promise.resolve(text().includes("ada (U1)")), LIMIT_MS);
    expect([...world.posts().values()]).toEqual([1]);
    expect(world.model.questions.length).toBe(1);
  },
});

function noticeIdIn({ messages }: SlackServer): string {
  for (const { blocks } of messages.values()) {
    const [, id] = /"value":"(error\/[^"]+)"/.exec(JSON.stringify(blocks)) ?? [];
    if (id !== undefined) return id;
  }
  throw new Error("no message has a button");
}

Deno.test({
  name: `after ${KILLS} kills every error is counted once, and every incident has one message (seed ${SEED})`,
  ignore: !canRun,
  async fn() {
    const random = randomFrom(SEED);
    await using world = await World.begin();
    const sent = new Map<string, number>();
    for (let round = 0; round < KILLS; round++) {
      const service = `service-${"abcdefghij"[round % 10]}`;
      for (let batch = 0; batch < 5; batch++) {
        const kinds = [`${service}`, "shared"];
        const lines = Array.from(
          { length: 40 },
          (_, i) => errorLine(kinds[i % 2], `lookup ${i} of ${kinds[i % 2]} failed`),
        );
        await world.send("shop", lines); // answered for: it is in the log
        for (const kind of kinds) sent.set(kind, (sent.get(kind) ?? 0) + 20);
      }
      await new Promise((resolve) => setTimeout(resolve, random() * 4_000));
      world.dev.kill("SIGKILL");
      await world.dev.ended;
      await world.restart();
    }
    const counted = async () => new Map((await world.incidents("shop")).map(({ service, count }) => [service, count]));
    await eventually("all are counted", async () => {
      const counts = await counted();
      return [...sent].every(([service, count]) => (counts.get(service) ?? 0) >= count);
    }, LIMIT_MS);
    expect([...await counted()].sort()).toEqual([...sent].sort());
    await eventually("all are posted", () => Promise.resolve(world.posts().size >= sent.size), LIMIT_MS);
    expect([...world.posts().values()]).toEqual([...sent].map(() => 1));
    // A crash may ask once more about what it left open, and nothing else does.
    expect(world.model.questions.length).toBeGreaterThanOrEqual(sent.size);
    expect(world.model.questions.length).toBeLessThanOrEqual(sent.size + 2 * KILLS);
  },
});
