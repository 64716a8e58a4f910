/**
 * What is told where: the entries of the outbox and how they change, without I/O, clock or randomness.
 *
 * An entry is one matter in one channel, with one message and its replies. A message is `new`, then `posting`, which is
 * written before the call, then `posted`, written after it. Who finds `posting` that nobody is at looks for the nonce
 * before it is sent again. Whoever writes `posted` first has the message: the other takes its own back. Where more than
 * one attempt was made, it is looked for once more later, since a lost attempt may have arrived late.
 */
import { createHash } from "node:crypto";
import type { MessageRef } from "./notifier.ts";
import type { Notice, ThreadEntry } from "./notice.ts";

const UPDATE_PAUSE_MS = 60_000;
const UPDATE_PAUSE_MAX_MS = 1_800_000;

export interface Message {
  readonly step: "new" | "posting" | "posted" | "given_up";
  readonly nonce: string;
  /** Of the attempt under way or the last one: a random name. */
  readonly attempt: string;
  readonly attempts: number;
  /** Attempts that may have arrived, and were not found. */
  readonly doubts: number;
  /** When the first attempt began that may have arrived; 0: none did. */
  readonly sinceMs: number;
  /** Not before: the attempt (new), the look (posting), the late look (posted; null: none). */
  readonly nextMs: number | null;
  /** An attempt before may have arrived, and there is no way to tell. */
  readonly isRepeat: boolean;
  readonly ref: MessageRef | null;
  /** Why it was given up. */
  readonly reason: string;
}

export interface Reply {
  readonly id: string;
  /** Null once it was told. */
  readonly entry: ThreadEntry | null;
  readonly message: Message;
}

export interface Entry {
  readonly channel: string;
  readonly id: string;
  /** As it is to be shown, without its thread; null where it was resolved and all is told. */
  readonly notice: Notice | null;
  /** Of everything wanted, thread included: the same content is the same. */
  readonly digest: string;
  readonly revision: number;
  /** Of that which is told at once when it changes. */
  readonly key: string;
  /** The revision that is shown; 0: none, or nobody knows. */
  readonly told: number;
  /** As `key`, of what is shown. */
  readonly toldKey: string;
  readonly toldMs: number;
  readonly isResolved: boolean;
  /** Where messages cannot be changed: whether the last that was told of it, or waits to be, says resolved. */
  readonly saysResolved: boolean;
  readonly openedMs: number;
  readonly changedMs: number;
  readonly updateAttempts: number;
  /** Not before: after one that failed, or while another may be under way. */
  readonly updateNextMs: number;
  /** Of the update under way; empty: none. */
  readonly updateAttempt: string;
  /** An update before may still arrive, and put older content in place of newer. */
  readonly updateDoubt: boolean;
  /** When it is updated once more for that reason; null: not at all. */
  readonly updateAgainMs: number | null;
  /** Why it is no longer updated; empty: it is. */
  readonly updateRefused: string;
  readonly message: Message;
  readonly replies: readonly Reply[];
}

/** What a channel can do. */
export interface Way {
  readonly canUpdate: boolean;
}

/** `target`: the id of a reply; null: the message itself. */
export interface Action {
  readonly verb: "send" | "look" | "look_late" | "update";
  readonly target: string | null;
}

export interface Due {
  readonly action: Action;
  readonly atMs: number;
  /** The least first. */
  readonly rank: number;
}

const digestOf = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 22);

/** Everything but the time of the last change, which changes nothing for who reads it. */
export const contentDigest = (notice: Notice): string => digestOf({ ...notice, updatedMs: 0 });

/** What people are told of at once when it changes; counts and the like wait. */
export const urgentKey = ({ state, severity, title, author, summary, causes }: Notice): string =>
  digestOf([state, severity, title, author, summary, causes]);

const freshMessage = (nonce: string, nowMs: number): Message => ({
  step: "new",
  nonce,
  attempt: "",
  attempts: 0,
  doubts: 0,
  sinceMs: 0,
  nextMs: nowMs,
  isRepeat: false,
  ref: null,
  reason: "",
});

/** A matter that a channel has not been told of. */
export function newEntry(channel: string, notice: Notice, way: Way, nonce: () => string, nowMs: number): Entry {
  return {
    channel,
    id: notice.id,
    notice: { ...notice, thread: [] },
    digest: contentDigest(notice),
    revision: 1,
    key: urgentKey(notice),
    told: 0,
    toldKey: "",
    toldMs: 0,
    isResolved: notice.state === "resolved",
    saysResolved: false,
    openedMs: notice.openedMs,
    changedMs: nowMs,
    updateAttempts: 0,
    updateNextMs: 0,
    updateAttempt: "",
    updateDoubt: false,
    updateAgainMs: null,
    updateRefused: "",
    message: freshMessage(nonce(), nowMs),
    replies: threadOf(notice, way).map((entry) => ({ id: entry.id, entry, message: freshMessage(nonce(), nowMs) })),
  };
}

/** Where messages cannot be changed, nothing is told between the beginning and the end. */
const threadOf = ({ thread }: Notice, { canUpdate }: Way): readonly ThreadEntry[] => canUpdate ? thread : [];

/** The entry with what is wanted now; the same object where nothing changed. */
export function wanted(entry: Entry, notice: Notice, way: Way, nonce: () => string, nowMs: number): Entry {
  const digest = contentDigest(notice);
  if (digest === entry.digest) return entry;
  const known = new Set(entry.replies.map(({ id }) => id));
  const named = new Set(notice.thread.map(({ id }) => id));
  const replies = [
    // A told one is remembered while the notice names it: it would be told again else.
    ...entry.replies.filter(({ id, message }) => named.has(id) || !isSettled(message)),
    ...threadOf(notice, way).filter(({ id }) => !known.has(id)).map((reply) => ({
      id: reply.id,
      entry: reply,
      message: freshMessage(nonce(), nowMs),
    })),
  ];
  return withItsEnd(
    {
      ...entry,
      notice: { ...notice, thread: [] },
      digest,
      revision: entry.revision + 1,
      key: urgentKey(notice),
      isResolved: notice.state === "resolved",
      changedMs: nowMs,
      replies,
    },
    way,
    nonce,
    nowMs,
  );
}

export const isSettled = ({ step, nextMs }: Message): boolean =>
  step === "given_up" || (step === "posted" && nextMs === null);

/** Where messages cannot be changed, another one says that the matter is resolved, or open again. */
export function withItsEnd(entry: Entry, { canUpdate }: Way, nonce: () => string, nowMs: number): Entry {
  if (canUpdate || entry.message.step !== "posted" || entry.isResolved === entry.saysResolved) return entry;
  const kept = entry.replies.filter(({ id, message }) => !id.startsWith("state-") || message.step !== "new");
  const isTaken = kept.length < entry.replies.length;
  // One that waits and says the opposite cancels out.
  if (isTaken) return { ...entry, replies: kept, saysResolved: entry.isResolved };
  const text = entry.isResolved ? "Resolved." : "Open again.";
  const id = `state-${entry.revision}`;
  const reply = { id, entry: { id, text, evidence: [] }, message: freshMessage(nonce(), nowMs) };
  return { ...entry, replies: [...kept, reply], saysResolved: entry.isResolved };
}

/** Whether something is still to be told, or to be looked for. */
export function isPending(entry: Entry, way: Way): boolean {
  return dues(entry, way).length > 0;
}

/** Whether nobody was told of it yet. */
export const isUntold = ({ message }: Entry): boolean => message.step === "new" && message.doubts === 0;

const SEVERITY_RANK = { critical: 0, error: 1, warning: 2, info: 3 } as const;

/** What is to be done next, soonest first by what matters most; also what is not due yet. */
export function dues(entry: Entry, way: Way): Due[] {
  const { message, notice } = entry;
  const severity = notice === null ? 3 : SEVERITY_RANK[notice.severity];
  const found: Due[] = [];
  const add = (verb: Action["verb"], target: string | null, atMs: number, weight: number) =>
    found.push({ action: { verb, target }, atMs, rank: weight * 4 + severity });
  addMessage(message, null, 0, add);
  if (message.step !== "posted") return found;
  if (way.canUpdate && notice !== null && entry.updateRefused === "" && entry.told !== entry.revision) {
    const isUrgent = entry.key !== entry.toldKey;
    const pauseMs = Math.min(
      UPDATE_PAUSE_MAX_MS,
      Math.max(UPDATE_PAUSE_MS, (entry.toldMs - entry.openedMs) / 10),
    );
    const atMs = Math.max(entry.updateNextMs, isUrgent ? 0 : entry.toldMs + pauseMs);
    add("update", null, atMs, isUrgent ? 1 : 3);
  }
  if (entry.updateAgainMs !== null && notice !== null && entry.updateRefused === "") {
    add("update", null, Math.max(entry.updateNextMs, entry.updateAgainMs), 4);
  }
  for (const { id, message } of entry.replies) addMessage(message, id, 2, add);
  return found;
}

function addMessage(
  { step, nextMs }: Message,
  target: string | null,
  weight: number,
  add: (verb: Action["verb"], target: string | null, atMs: number, weight: number) => void,
): void {
  if (nextMs === null) return;
  if (step === "new") add("send", target, nextMs, weight);
  if (step === "posting") add("look", target, nextMs, weight);
  if (step === "posted") add("look_late", target, nextMs, 4);
}

/** What a channel does next: of that which is due, what matters most, and of equals what began first. */
export function nextDue(
  entries: ReadonlyMap<string, Entry>,
  channel: string,
  way: Way,
  nowMs: number,
): { readonly key: string; readonly due: Due } | null {
  let best: { readonly key: string; readonly due: Due; readonly openedMs: number } | null = null;
  for (const [key, entry] of entries) {
    if (entry.channel !== channel) continue;
    for (const due of dues(entry, way)) {
      if (due.atMs > nowMs) continue;
      const order = best === null ? -1 : due.rank - best.due.rank || entry.openedMs - best.openedMs;
      if (order < 0) best = { key, due, openedMs: entry.openedMs };
    }
  }
  return best;
}

export function messageOf(entry: Entry, target: string | null): Message | null {
  if (target === null) return entry.message;
  return entry.replies.find(({ id }) => id === target)?.message ?? null;
}
