/** The webhook notifier against a server that keeps what it got. */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { expect } from "expect";
import { WebhookNotifier, type WebhookOptions } from "../../analyzer/notify/webhook.ts";
import { noticeOf } from "../simulation/notices_for_tests.ts";

const never = new AbortController().signal;
const END = { id: "state-2", text: "Resolved.", evidence: [] };

interface Got {
  readonly headers: Headers;
  readonly body: string;
  readonly path: string;
}

async function withServer(
  answer: () => Response | Promise<Response>,
  run: (got: Got[], notifier: (options?: Partial<WebhookOptions>) => WebhookNotifier, address: string) => Promise<void>,
): Promise<void> {
  const got: Got[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    got.push({ headers: request.headers, body: await request.text(), path: new URL(request.url).pathname });
    return await answer();
  });
  const address = `127.0.0.1:${server.addr.port}`;
  const base = { name: "hook", secret: "", bodyTemplate: "", contentType: "application/json", timeoutMs: 300 };
  await run(
    got,
    (options = {}) =>
      new WebhookNotifier({ ...base, url: `http://${address}/hook`, now: () => 1_800_000_000_000, ...options }),
    address,
  );
}

Deno.test("a notice is posted as JSON, signed over its body, with a key that stays", () =>
  withServer(() => new Response(null, { status: 204 }), async (got, notifier) => {
    const hook = notifier({ secret: "key" });
    const notice = noticeOf("error/1");
    const sent = await hook.post(notice, "nonce1", never);
    expect(sent).toEqual({ kind: "sent", ref: { key: "nonce1" } });
    await hook.reply({ ...notice, state: "resolved" }, END, { key: "nonce1" }, "nonce2", never);
    const worse = { ...notice, severity: "critical" } as const;
    await hook.reply(worse, { ...END, id: "severity-2-error" }, { key: "nonce1" }, "nonce3", never);
    await hook.reply(notice, END, { key: "nonce1" }, "nonce4", never);
    const [first, end, news, again] = got;
    expect(JSON.parse(news.body)).toMatchObject({ event: "updated", answersTo: "nonce1", notice: worse });
    expect(JSON.parse(again.body)).toMatchObject({ event: "reopened", answersTo: "nonce1" });
    expect(JSON.parse(first.body)).toEqual({ event: "opened", key: "nonce1", answersTo: null, notice, entry: null });
    expect(JSON.parse(end.body)).toMatchObject({ event: "resolved", key: "nonce2", answersTo: "nonce1" });
    expect(first.headers.get("idempotency-key")).toBe("nonce1");
    // As a receiver checks it.
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(first.headers.get("x-millrace-signature") ?? "") ?? [];
    expect(seconds).toBe("1800000000");
    expect(hex).toBe(createHmac("sha256", "key").update(`${seconds}.${first.body}`).digest("hex"));
  }));

Deno.test("a template makes the form that a provider of SMS wants, whatever the text holds", () =>
  withServer(() => new Response("queued"), async (got, notifier, address) => {
    const sms = notifier({
      url: `http://AC1:top%40secret@${address}/Messages.json`,
      bodyTemplate: "To=%2B4912345&Body={{text}}&Link={{ link }}&No={{such}}",
      contentType: "application/x-www-form-urlencoded",
    });
    const odd = 'Disk & "quota" +100% \ud800 über\nnext=1';
    expect((await sms.post(noticeOf("error/1", { title: odd, severity: "critical" }), "n", never)).kind).toBe("sent");
    const form = new URLSearchParams(got[0].body);
    expect(form.get("To")).toBe("+4912345");
    expect(form.get("Body")).toBe('critical: Disk & "quota" +100% \ufffd über next=1 (payments)');
    expect(form.get("Link")).toBe("http://127.0.0.1:8080/?from=1&to=2");
    expect(form.get("No")).toBe("{{such}}");
    expect(form.has("next")).toBe(false);
    expect(got[0].path).toBe("/Messages.json");
    expect(got[0].headers.get("authorization")).toBe(`Basic ${Buffer.from("AC1:top@secret").toString("base64")}`);
    const long = notifier({ bodyTemplate: '{"message":"{{text}}"}' });
    await long.post(noticeOf("error/1", { title: `"${"x".repeat(5_000)}\\` }), "n", never);
    expect(JSON.parse(got[1].body).message.length).toBe(300);
  }));

const OUTCOMES: readonly [number, Record<string, string>, object][] = [
  [200, {}, { kind: "sent" }],
  [429, { "retry-after": "7" }, { kind: "retry", afterMs: 7_000 }],
  [503, { "retry-after": "9" }, { kind: "retry", afterMs: 9_000 }],
  [500, {}, { kind: "unknown" }],
  [504, {}, { kind: "unknown" }],
  [400, {}, { kind: "refused" }],
  [401, {}, { kind: "retry", afterMs: 60_000 }],
  [404, {}, { kind: "retry", afterMs: 60_000 }],
  [302, { location: "http://127.0.0.1:1/" }, { kind: "retry", afterMs: 60_000 }],
];

for (const [status, headers, expected] of OUTCOMES) {
  Deno.test(`status ${status} ${JSON.stringify(headers)} is ${JSON.stringify(expected)}`, () =>
    withServer(() => new Response("", { status, headers }), async (got, notifier) => {
      const outcome = await notifier().post(noticeOf("error/1"), "n", never);
      expect(outcome).toMatchObject(expected);
      expect(got.length).toBe(1);
    }));
}

Deno.test("no answer: nobody knows; no server: surely not sent; neither shows the URL", async () => {
  const hold = Promise.withResolvers<Response>();
  await withServer(() => hold.promise, async (_got, notifier) => {
    expect(await notifier().post(noticeOf("error/1"), "n", never)).toEqual({ kind: "unknown", reason: "no answer" });
    hold.resolve(new Response());
  });
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const hook = new WebhookNotifier({
    name: "hook",
    url: `http://127.0.0.1:${port}/secret-path`,
    secret: "",
    bodyTemplate: "",
    contentType: "application/json",
    now: () => 0,
  });
  const outcome = await hook.post(noticeOf("error/1"), "n", never);
  expect(outcome.kind).toBe("retry");
  expect(JSON.stringify(outcome)).not.toContain("secret-path");
});

Deno.test("a connection that breaks after it was used before: the request is still sent once", async () => {
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      if (++requests % 2 === 0) response.socket?.resetAndDestroy();
      else response.end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const hook = new WebhookNotifier({
    name: "hook",
    url: `http://127.0.0.1:${port}/`,
    secret: "",
    bodyTemplate: "",
    contentType: "application/json",
    now: () => 0,
  });
  for (let i = 0; i < 20; i++) {
    expect((await hook.post(noticeOf("error/1"), "n", never)).kind).toBe(i % 2 === 0 ? "sent" : "unknown");
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(requests).toBe(20);
});
