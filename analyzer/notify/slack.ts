/** The Slack notifier: one message an incident, changed and answered to later, found again by its metadata. */
import type { KnownBlock } from "@slack/types";
import { type Logger, LogLevel, WebClient } from "@slack/web-api";
import { messageOf } from "../../core/errors.ts";
import { fetchOnce } from "../../core/fetch_once.ts";
import type { FindOutcome, MessageRef, Notifier, SendOutcome } from "./notifier.ts";
import type { Notice, ThreadEntry } from "./notice.ts";
import { noticeLine } from "./notice_text.ts";
import { type CardOptions, slackCard, slackReply } from "./slack_card.ts";
import { type SlackFailure, slackFailure } from "./slack_errors.ts";
import type { SlackMessage } from "./slack_text.ts";

export interface SlackOptions {
  readonly token: string;
  /** Of Slack's Web API, as in https://slack.com/api/. */
  readonly apiUrl: string;
  /** A name, as in #errors, or an id. */
  readonly channel: string;
  /** Whether clicks on buttons reach us. */
  readonly hasButtons: boolean;
  readonly timeoutMs?: number;
  /** Makes the message of a notice; absent: slack_card.ts. */
  readonly card?: (notice: Notice, options: CardOptions) => SlackMessage;
  /** What the operator should know, in a line; said once. */
  readonly onNotice?: (text: string) => void;
}

export const EVENT_TYPE = "millrace_notice";
const TIMEOUT_MS = 10_000;
/** Slack allows one message a second and channel. */
const INTERVAL_MS = 1_100;
/** Slack's clock and ours may differ by so much. */
const SKEW_MS = 300_000;
const PAGE = 200;
const PAGES_MAX = 25;

/** Slack makes no links and mentions of what is no markup. */
const PLAIN = { link_names: false, parse: "none" } as const;

const nothing = () => {};
/** The client's own log would print warnings of calls that are looked after here. */
const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  setName: nothing,
  getLevel: () => LogLevel.ERROR,
};

/** A client that makes each call once, and gives up with the signal or after the time-out. */
export function slackClient(options: Pick<SlackOptions, "token" | "apiUrl" | "timeoutMs">, signal: AbortSignal) {
  return new WebClient(options.token, {
    slackApiUrl: options.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    logger: SILENT,
    fetch: (url, init) =>
      fetchOnce(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal }),
  });
}

interface Found {
  readonly ts?: string;
  readonly metadata?: { readonly event_type?: string; readonly event_payload?: unknown };
}

export class SlackNotifier implements Notifier {
  readonly name: string;
  readonly canUpdate = true;
  readonly intervalMs = INTERVAL_MS;
  #channelId: string | null;
  #hasToldOfCard = false;

  constructor(private readonly options: SlackOptions) {
    this.name = `slack:${options.channel}`;
    this.#channelId = /^[CGD][A-Z0-9]{7,}$/.test(options.channel) ? options.channel : null;
  }

  post(notice: Notice, nonce: string, signal: AbortSignal): Promise<SendOutcome> {
    return this.#post(this.#cardOf(notice), notice.id, nonce, null, signal);
  }

  reply(
    notice: Notice,
    entry: ThreadEntry,
    ref: MessageRef,
    nonce: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    return this.#post(slackReply(entry), notice.id, nonce, ref, signal);
  }

  async #post(
    message: SlackMessage,
    noticeId: string,
    nonce: string,
    parent: MessageRef | null,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const { chat } = slackClient(this.options, signal);
    const base = {
      channel: parent?.channel ?? this.#channelId ?? this.options.channel,
      text: message.text,
      ...(parent === null ? {} : { thread_ts: parent.ts }),
      metadata: { event_type: EVENT_TYPE, event_payload: { incident_id: noticeId, nonce } },
      unfurl_links: false,
      unfurl_media: false,
      ...PLAIN,
    };
    try {
      const { channel, ts } = await this.#withBlocks(message, (blocks) => chat.postMessage({ ...base, ...blocks }));
      if (channel === undefined || ts === undefined) {
        return { kind: "unknown", reason: "Slack's answer does not say where the message is" };
      }
      this.#channelId = channel;
      return { kind: "sent", ref: { channel, ts } };
    } catch (error) {
      return sendFailure(slackFailure(error));
    }
  }

  async update(notice: Notice, ref: MessageRef, signal: AbortSignal): Promise<SendOutcome> {
    const { chat } = slackClient(this.options, signal);
    const message = this.#cardOf(notice);
    const base = { channel: ref.channel, ts: ref.ts, text: message.text, ...PLAIN };
    try {
      await this.#withBlocks(message, (blocks) => chat.update({ ...base, ...blocks }));
      return { kind: "sent", ref };
    } catch (error) {
      return sendFailure(slackFailure(error));
    }
  }

  /** The card, or where its file fails, as an edited one may, a line: better than nothing. */
  #cardOf(notice: Notice): SlackMessage {
    try {
      return (this.options.card ?? slackCard)(notice, this.options);
    } catch (error) {
      this.#tellOfCard(messageOf(error));
      return { text: noticeLine(notice), blocks: [] };
    }
  }

  /** Makes a call with the blocks, and where Slack refuses them, with the text alone: then nothing was there before. */
  async #withBlocks<Answer>(
    { blocks }: SlackMessage,
    call: (blocks: { readonly blocks: KnownBlock[] }) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await call({ blocks: [...blocks] });
    } catch (error) {
      const { kind, reason } = slackFailure(error);
      if (kind !== "message" || blocks.length === 0) throw error;
      this.#tellOfCard(reason);
      return await call({ blocks: [] });
    }
  }

  #tellOfCard(reason: string): void {
    if (this.#hasToldOfCard) return;
    this.#hasToldOfCard = true;
    this.options.onNotice?.(
      `${this.name}: a card cannot be shown (${reason}), its text is; see to analyzer/notify/slack_card.ts`,
    );
  }

  async find(nonce: string, sinceMs: number, ref: MessageRef | null, signal: AbortSignal): Promise<FindOutcome> {
    const client = slackClient(this.options, signal);
    try {
      const channel = ref?.channel ?? await this.#idOfChannel(client);
      if (channel === null) return { kind: "cannot_tell", reason: `no channel is called ${this.options.channel}` };
      const found: MessageRef[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < PAGES_MAX; page++) {
        const asked = {
          channel,
          oldest: (Math.max(0, sinceMs - SKEW_MS) / 1000).toFixed(6),
          include_all_metadata: true,
          limit: PAGE,
          ...(cursor === undefined ? {} : { cursor }),
        };
        const { messages = [], response_metadata } = ref === null
          ? await client.conversations.history(asked)
          : await client.conversations.replies({ ...asked, ts: ref.ts });
        found.push(...messages.flatMap((message) => refOf(message, channel, nonce)));
        cursor = response_metadata?.next_cursor || undefined;
        if (cursor === undefined) break;
      }
      if (found.length > 0) return { kind: "found", refs: found.sort((a, b) => Number(a.ts) - Number(b.ts)) };
      if (cursor !== undefined) return { kind: "cannot_tell", reason: "the channel has too many messages since then" };
      return { kind: "absent" };
    } catch (error) {
      return findFailure(slackFailure(error));
    }
  }

  async remove(ref: MessageRef, signal: AbortSignal): Promise<boolean> {
    try {
      await slackClient(this.options, signal).chat.delete({ channel: ref.channel, ts: ref.ts });
      return true;
    } catch (error) {
      return slackFailure(error).code === "message_not_found";
    }
  }

  async check(signal: AbortSignal): Promise<{ readonly reason: string; readonly remedy: string } | null> {
    const client = slackClient(this.options, signal);
    try {
      await client.auth.test();
    } catch (error) {
      const { kind, reason, remedy } = slackFailure(error);
      return kind === "settings"
        ? { reason: `notify.slack.token does not work: ${reason}`, remedy }
        : { reason, remedy: "messages wait until Slack answers; see to notify.slack.apiUrl and the network" };
    }
    return await this.#checkChannel(client);
  }

  async #checkChannel(client: WebClient): Promise<{ readonly reason: string; readonly remedy: string } | null> {
    const { channel } = this.options;
    try {
      const id = await this.#idOfChannel(client);
      if (id === null) {
        return {
          reason: `the workspace has no channel ${channel} that the app can see`,
          remedy: "name another in notify.slack.channel or notify.routes; invite the app where the channel is private",
        };
      }
      const { channel: info } = await client.conversations.info({ channel: id });
      if (info?.is_archived === true) return { reason: `${channel} is archived`, remedy: "name another channel" };
      if (info?.is_member === false) {
        return { reason: `the app is not in ${channel}`, remedy: "invite it: /invite @its-name in that channel" };
      }
      return null;
    } catch (error) {
      const failure = slackFailure(error);
      if (failure.kind !== "settings") return null;
      const { code, reason, remedy } = failure;
      return code === "missing_scope"
        ? { reason: `${channel} cannot be looked up: ${reason}`, remedy: `${remedy}; or name the channel by its id` }
        : { reason: `${channel}: ${reason}`, remedy };
    }
  }

  /** Null where no channel has the name. Throws what the client throws. */
  async #idOfChannel(client: WebClient): Promise<string | null> {
    if (this.#channelId !== null) return this.#channelId;
    const name = this.options.channel.replace(/^#/, "");
    let cursor: string | undefined;
    do {
      const { channels = [], response_metadata } = await client.conversations.list({
        types: "public_channel,private_channel",
        limit: 1_000,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const id = channels.find((channel) => channel.name === name)?.id;
      if (id !== undefined) return this.#channelId = id;
      cursor = response_metadata?.next_cursor || undefined;
    } while (cursor !== undefined);
    return null;
  }
}

function refOf({ ts, metadata }: Found, channel: string, nonce: string): MessageRef[] {
  const payload = metadata?.event_payload;
  const isOurs = metadata?.event_type === EVENT_TYPE && typeof payload === "object" && payload !== null &&
    Reflect.get(payload, "nonce") === nonce;
  return isOurs && ts !== undefined ? [{ channel, ts }] : [];
}

function sendFailure({ kind, reason, remedy, afterMs }: SlackFailure): SendOutcome {
  switch (kind) {
    case "settings":
      return { kind: "retry", reason: `${reason} (${remedy})`, afterMs };
    case "later":
      return { kind: "retry", reason, afterMs };
    case "message":
    case "gone":
      return { kind: "refused", reason, remedy };
    case "unknown":
      return { kind: "unknown", reason };
  }
}

/** Scopes that looking needs and sending does not may be missing; then nobody can tell. */
function findFailure({ kind, code, reason, remedy, afterMs }: SlackFailure): FindOutcome {
  if (code === "missing_scope" || code === "not_in_channel") {
    return { kind: "cannot_tell", reason: `${reason} (${remedy})` };
  }
  if (kind === "gone") return { kind: "absent" };
  return { kind: "retry", reason, afterMs };
}
