/**
 * What is told where: the entries of the outbox and how they change, without I/O, clock or randomness.
 *
 * An entry is one matter in one channel, with one message and its replies. A message is `new`, then `posting`, which is
 * written before the call, then `posted`, written after it. Who finds `posting` that nobody is at looks for the nonce
 * before it is sent again. Whoever writes `posted` first has the message: the other takes its own back. Where more than
 * one attempt was made, it is looked for once more later, since a lost attempt may have arrived late.
 */
import { createHash } from "node:crypto";
import { type MessageRef, STATE_ENTRY } from "./notifier.ts";
import { type Notice, SEVERITIES, type Severity, type ThreadEntry } from "./notice.ts";

const UPDATE_PAUSE_MS = 60_000;
const UPDATE_PAUSE_MAX_MS = 1_800_000;
/** Where messages cannot be changed: so many between the beginning and the end. */
const NEWS_MAX = 8;
/** So long a severity has to be lower before that is told: most rise again. */
const RELIEF_MS = 600_000;

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
  /** Likewise, the severity that was told of last, or waits to be; null: none yet. */
  readonly saysSeverity: Severity | null;
  /** Likewise, messages between the beginning and the end. */
  readonly news: number;
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
    saysSeverity: null,
    news: 0,
    openedMs: notice.openedMs,
    changedMs: nowMs,
    updateAttempts: 0,
    updateNextMs: 0,
    updateAttempt: "",
    updateDoubt: false,
    updateAgainMs: null,
    updateRefused: "",
    message: freshMessage(nonce(), nowMs),
    replies: way.canUpdate
      ? notice.thread.map((entry) => ({ id: entry.id, entry, message: freshMessage(nonce(), nowMs) }))
      : newsOf(notice).map(({ id }) => untold(id)),
  };
}

const newsOf = ({ thread }: Notice): readonly ThreadEntry[] => thread.filter(({ isNews }) => isNews === true);

/** Known, and never told: the message that begins the matter has it, or there were too many. */
const untold = (id: string): Reply => ({
  id,
  entry: null,
  message: { ...freshMessage("", 0), step: "given_up", nextMs: null, reason: "not told by itself" },
});

/** The entry with what is wanted now; the same object where nothing changed. */
export function wanted(entry: Entry, notice: Notice, way: Way, nonce: () => string, nowMs: number): Entry {
  const digest = contentDigest(notice);
  if (digest === entry.digest) return entry;
  const known = new Set(entry.replies.map(({ id }) => id));
  const named = new Set(notice.thread.map(({ id }) => id));
  let { news } = entry;
  const added = (way.canUpdate ? notice.thread : newsOf(notice)).filter(({ id }) => !known.has(id)).map((reply) => {
    const isTold = way.canUpdate || (entry.message.step === "posted" && notice.state !== "resolved" && news < NEWS_MAX);
    if (!isTold) return untold(reply.id);
    return { id: reply.id, entry: lastOf(reply, way, ++news), message: freshMessage(nonce(), nowMs) };
  });
  const replies = [
    // A told one is remembered while the notice names it: it would be told again else.
    ...entry.replies.filter(({ id, message }) => named.has(id) || !isSettled(message)),
    ...added,
  ];
  return withItsNews(
    {
      ...entry,
      notice: { ...notice, thread: [] },
      digest,
      revision: entry.revision + 1,
      key: urgentKey(notice),
      isResolved: notice.state === "resolved",
      changedMs: nowMs,
      replies,
      news: way.canUpdate ? entry.news : news,
    },
    way,
    nonce,
    nowMs,
  );
}

export const isSettled = ({ step, nextMs }: Message): boolean =>
  step === "given_up" || (step === "posted" && nextMs === null);

/** The last that is told says so. */
const lastOf = (entry: ThreadEntry, { canUpdate }: Way, news: number): ThreadEntry =>
  canUpdate || news < NEWS_MAX ? entry : { ...entry, text: `${entry.text} (Nothing more is told until it is over.)` };

/** Where messages cannot be changed, others say what is worth knowing: its end, that it is open again, its severity. */
export function withItsNews(entry: Entry, way: Way, nonce: () => string, nowMs: number): Entry {
  if (way.canUpdate || entry.message.step !== "posted") return entry;
  return withItsSeverity(withItsEnd(entry, nonce, nowMs), way, nonce, nowMs);
}

function withItsEnd(entry: Entry, nonce: () => string, nowMs: number): Entry {
  if (entry.isResolved === entry.saysResolved) return entry;
  const kept = entry.replies.filter(({ id, message }) => !id.startsWith(STATE_ENTRY) || message.step !== "new");
  const isTaken = kept.length < entry.replies.length;
  // One that waits and says the opposite cancels out.
  if (isTaken) return { ...entry, replies: kept, saysResolved: entry.isResolved };
  const text = entry.isResolved ? "Resolved." : "Open again.";
  // It says the severity, too: nothing else has to.
  const others = kept.filter((reply) => !isSeverityThatWaits(reply));
  return {
    ...entry,
    replies: [...others, replyOf(`${STATE_ENTRY}${entry.revision}`, text, nonce, nowMs)],
    news: entry.news - (kept.length - others.length),
    saysResolved: entry.isResolved,
    saysSeverity: entry.notice?.severity ?? entry.saysSeverity,
  };
}

const replyOf = (id: string, text: string, nonce: () => string, dueMs: number): Reply => ({
  id,
  entry: { id, text, evidence: [] },
  message: freshMessage(nonce(), dueMs),
});

const SEVERITY_NEWS = /^severity-\d+-([a-z]+)$/;

const isSeverityThatWaits = ({ id, message }: Reply): boolean => SEVERITY_NEWS.test(id) && message.step === "new";

/** A worse severity is told at once; a lower one once it has lasted; what is as it was again cancels what waits. */
function withItsSeverity(entry: Entry, way: Way, nonce: () => string, nowMs: number): Entry {
  const { notice, saysSeverity, isResolved } = entry;
  if (notice === null || isResolved || notice.severity === saysSeverity) return entry;
  const waiting = entry.replies.find(isSeverityThatWaits);
  const before = SEVERITIES.find((each) => each === SEVERITY_NEWS.exec(waiting?.id ?? "")?.[1]) ?? saysSeverity;
  const replies = entry.replies.filter((reply) => reply !== waiting);
  const news = entry.news - (waiting === undefined ? 0 : 1);
  // Kept by a version that did not note it, or as it was.
  if (before === null) return { ...entry, saysSeverity: notice.severity };
  if (notice.severity === before) return { ...entry, replies, news, saysSeverity: before };
  if (news >= NEWS_MAX) return entry;
  const isWorse = SEVERITIES.indexOf(notice.severity) < SEVERITIES.indexOf(before);
  const text = `${isWorse ? "It got worse" : "It is less grave"}: ${notice.severity}, was ${before}.`;
  const id = `severity-${entry.revision}-${before}`;
  const reply = replyOf(id, text, nonce, isWorse ? nowMs : nowMs + RELIEF_MS);
  const told = { ...reply, entry: reply.entry && lastOf(reply.entry, way, news + 1) };
  return { ...entry, replies: [...replies, told], news: news + 1, saysSeverity: notice.severity };
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
