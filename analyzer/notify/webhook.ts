/** The webhook notifier: a POST for each thing to tell, signed where there is a secret; also the way to send SMS. */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { fetchOnce, isUnsent } from "../../core/fetch_once.ts";
import type { Notice, ThreadEntry } from "./notice.ts";
import { entryText, noticeLine } from "./notice_text.ts";
import { inertLine } from "../shown_text.ts";
import { type FindOutcome, type MessageRef, type Notifier, type SendOutcome, STATE_ENTRY } from "./notifier.ts";

export interface WebhookOptions {
  /** As the settings call it. */
  readonly name: string;
  /** May hold a secret: it is never printed. A user and password in it become an Authorization header. */
  readonly url: string;
  /** Key of the signature; empty: none. */
  readonly secret: string;
  /** {{text}}, {{title}} and the like in it are replaced; empty: the notice as JSON. */
  readonly bodyTemplate: string;
  readonly contentType: string;
  readonly now: () => number;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const SETTINGS_PAUSE_MS = 60_000;
/** Two SMS. */
const TEXT_MAX = 300;

export class WebhookNotifier implements Notifier {
  readonly name: string;
  readonly canUpdate = false;
  readonly intervalMs = 200;
  readonly #url: URL;
  readonly #authorization: string | null;

  /** Throws TypeError where the URL is none. */
  constructor(private readonly options: WebhookOptions) {
    this.name = `webhook:${options.name}`;
    this.#url = new URL(options.url);
    const { username, password } = this.#url;
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#authorization = username === "" ? null : `Basic ${Buffer.from(user).toString("base64")}`;
    this.#url.username = this.#url.password = "";
  }

  post(notice: Notice, nonce: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#send("opened", notice, null, nonce, null, signal);
  }

  reply(
    notice: Notice,
    entry: ThreadEntry,
    ref: MessageRef,
    nonce: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const isState = entry.id.startsWith(STATE_ENTRY);
    const event = !isState ? "updated" : notice.state === "resolved" ? "resolved" : "reopened";
    return this.#send(event, notice, entry, nonce, ref, signal);
  }

  update(_notice: Notice, ref: MessageRef): Promise<SendOutcome> {
    return Promise.resolve({ kind: "sent", ref });
  }

  find(): Promise<FindOutcome> {
    return Promise.resolve({ kind: "cannot_tell", reason: "what was posted cannot be looked for" });
  }

  remove(): Promise<boolean> {
    return Promise.resolve(false);
  }

  check(): Promise<null> {
    return Promise.resolve(null);
  }

  async #send(
    event: "opened" | "updated" | "resolved" | "reopened",
    notice: Notice,
    entry: ThreadEntry | null,
    nonce: string,
    ref: MessageRef | null,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const { bodyTemplate, contentType, secret, now, timeoutMs = TIMEOUT_MS } = this.options;
    const body = bodyTemplate === ""
      ? JSON.stringify({ event, key: nonce, answersTo: ref?.key ?? null, notice, entry })
      : filled(bodyTemplate, contentType, event, notice, entry);
    try {
      const response = await fetchOnce(this.#url, {
        method: "POST",
        redirect: "manual",
        headers: {
          "content-type": contentType,
          "user-agent": "millrace",
          // The same for each attempt: who keeps it sees that a repeat is one.
          "idempotency-key": nonce,
          ...(secret === "" ? {} : { "x-millrace-signature": signature(secret, Math.floor(now() / 1000), body) }),
          ...(this.#authorization === null ? {} : { authorization: this.#authorization }),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      return this.#outcome(response, nonce, ref);
    } catch (error) {
      return isUnsent(error)
        ? { kind: "retry", reason: "the server cannot be reached", afterMs: null }
        : { kind: "unknown", reason: "no answer" };
    }
  }

  #outcome({ ok, status, headers }: Response, nonce: string, ref: MessageRef | null): SendOutcome {
    if (ok) return { kind: "sent", ref: { key: ref?.key ?? nonce } };
    const reason = `HTTP status ${status}`;
    const seconds = Number(headers.get("retry-after") ?? "");
    const afterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
    if (status === 429) return { kind: "retry", reason, afterMs: afterMs ?? SETTINGS_PAUSE_MS };
    if (status === 503 && afterMs !== null) return { kind: "retry", reason, afterMs };
    if (status >= 500) return { kind: "unknown", reason };
    if (status === 400 || status === 413 || status === 422) {
      return { kind: "refused", reason, remedy: `see to notify.webhooks.${this.options.name}.bodyTemplate` };
    }
    const remedy = `see to notify.webhooks.${this.options.name}.url and secret`;
    return { kind: "retry", reason: `${reason} (${remedy})`, afterMs: SETTINGS_PAUSE_MS };
  }
}

/** As in t=1800000000,v1=HEX: HMAC-SHA-256 of "SECONDS.BODY". */
export function signature(secret: string, seconds: number, body: string): string {
  const hex = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${hex}`;
}

/** Names that a template may have in double braces. */
export const TEMPLATE_NAMES = [
  "text",
  "event",
  "id",
  "state",
  "severity",
  "topic",
  "service",
  "title",
  "link",
] as const;

/** The template with its names replaced, written as the content type wants it. */
function filled(
  template: string,
  contentType: string,
  event: string,
  notice: Notice,
  entry: ThreadEntry | null,
): string {
  const { id, state, severity, topic, service, title, links } = notice;
  const begin = noticeLine(notice, TEXT_MAX);
  const text = entry === null ? begin : `${entryText(entry)} ${begin}`.slice(0, TEXT_MAX);
  const values: Readonly<Record<string, string>> = {
    text,
    event,
    id,
    state,
    severity,
    topic: inertLine(topic),
    service: inertLine(service),
    title: inertLine(title),
    link: links[0]?.url ?? "",
  };
  const write = contentType.includes("x-www-form-urlencoded")
    ? encodeURIComponent
    : contentType.includes("json")
    ? (value: string) => JSON.stringify(value).slice(1, -1)
    : (value: string) => value;
  return template.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name) => {
    return Object.hasOwn(values, name) ? write(values[name].toWellFormed()) : whole;
  });
}
