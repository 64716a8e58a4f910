/** The Slack notifier, its client untouched, against a server that speaks Slack's HTTP API. */
import { expect } from "expect";
import { SlackNotifier } from "../../analyzer/notify/slack.ts";
import { noticeOf, threadEntry } from "../simulation/notices_for_tests.ts";
import { type SlackFault, SlackServer, type SlackServerOptions } from "./slack_server.ts";

const TOKEN = "xoxb-test-token";
const never = new AbortController().signal;

async function withSlack(
  options: Partial<SlackServerOptions>,
  run: (server: SlackServer, notifier: (channel?: string, token?: string) => SlackNotifier) => Promise<void>,
): Promise<void> {
  const channels = [{ id: "C00000001", name: "errors" }, { id: "C00000002", name: "closed", isMember: false }];
  const server = await SlackServer.start({ token: TOKEN, channels, ...options });
  try {
    await run(
      server,
      (channel = "#errors", token = TOKEN) =>
        new SlackNotifier({ token, apiUrl: server.url, channel, hasButtons: true, timeoutMs: 300 }),
    );
  } finally {
    await server.stop();
  }
}

Deno.test("a message is posted, changed, answered to, found again and taken back", () =>
  withSlack({}, async (server, notifier) => {
    const slack = notifier();
    const notice = noticeOf("error/1");
    const sent = await slack.post(notice, "nonce1", never);
    if (sent.kind !== "sent") throw new Error(JSON.stringify(sent));
    const reply = await slack.reply(notice, threadEntry("more"), sent.ref, "nonce2", never);
    if (reply.kind !== "sent") throw new Error(JSON.stringify(reply));
    expect(await slack.update({ ...notice, title: "It got worse" }, sent.ref, never)).toEqual(sent);

    const [message, answer] = [...server.messages.values()];
    expect(message.text).toContain("It got worse");
    expect(message.metadata).toEqual({
      event_type: "millrace_notice",
      event_payload: { incident_id: "error/1", nonce: "nonce1" },
    });
    expect(answer.thread_ts).toBe(message.ts);
    const form = server.calls.find(({ method }) => method === "chat.postMessage")?.form;
    expect(form).toMatchObject({ unfurl_links: "false", unfurl_media: "false", link_names: "false", parse: "none" });

    // Another process looks for them, by the channel's name.
    const other = notifier();
    const sinceMs = Date.now() - 1_000;
    expect(await other.find("nonce1", sinceMs, null, never)).toEqual({ kind: "found", refs: [sent.ref] });
    expect(await other.find("nonce2", sinceMs, sent.ref, never)).toEqual({ kind: "found", refs: [reply.ref] });
    expect(await other.find("nonce2", sinceMs, null, never)).toEqual({ kind: "absent" });
    expect(await other.remove(sent.ref, never)).toBe(true);
    expect(await other.remove(sent.ref, never)).toBe(true);
    expect(await other.find("nonce1", sinceMs, null, never)).toEqual({ kind: "absent" });
    expect(await other.update(notice, sent.ref, never)).toMatchObject({ kind: "refused" });
  }));

Deno.test("a message is found behind many others", () =>
  withSlack({}, async (server, notifier) => {
    const slack = notifier();
    const sent = await slack.post(noticeOf("error/1"), "nonce1", never);
    for (let i = 0; i < 700; i++) {
      const ts = `${Math.floor(Date.now() / 1000) + 1}.${String(i).padStart(6, "0")}`;
      server.messages.set(ts, { ts, channel: "C00000001", thread_ts: null, metadata: null, text: "chat", blocks: [] });
    }
    expect(await slack.find("nonce1", Date.now(), null, never)).toEqual({
      kind: "found",
      refs: [sent.kind === "sent" ? sent.ref : {}],
    });
  }));

/** What the notifier has to say of a fault, and whether the message is there: by the server's record. */
const OUTCOMES: readonly [SlackFault, string, number][] = [
  ["rate_limited", "retry", 0],
  ["error_before", "unknown", 0],
  ["error_after", "unknown", 1],
  ["internal_error_after", "unknown", 1],
  ["silent_before", "unknown", 0],
  ["silent_after", "unknown", 1],
  ["reset_before", "unknown", 0],
  ["reset_after", "unknown", 1],
  ["garbage_after", "unknown", 1],
];

for (const [fault, kind, count] of OUTCOMES) {
  Deno.test(`${fault}: the outcome is ${kind}, and the call is made once`, () =>
    withSlack({ fault: () => fault }, async (server, notifier) => {
      const outcome = await notifier().post(noticeOf("error/1"), "nonce1", never);
      expect(outcome.kind).toBe(kind);
      if (fault === "rate_limited") expect(outcome).toMatchObject({ afterMs: 1_000 });
      expect(server.messages.size).toBe(count);
      expect(server.calls.length).toBe(1);
      expect((await notifier().find("nonce1", Date.now(), null, never)).kind).toBe("retry");
    }));
}

Deno.test("a connection that breaks after it was used before: the call is still made once", () => {
  let calls = 0;
  return withSlack({ fault: () => ++calls % 2 === 0 ? "reset_after" : null }, async (server, notifier) => {
    const slack = notifier();
    for (let i = 0; i < 20; i++) {
      const { kind } = await slack.post(noticeOf("error/1"), `nonce${i}`, never);
      expect(kind).toBe(i % 2 === 0 ? "sent" : "unknown");
    }
    expect(server.calls.length).toBe(20);
  });
});

Deno.test("a server that is not there: surely not sent", async () => {
  const server = await SlackServer.start({ token: TOKEN, channels: [] });
  const apiUrl = server.url;
  await server.stop();
  const slack = new SlackNotifier({ token: TOKEN, apiUrl, channel: "#errors", hasButtons: false });
  expect(await slack.post(noticeOf("error/1"), "nonce1", never)).toMatchObject({ kind: "retry" });
  expect(await slack.check(never)).toMatchObject({ remedy: expect.stringContaining("apiUrl") });
});

Deno.test("a stop ends a call, whose outcome nobody knows", () =>
  withSlack({ fault: () => "silent_after" }, async (_server, notifier) => {
    const outcome = await notifier().post(noticeOf("error/1"), "nonce1", AbortSignal.timeout(50));
    expect(outcome.kind).toBe("unknown");
  }));

Deno.test("a card that fails or breaks Slack's limits is told as a line, and that is said once", () =>
  withSlack({}, async (server) => {
    const told: string[] = [];
    const text = "t";
    const cards = [
      () => ({ text, blocks: Array.from({ length: 51 }, () => ({ type: "divider" as const })) }),
      () => {
        throw new Error("a slip of the hand");
      },
    ];
    for (const card of cards) {
      const options = { token: TOKEN, apiUrl: server.url, channel: "#errors", hasButtons: false, card };
      const slack = new SlackNotifier({ ...options, onNotice: (notice) => told.push(notice) });
      const sent = await slack.post(noticeOf("error/1"), "nonce1", never);
      expect(sent.kind).toBe("sent");
      expect((await slack.update(noticeOf("error/1"), sent.kind === "sent" ? sent.ref : {}, never)).kind).toBe("sent");
    }
    expect([...server.messages.values()].map((message) => [message.text, message.blocks])).toEqual([
      [text, []],
      ["error: Card processor refuses connections (payments)", []],
    ]);
    expect(told.length).toBe(2);
    expect(told[0]).toContain("invalid_blocks");
    expect(told[1]).toContain("a slip of the hand");
  }));

Deno.test("settings that are wrong are named, without the token, and messages wait", () =>
  withSlack({}, async (_server, notifier) => {
    expect(await notifier().check(never)).toBe(null);
    expect(await notifier("C00000001").check(never)).toBe(null);
    const wrongToken = await notifier("#errors", "xoxb-wrong-secret").check(never);
    expect(wrongToken?.reason).toContain("notify.slack.token");
    expect(wrongToken?.reason).toContain("invalid_auth");
    expect(JSON.stringify(wrongToken)).not.toContain("xoxb-wrong-secret");
    expect((await notifier("#nowhere").check(never))?.reason).toContain("no channel #nowhere");
    expect(await notifier("#closed").check(never)).toMatchObject({
      reason: "the app is not in #closed",
      remedy: expect.stringContaining("/invite"),
    });
    for (const slack of [notifier("#errors", "xoxb-wrong-secret"), notifier("#nowhere"), notifier("#closed")]) {
      expect(await slack.post(noticeOf("error/1"), "nonce1", never)).toMatchObject({ kind: "retry", afterMs: 60_000 });
    }
  }));

Deno.test("without the scope to look, nobody can tell; the check says which scope", () =>
  withSlack({
    missingScopes: { "conversations.history": "channels:history", "conversations.list": "channels:read" },
  }, async (_server, notifier) => {
    expect(await notifier("C00000001").find("nonce1", 0, null, never)).toMatchObject({ kind: "cannot_tell" });
    expect((await notifier().check(never))?.reason).toContain("channels:read");
  }));
