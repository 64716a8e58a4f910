/** How an entry of the outbox changes with what came of an attempt, a look or an update: pure, as outbox.ts. */
import type { FindOutcome, MessageRef, SendOutcome } from "./notifier.ts";
import type { Notice } from "./notice.ts";
import {
  type Entry,
  isPending,
  isSettled,
  type Message,
  messageOf,
  urgentKey,
  type Way,
  withItsNews,
} from "./outbox.ts";

/** After this, no call that began is still under way: the longest one, and what servers and networks may hold back. */
export const TAKEOVER_MS = 20_000;
/** From an outcome that nobody knows to the first look. */
const SETTLE_MS = 5_000;
/** When it is looked again for messages that came late. */
const LATE_LOOK_MS = 120_000;
const LATE_PAUSE_MAX_MS = 600_000;
const PAUSE_MAX_MS = 60_000;
/** Between attempts of which nobody can tell whether they arrived: rare, since each may be one more message. */
const REPEAT_PAUSE_MS = 60_000;
const REPEAT_PAUSE_MAX_MS = 3_600_000;

function withMessage(entry: Entry, target: string | null, message: Message): Entry {
  if (target === null) return { ...entry, message };
  const replies = entry.replies.map((reply) => reply.id === target ? { ...reply, message } : reply);
  return { ...entry, replies };
}

/** Before the call: the message as `posting`; null where another attempt has it, or it is not to be sent any more. */
export function begun(entry: Entry, target: string | null, attempt: string, nowMs: number): Entry | null {
  const message = messageOf(entry, target);
  if (message?.step === "posting" && message.attempt === attempt) return entry;
  if (message?.step !== "new") return null;
  return withMessage(entry, target, {
    ...message,
    step: "posting",
    attempt,
    attempts: message.attempts + 1,
    sinceMs: message.sinceMs === 0 ? nowMs : message.sinceMs,
    nextMs: nowMs + TAKEOVER_MS,
  });
}

/** What the runner knows of an attempt when its outcome comes. */
export interface Attempt {
  readonly attempt: string;
  /** What was sent. */
  readonly notice: Notice;
  readonly revision: number;
  /** Of the message that was changed; null where one was sent. */
  readonly ref: MessageRef | null;
  readonly nowMs: number;
}

/** The entry after an outcome, and what was sent twice and is to be taken back. */
export interface Settled {
  readonly entry: Entry;
  readonly remove: readonly MessageRef[];
}

const pause = (attempts: number, firstMs: number, maxMs: number): number =>
  Math.min(maxMs, firstMs * 2 ** Math.max(0, Math.min(attempts - 1, 20)));

export const sameRef = (a: MessageRef, b: MessageRef): boolean => {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
};

/** After a post or reply. An outcome that another attempt overtook changes nothing but what it has to take back. */
export function sent(
  entry: Entry,
  target: string | null,
  outcome: SendOutcome,
  { attempt, notice, revision, nowMs }: Attempt,
  way: Way,
  nonce: () => string,
): Settled {
  const message = messageOf(entry, target);
  if (outcome.kind === "sent") {
    if (message === null) return { entry, remove: [] };
    if (message.step === "posted" && message.ref !== null) {
      return { entry, remove: sameRef(message.ref, outcome.ref) ? [] : [outcome.ref] };
    }
    const isSole = message.attempt === attempt && message.doubts === 0;
    const posted = postedAs(message, outcome.ref, isSole ? null : nowMs + LATE_LOOK_MS);
    const shown = target === null ? { ...entry, ...shownAs(notice, revision, nowMs) } : entry;
    return { entry: settledEntry(shown, target, posted, way, nonce, nowMs), remove: [] };
  }
  if (message?.step !== "posting" || message.attempt !== attempt) return { entry, remove: [] };
  return { entry: settledEntry(entry, target, unsent(message, outcome, nowMs), way, nonce, nowMs), remove: [] };
}

const shownAs = (notice: Notice, revision: number, nowMs: number) => ({
  told: revision,
  toldKey: urgentKey(notice),
  toldMs: nowMs,
  saysResolved: notice.state === "resolved",
  saysSeverity: notice.severity,
});

function unsent(message: Message, outcome: Exclude<SendOutcome, { kind: "sent" }>, nowMs: number): Message {
  switch (outcome.kind) {
    case "refused":
      return { ...message, step: "given_up", nextMs: null, reason: `${outcome.reason}: ${outcome.remedy}` };
    case "retry":
      return {
        ...message,
        step: "new",
        // An attempt that surely did not arrive leaves nothing to look for.
        sinceMs: message.doubts === 0 ? 0 : message.sinceMs,
        nextMs: nowMs + Math.max(outcome.afterMs ?? 0, pause(message.attempts, 1_000, PAUSE_MAX_MS)),
      };
    case "unknown":
      return { ...message, nextMs: nowMs + pause(message.attempts, SETTLE_MS, PAUSE_MAX_MS) };
  }
}

const postedAs = (message: Message, ref: MessageRef, lateLookMs: number | null): Message => ({
  ...message,
  step: "posted",
  attempts: 0,
  ref,
  nextMs: lateLookMs,
});

function settledEntry(
  entry: Entry,
  target: string | null,
  message: Message,
  way: Way,
  nonce: () => string,
  nowMs: number,
): Entry {
  const next = withMessage(entry, target, message);
  return withItsNews(isSettled(message) ? withoutText(next, target) : next, way, nonce, nowMs);
}

/** The texts of replies that are told are not kept. */
const withoutText = (entry: Entry, target: string | null): Entry => ({
  ...entry,
  replies: entry.replies.map((reply) => reply.id === target ? { ...reply, entry: null } : reply),
});

/** After a look for a message that may have been sent; an attempt that began since then makes it void. */
export function looked(
  entry: Entry,
  target: string | null,
  attempt: string,
  outcome: FindOutcome,
  nowMs: number,
  way: Way,
  nonce: () => string,
): Entry {
  const message = messageOf(entry, target);
  if (message?.step !== "posting" || message.attempt !== attempt) return entry;
  const settle = (next: Message, changed = entry) => settledEntry(changed, target, next, way, nonce, nowMs);
  switch (outcome.kind) {
    case "found":
      // What it shows is not known: it is brought up to date. More than one are dealt with by the late look.
      return settle(
        postedAs(message, outcome.refs[0], nowMs + LATE_LOOK_MS),
        target === null ? { ...entry, told: 0, toldKey: "" } : entry,
      );
    case "absent":
      return settle({ ...message, step: "new", doubts: message.doubts + 1, nextMs: nowMs });
    case "cannot_tell":
      return settle({
        ...message,
        step: "new",
        doubts: message.doubts + 1,
        isRepeat: true,
        nextMs: nowMs + pause(message.doubts + 1, REPEAT_PAUSE_MS, REPEAT_PAUSE_MAX_MS),
      });
    case "retry":
      return settle({ ...message, nextMs: nowMs + Math.max(outcome.afterMs ?? 0, SETTLE_MS) });
  }
}

/** After the late look for messages besides the one that is kept, once they are removed. */
export function lookedLate(entry: Entry, target: string | null, outcome: FindOutcome, nowMs: number): Entry {
  const message = messageOf(entry, target);
  if (message?.step !== "posted" || message.nextMs === null) return entry;
  if (outcome.kind !== "retry") return withoutText(withMessage(entry, target, { ...message, nextMs: null }), target);
  const attempts = message.attempts + 1;
  const nextMs = nowMs + Math.max(outcome.afterMs ?? 0, pause(attempts, PAUSE_MAX_MS, LATE_PAUSE_MAX_MS));
  return withMessage(entry, target, { ...message, attempts, nextMs });
}

/** What a look found besides the message that is kept. */
export function othersOf({ step, ref }: Message, outcome: FindOutcome): readonly MessageRef[] {
  if (step !== "posted" || ref === null || outcome.kind !== "found") return [];
  return outcome.refs.filter((each) => !sameRef(each, ref));
}

/** Before an update; null where another is at it. One that was begun and never settled may still arrive. */
export function begunUpdate(entry: Entry, attempt: string, nowMs: number): Entry | null {
  if (entry.updateAttempt === attempt) return entry;
  if (entry.updateNextMs > nowMs) return null;
  const updateDoubt = entry.updateDoubt || entry.updateAttempt !== "";
  return { ...entry, updateAttempt: attempt, updateNextMs: nowMs + TAKEOVER_MS, updateDoubt };
}

/** After an update. Where an older one may arrive after it, another one follows later. */
export function updated(
  entry: Entry,
  outcome: SendOutcome,
  { attempt, notice, revision, ref, nowMs }: Attempt,
): Entry {
  const isOvertaken = entry.updateAttempt !== attempt;
  const free = isOvertaken ? entry : { ...entry, updateAttempt: "", updateNextMs: 0 };
  const isDoubtful = entry.updateDoubt || isOvertaken;
  switch (outcome.kind) {
    case "sent": {
      const waitingMs = entry.updateAgainMs !== null && entry.updateAgainMs > nowMs ? entry.updateAgainMs : null;
      const again = { updateDoubt: isOvertaken, updateAgainMs: isDoubtful ? nowMs + LATE_LOOK_MS : waitingMs };
      // Older content may have taken the place of newer.
      if (revision < entry.told) return { ...free, ...again, told: 0, toldKey: "" };
      const message = isOf(entry.message, ref) ? { ...entry.message, ref: outcome.ref } : entry.message;
      return { ...free, ...again, ...shownAs(notice, revision, nowMs), updateAttempts: 0, message };
    }
    case "refused":
      return { ...free, updateRefused: `${outcome.reason}: ${outcome.remedy}`, updateAgainMs: null };
    default: {
      const attempts = entry.updateAttempts + 1;
      const afterMs = outcome.kind === "retry" ? outcome.afterMs ?? 0 : 0;
      const nextMs = nowMs + Math.max(afterMs, pause(attempts, 1_000, PAUSE_MAX_MS));
      return {
        ...free,
        updateAttempts: attempts,
        updateNextMs: nextMs,
        updateDoubt: isDoubtful || outcome.kind === "unknown",
        updateAgainMs: entry.updateAgainMs === null ? null : Math.max(entry.updateAgainMs, nextMs),
      };
    }
  }
}

const isOf = (message: Message, ref: MessageRef | null): boolean =>
  message.ref !== null && ref !== null && sameRef(message.ref, ref);

/** What is kept of a matter that was resolved and told. */
export function slim(entry: Entry, way: Way): Entry {
  return entry.isResolved && entry.notice !== null && !isPending(entry, way) ? { ...entry, notice: null } : entry;
}

export const REPEAT_NOTE = "sent again: nobody knows whether the first attempt arrived";

/** A notice that says so. */
export function repeated(notice: Notice): Notice {
  return { ...notice, facts: [{ label: "May be a repeat", value: REPEAT_NOTE }, ...notice.facts] };
}
