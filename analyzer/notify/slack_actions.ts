/** What people do with the buttons of a card: requests of Slack, verified, and what they say. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { SEVERITIES, type Severity } from "./notice.ts";
import { ACTION_PREFIX } from "./slack_card.ts";

export const ACTION_KINDS = ["acknowledge", "silence", "useful", "not_useful", "wrong_grouping"] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

/** How long a silence lasts. */
export const SILENCE_MS = 3_600_000;

/** What a person did, whatever the way. */
export interface PersonAction {
  readonly kind: ActionKind;
  readonly noticeId: string;
  /** Of an alert, the severity that the message had; absent: it is of something else. */
  readonly severity?: Severity;
  /** As Slack names them, with their id: "jo (U012AB3CD)". */
  readonly person: string;
  readonly atMs: number;
}

/** Requests older or newer than this are not taken. */
const WINDOW_MS = 300_000;
/** Signatures that are remembered; in five minutes nobody clicks as often. */
const SEEN_MAX = 10_000;

export type Verdict = "valid" | "stale" | "forged" | "replayed";

export interface SignedRequest {
  /** Header X-Slack-Request-Timestamp; null: there is none. */
  readonly timestamp: string | null;
  /** Header X-Slack-Signature. */
  readonly signature: string | null;
  /** As it came, before anything is decoded. */
  readonly body: Uint8Array;
}

/** Tells requests of Slack from others, each of them once. */
export class SlackVerifier {
  /** By signature, when it may be forgotten; in the order of their coming. */
  readonly #seen = new Map<string, number>();

  constructor(private readonly signingSecret: string) {}

  verify({ timestamp, signature, body }: SignedRequest, nowMs: number): Verdict {
    if (timestamp === null || signature === null || !/^\d{1,12}$/.test(timestamp)) return "forged";
    const expected = createHmac("sha256", this.signingSecret).update(`v0:${timestamp}:`).update(body).digest();
    const given = /^v0=([0-9a-f]{64})$/.exec(signature)?.[1];
    if (given === undefined || !timingSafeEqual(expected, Uint8Array.fromHex(given))) return "forged";
    const sentMs = Number(timestamp) * 1000;
    if (Math.abs(nowMs - sentMs) > WINDOW_MS) return "stale";
    for (const [old, untilMs] of this.#seen) {
      if (untilMs >= nowMs && this.#seen.size < SEEN_MAX) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(signature)) return "replayed";
    this.#seen.set(signature, sentMs + 2 * WINDOW_MS);
    return "valid";
  }
}

const interaction = z.object({
  type: z.literal("block_actions"),
  user: z.object({ id: z.string(), username: z.string().optional(), name: z.string().optional() }),
  actions: z.array(z.object({
    action_id: z.string(),
    value: z.string().optional(),
    action_ts: z.string().regex(/^\d+(\.\d+)?$/),
  })),
});

/** What an interaction says, as Slack's JSON; empty where it is of something else. */
export function actionsOf(payload: unknown): readonly PersonAction[] {
  const parsed = interaction.safeParse(payload);
  if (!parsed.success) return [];
  const { user, actions } = parsed.data;
  const name = user.username ?? user.name;
  const person = name === undefined ? user.id : `${name} (${user.id})`;
  return actions.flatMap(({ action_id: id, value, action_ts: ts }) => {
    const kind = ACTION_KINDS.find((each) => id === `${ACTION_PREFIX}${each}`);
    if (kind === undefined || value === undefined || value === "") return [];
    const [noticeId, seen] = value.split(" ");
    const severity = SEVERITIES.find((each) => each === seen);
    const action = { kind, noticeId, person, atMs: Math.round(Number(ts) * 1000) };
    return [severity === undefined ? action : { ...action, severity }];
  });
}

/** The same from the body of a request that was verified: a form with JSON in its field `payload`. */
export function actionsOfBody(body: Uint8Array): readonly PersonAction[] {
  const payload = new URLSearchParams(new TextDecoder().decode(body)).get("payload");
  if (payload === null) return [];
  try {
    return actionsOf(JSON.parse(payload));
  } catch {
    return [];
  }
}
