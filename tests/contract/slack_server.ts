/**
 * A server that speaks Slack's Web API over HTTP as its documentation has it (forms, JSON within them, ok: false, 429 with
 * Retry-After, limits of messages), keeps a record of what it did, and makes faults when told to.
 */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export const SLACK_FAULTS = [
  "rate_limited",
  "error_before",
  "error_after",
  "internal_error_after",
  "silent_before",
  "silent_after",
  "reset_before",
  "reset_after",
  "garbage_after",
] as const;
/** `before`: nothing was done; `after`: it was done, and the answer says otherwise or never comes. */
export type SlackFault = (typeof SLACK_FAULTS)[number];

export interface SlackMessageRecord {
  readonly ts: string;
  readonly channel: string;
  readonly thread_ts: string | null;
  readonly metadata: { readonly event_type: string; readonly event_payload: Readonly<Record<string, string>> } | null;
  text: string;
  blocks: readonly Readonly<Record<string, unknown>>[];
}

export interface SlackCall {
  readonly method: string;
  readonly form: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly fault: SlackFault | null;
}

export interface SlackServerOptions {
  readonly token: string;
  readonly channels: readonly { readonly id: string; readonly name: string; readonly isMember?: boolean }[];
  readonly now?: () => number;
  readonly fault?: (method: string) => SlackFault | null;
  /** Scopes that the token lacks, by method. */
  readonly missingScopes?: Readonly<Record<string, string>>;
}

type Answer = Readonly<Record<string, unknown>>;

export class SlackServer {
  readonly messages = new Map<string, SlackMessageRecord>();
  readonly calls: SlackCall[] = [];
  deleted = 0;
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  #last = 0;

  private constructor(private readonly options: SlackServerOptions) {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
  }

  static async start(options: SlackServerOptions): Promise<SlackServer> {
    const server = new SlackServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return `http://127.0.0.1:${address.port}/api/`;
  }

  async stop(): Promise<void> {
    for (const response of this.#open) response.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // who asked is gone before it had said what
    }
    const method = (request.url ?? "").replace(/^\/api\//, "");
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString("utf8")));
    const fault = this.options.fault?.(method) ?? null;
    this.calls.push({ method, form, atMs: this.#now(), fault });
    const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
    const answer = () => {
      if (!isForm) return { ok: false, error: "invalid_form_data" };
      if (request.headers.authorization !== `Bearer ${this.options.token}`) return { ok: false, error: "invalid_auth" };
      const needed = this.options.missingScopes?.[method];
      if (needed !== undefined) return { ok: false, error: "missing_scope", needed, provided: "chat:write" };
      return this.#answer(method, form);
    };
    this.#respond(response, fault, answer);
  }

  #respond(response: ServerResponse, fault: SlackFault | null, answer: () => Answer): void {
    const send = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
      response.end(body);
    };
    const json = (value: Answer) => send(200, JSON.stringify(value));
    if (fault?.endsWith("_after")) answer();
    switch (fault) {
      case null:
        return json(answer());
      case "rate_limited":
        return send(429, JSON.stringify({ ok: false, error: "ratelimited" }), { "retry-after": "1" });
      case "error_before":
      case "error_after":
        return send(503, "upstream connect error", { "content-type": "text/plain" });
      case "internal_error_after":
        return json({ ok: false, error: "internal_error" });
      case "garbage_after":
        return send(200, "<html>Bad gateway</html>", { "content-type": "text/html" });
      case "reset_before":
      case "reset_after":
        response.socket?.resetAndDestroy();
        return;
      case "silent_before":
      case "silent_after":
        this.#open.add(response);
        response.on("close", () => this.#open.delete(response));
    }
  }

  #now(): number {
    return this.options.now?.() ?? Date.now();
  }

  #answer(method: string, form: SlackCall["form"]): Answer {
    switch (method) {
      case "auth.test":
        return { ok: true, user_id: "U0BOT", team: "test" };
      case "chat.postMessage":
        return this.#post(form);
      case "chat.update":
        return this.#update(form);
      case "chat.delete":
        if (!this.messages.delete(form.ts)) return { ok: false, error: "message_not_found" };
        this.deleted++;
        return { ok: true, channel: form.channel, ts: form.ts };
      case "conversations.history":
      case "conversations.replies":
        return this.#history(method, form);
      case "conversations.list":
        return { ok: true, channels: this.options.channels.map(({ id, name }) => ({ id, name })) };
      case "conversations.info": {
        const channel = this.#channel(form.channel);
        if (channel === undefined) return { ok: false, error: "channel_not_found" };
        return { ok: true, channel: { id: channel.id, name: channel.name, is_member: channel.isMember ?? true } };
      }
      default:
        return { ok: false, error: "unknown_method" };
    }
  }

  #channel(name = "") {
    return this.options.channels.find((channel) => channel.id === name || channel.name === name.replace(/^#/, ""));
  }

  #post(form: SlackCall["form"]): Answer {
    const channel = this.#channel(form.channel);
    if (channel === undefined) return { ok: false, error: "channel_not_found" };
    if (channel.isMember === false) return { ok: false, error: "not_in_channel" };
    const fault = faultOfMessage(form);
    if (fault !== null) return { ok: false, error: fault };
    if (form.thread_ts !== undefined && !this.messages.has(form.thread_ts)) {
      return { ok: false, error: "thread_not_found" };
    }
    const micros = Math.max(this.#last + 1, Math.round(this.#now() * 1000));
    this.#last = micros;
    const ts = `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}`;
    this.messages.set(ts, {
      ts,
      channel: channel.id,
      thread_ts: form.thread_ts ?? null,
      metadata: form.metadata === undefined ? null : JSON.parse(form.metadata),
      text: form.text ?? "",
      blocks: form.blocks === undefined ? [] : JSON.parse(form.blocks),
    });
    return { ok: true, channel: channel.id, ts, message: { text: form.text } };
  }

  #update(form: SlackCall["form"]): Answer {
    const message = this.messages.get(form.ts);
    if (message === undefined || message.channel !== form.channel) return { ok: false, error: "message_not_found" };
    const fault = faultOfMessage(form);
    if (fault !== null) return { ok: false, error: fault };
    message.text = form.text ?? "";
    message.blocks = form.blocks === undefined ? [] : JSON.parse(form.blocks);
    return { ok: true, channel: form.channel, ts: form.ts, text: form.text };
  }

  #history(method: string, form: SlackCall["form"]): Answer {
    if (this.#channel(form.channel)?.id !== form.channel) return { ok: false, error: "channel_not_found" };
    const isThread = method === "conversations.replies";
    if (isThread && !this.messages.has(form.ts)) return { ok: false, error: "thread_not_found" };
    const all = [...this.messages.values()].filter((message) =>
      message.channel === form.channel && Number(message.ts) >= Number(form.oldest ?? 0) &&
      (isThread ? message.ts === form.ts || message.thread_ts === form.ts : message.thread_ts === null)
    );
    // History has the newest first, a thread the oldest.
    if (!isThread) all.reverse();
    const from = Number(form.cursor ?? 0);
    const page = all.slice(from, from + Number(form.limit ?? 100));
    const next = from + page.length < all.length ? String(from + page.length) : "";
    const messages = page.map(({ metadata, ...message }) => ({
      ...message,
      type: "message",
      ...(form.include_all_metadata === "true" && metadata !== null ? { metadata } : {}),
    }));
    return { ok: true, messages, has_more: next !== "", response_metadata: { next_cursor: next } };
  }
}

/** What Slack refuses a message for: the limits of Block Kit, and the total that it does not document. */
function faultOfMessage(form: SlackCall["form"]): string | null {
  if ((form.text ?? "") === "" && form.blocks === undefined) return "no_text";
  if ((form.text ?? "").length > 40_000) return "msg_too_long";
  if (form.blocks === undefined) return null;
  const blocks: unknown = JSON.parse(form.blocks);
  if (!Array.isArray(blocks) || blocks.length > 50) return "invalid_blocks";
  if (form.blocks.length > 13_000) return "msg_blocks_too_long";
  return blocks.every(isBlock) ? null : "invalid_blocks";
}

const isText = (value: unknown, max: number): boolean => {
  if (typeof value !== "object" || value === null) return false;
  const { type, text } = value as { readonly type?: unknown; readonly text?: unknown };
  return (type === "mrkdwn" || type === "plain_text") && typeof text === "string" && text.length > 0 &&
    text.length <= max;
};

function isBlock(block: Readonly<Record<string, unknown>>): boolean {
  const list = (value: unknown, max: number, isItem: (item: unknown) => boolean) =>
    Array.isArray(value) && value.length > 0 && value.length <= max && value.every(isItem);
  switch (block.type) {
    case "header":
      return isText(block.text, 150);
    case "section":
      return (block.text !== undefined || block.fields !== undefined) &&
        (block.text === undefined || isText(block.text, 3_000)) &&
        (block.fields === undefined || list(block.fields, 10, (field) => isText(field, 2_000)));
    case "context":
      return list(block.elements, 10, (element) => isText(element, 3_000));
    case "actions":
      return list(block.elements, 25, isButton);
    default:
      return false;
  }
}

function isButton(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type, text, action_id: id, value: given } = value as Readonly<Record<string, unknown>>;
  return type === "button" && isText(text, 75) && typeof id === "string" && id.length <= 255 &&
    typeof given === "string" && given.length <= 2_000;
}
