/** The e-mail notifier against a real SMTP server. */
import { Buffer } from "node:buffer";
import { expect } from "expect";
// @ts-types="@types/smtp-server"
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { EmailNotifier, type EmailOptions } from "../../analyzer/notify/email.ts";
import { noticeOf } from "../simulation/notices_for_tests.ts";

const never = new AbortController().signal;
const END = { id: "state-2", text: "Resolved.", evidence: [] };

/** Code of an answer that refuses. */
const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

async function withServer(
  options: SMTPServerOptions,
  run: (mails: string[], notifier: (options?: Partial<EmailOptions>) => EmailNotifier) => Promise<void>,
  afterData: (done: (error: Error | null) => void) => void = (done) => done(null),
): Promise<void> {
  const mails: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    allowInsecureAuth: true,
    logger: false,
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mails.push(Buffer.concat(chunks).toString("utf8"));
        afterData(done);
      });
    },
    ...options,
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const base = { host: "127.0.0.1", port, security: "none", username: "", password: "" } as const;
  try {
    await run(mails, (change = {}) =>
      new EmailNotifier({
        ...base,
        from: "Millrace <millrace@example.org>",
        to: "oncall@example.org",
        timeoutMs: 400,
        ...change,
      }));
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** A header, unfolded. */
const header = (mail: string, name: string): string | null =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, "im").exec(mail)?.[1].replace(/\r\n[ \t]/g, " ") ?? null;

Deno.test("a message, and the answer to it that it is over, in one thread", () =>
  withServer({}, async (mails, notifier) => {
    const email = notifier();
    expect(email.name).toBe("email:oncall@example.org");
    expect(await email.check(never)).toBe(null);
    const notice = noticeOf("error/1", { title: "Card\r\nBcc: evil@example.org processor" });
    const sent = await email.post(notice, "nonce1", never);
    if (sent.kind !== "sent") throw new Error(JSON.stringify(sent));
    const end = await email.reply({ ...notice, state: "resolved" }, END, sent.ref, "nonce2", never);
    expect(end.kind).toBe("sent");
    const [first, second] = mails;
    expect(header(first, "Message-ID")).toBe("<nonce1@example.org>");
    expect(header(first, "Subject")).toContain("[Millrace] error: Card Bcc: evil@example.org processor");
    expect(header(first, "Bcc")).toBe(null);
    expect(header(first, "Auto-Submitted")).toBe("auto-generated");
    expect(first).toContain("E1 connect ECONNREFUSED <IP_48192>:443");
    expect(header(second, "In-Reply-To")).toBe("<nonce1@example.org>");
    expect(header(second, "References")).toBe("<nonce1@example.org>");
    expect(header(second, "Subject")).toContain("Re: [Millrace]");
    expect(second).toContain("Resolved.");
    // The same nonce again has the same Message-ID.
    await email.post(notice, "nonce1", never);
    expect(header(mails[2], "Message-ID")).toBe("<nonce1@example.org>");
  }));

Deno.test("a connection that breaks after the message was taken: nobody knows", () =>
  withServer({}, async (mails, notifier) => {
    expect((await notifier().post(noticeOf("error/1"), "n", never)).kind).toBe("unknown");
    expect(mails.length).toBe(1);
  }, () => {}));

Deno.test("what the server says decides", async () => {
  await withServer({}, async (_mails, notifier) => {
    expect((await notifier().post(noticeOf("error/1"), "n", never)).kind).toBe("retry");
  }, (done) => done(refusal(451, "try later")));
  await withServer({}, async (_mails, notifier) => {
    expect((await notifier().post(noticeOf("error/1"), "n", never)).kind).toBe("refused");
  }, (done) => done(refusal(552, "too large")));
  await withServer({
    onRcptTo: (_address, _session, done) => done(refusal(550, "no such user")),
  }, async (_mails, notifier) => {
    expect(await notifier().post(noticeOf("error/1"), "n", never)).toMatchObject({ kind: "retry", afterMs: 300_000 });
  });
});

Deno.test("a password that is refused is named by its key, and not shown", () =>
  withServer({
    authOptional: false,
    onAuth: ({ password }, _session, done) =>
      password === "right" ? done(null, { user: "u" }) : done(refusal(535, `no, not ${password}`)),
  }, async (mails, notifier) => {
    const wrong = notifier({ username: "u", password: "hush-hush" });
    const problem = await wrong.check(never);
    expect(problem?.reason).toContain("notify.email");
    const outcome = await wrong.post(noticeOf("error/1"), "n", never);
    expect(outcome.kind).toBe("retry");
    expect(JSON.stringify([problem, outcome])).not.toContain("hush-hush");
    expect(mails.length).toBe(0);
    expect((await notifier({ username: "u", password: "right" }).post(noticeOf("error/1"), "n", never)).kind).toBe(
      "sent",
    );
  }));

Deno.test("without encryption where it is asked for, or without a server: surely not sent", async () => {
  await withServer({}, async (mails, notifier) => {
    expect((await notifier({ security: "starttls" }).post(noticeOf("error/1"), "n", never)).kind).toBe("retry");
    expect(mails.length).toBe(0);
  });
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  await withServer({}, async (_mails, notifier) => {
    expect((await notifier({ port }).post(noticeOf("error/1"), "n", never)).kind).toBe("retry");
    expect((await notifier({ port }).check(never))?.reason).toContain(`127.0.0.1:${port}`);
  });
});
