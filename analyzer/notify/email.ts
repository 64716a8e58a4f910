/** The e-mail notifier: SMTP; a message when a matter begins, and answers to it when there is news, and when it is over. */
import { createTransport } from "nodemailer";
import { messageOf } from "../../core/errors.ts";
import { entryText, noticeLine, noticeText } from "./notice_text.ts";
import type { Notice, ThreadEntry } from "./notice.ts";
import type { FindOutcome, MessageRef, Notifier, SendOutcome } from "./notifier.ts";

export interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /** starttls: encrypted after the greeting, or not at all sent; tls: from the beginning. */
  readonly security: "starttls" | "tls" | "none";
  /** Empty: none is asked for. */
  readonly username: string;
  readonly password: string;
  /** Address that messages come from. */
  readonly from: string;
  readonly to: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 9_000;
const SETTINGS_PAUSE_MS = 300_000;
const nothing = () => {};

export class EmailNotifier implements Notifier {
  readonly name: string;
  readonly canUpdate = false;
  readonly intervalMs = 1_000;

  constructor(private readonly options: EmailOptions) {
    this.name = `email:${options.to}`;
  }

  /** The same nonce has the same Message-ID: where a message arrives twice, many mail programs show it once. */
  post(notice: Notice, nonce: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#send(notice, noticeText(notice), nonce, null, signal);
  }

  reply(
    notice: Notice,
    entry: ThreadEntry,
    ref: MessageRef,
    nonce: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    return this.#send(notice, `${entryText(entry)}\n\n${noticeText(notice)}`, nonce, ref, signal);
  }

  update(_notice: Notice, ref: MessageRef): Promise<SendOutcome> {
    return Promise.resolve({ kind: "sent", ref });
  }

  find(): Promise<FindOutcome> {
    return Promise.resolve({ kind: "cannot_tell", reason: "mail that was sent cannot be looked for" });
  }

  remove(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async check(signal: AbortSignal): Promise<{ readonly reason: string; readonly remedy: string } | null> {
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(new Error("it takes too long"));
    const ended = AbortSignal.any([signal, AbortSignal.timeout(this.options.timeoutMs ?? TIMEOUT_MS)]);
    ended.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#transport(nothing).verify(), promise]);
      return null;
    } catch (error) {
      const { host, port } = this.options;
      const { code = "" } = smtpError(error);
      return code === "EAUTH"
        ? {
          reason: `${host} refuses the user or the password of notify.email`,
          remedy: "set notify.email.username and notify.email.passwordFile",
        }
        : {
          reason: `the mail server ${host}:${port} cannot be used: ${this.#withoutSecret(messageOf(error)) || code}`,
          remedy: "see to notify.email.host, port and security; messages wait",
        };
    } finally {
      ended.removeEventListener("abort", abort);
    }
  }

  /** @param onSending Called once the server is connected and the message is about to go. */
  #transport(onSending: () => void) {
    const { host, port, security, username, password, timeoutMs = TIMEOUT_MS } = this.options;
    const info = (entry: { readonly tnx?: unknown }) => {
      if (entry.tnx === "send") onSending();
    };
    return createTransport({
      host,
      port,
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      ...(username === "" ? {} : { auth: { user: username, pass: password } }),
      connectionTimeout: timeoutMs / 2,
      greetingTimeout: timeoutMs / 2,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
      logger: { level: nothing, trace: nothing, debug: nothing, info, warn: nothing, error: nothing, fatal: nothing },
    });
  }

  async #send(
    notice: Notice,
    text: string,
    nonce: string,
    parent: MessageRef | null,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const { from, to, timeoutMs = TIMEOUT_MS } = this.options;
    const messageId = `<${nonce}@${/@([\w.-]+)>?$/.exec(from)?.[1] ?? "millrace.invalid"}>`;
    let isSending = false;
    const transport = this.#transport(() => {
      isSending = true;
    });
    try {
      await transport.sendMail({
        from,
        to,
        subject: `${parent === null ? "" : "Re: "}[Millrace] ${noticeLine({ ...notice, state: "open" }, 150)}`,
        text,
        messageId,
        ...(parent === null ? {} : { inReplyTo: parent.messageId, references: [parent.messageId] }),
        headers: { "Auto-Submitted": "auto-generated", "X-Millrace-Nonce": nonce },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      return { kind: "sent", ref: { messageId } };
    } catch (error) {
      return this.#failure(error, isSending);
    }
  }

  #failure(error: unknown, isSending: boolean): SendOutcome {
    const { code = "", responseCode } = smtpError(error);
    const reason = this.#withoutSecret(messageOf(error)) || `the mail server cannot be reached (${code})`;
    if (responseCode !== undefined) {
      // The server has answered: it has not taken the message.
      if (responseCode < 500) return { kind: "retry", reason, afterMs: null };
      const remedy = "send a shorter one, or ask who runs the mail server";
      return code === "EMESSAGE"
        ? { kind: "refused", reason, remedy }
        : { kind: "retry", reason, afterMs: SETTINGS_PAUSE_MS };
    }
    return isSending ? { kind: "unknown", reason } : { kind: "retry", reason, afterMs: null };
  }

  /** Servers may repeat what they were told. */
  #withoutSecret(text: string): string {
    const { password } = this.options;
    const one = text.replace(/\s+/g, " ").slice(0, 300);
    return password === "" ? one : one.replaceAll(password, "(not shown)").replaceAll(btoa(password), "(not shown)");
  }
}

function smtpError(error: unknown): { readonly code?: string; readonly responseCode?: number } {
  if (!(error instanceof Error)) return {};
  const code: unknown = Reflect.get(error, "code");
  const responseCode: unknown = Reflect.get(error, "responseCode");
  return {
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof responseCode === "number" ? { responseCode } : {}),
  };
}
