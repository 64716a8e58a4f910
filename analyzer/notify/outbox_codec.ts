/** Entries of the outbox as texts of a collection of documents, and how much of a notice is kept. */
import { z } from "zod";
import { type Notice, SEVERITIES } from "./notice.ts";
import type { Entry } from "./outbox.ts";

const evidence = z.array(z.object({ id: z.string(), text: z.string() }));
const threadEntry = z.object({ id: z.string(), text: z.string(), evidence, isNews: z.boolean().optional() });

const notice = z.object({
  id: z.string(),
  kind: z.enum(["error", "alert"]),
  state: z.enum(["open", "acknowledged", "resolved"]),
  severity: z.enum(SEVERITIES),
  topic: z.string(),
  service: z.string(),
  title: z.string(),
  summary: z.string(),
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
  causes: z.array(
    z.object({ text: z.string(), confidence: z.enum(["low", "medium", "high"]), evidence: z.array(z.string()) }),
  ),
  nextSteps: z.array(z.string()),
  evidence,
  author: z.string(),
  links: z.array(z.object({ label: z.string(), url: z.string() })),
  thread: z.array(threadEntry),
  openedMs: z.number(),
  updatedMs: z.number(),
});

const message = z.object({
  step: z.enum(["new", "posting", "posted", "given_up"]),
  nonce: z.string(),
  attempt: z.string(),
  attempts: z.number(),
  doubts: z.number(),
  sinceMs: z.number(),
  nextMs: z.number().nullable(),
  isRepeat: z.boolean(),
  ref: z.record(z.string(), z.string()).nullable(),
  reason: z.string(),
});

const entry: z.ZodType<Entry> = z.object({
  channel: z.string(),
  id: z.string(),
  notice: notice.nullable(),
  digest: z.string(),
  revision: z.number(),
  key: z.string(),
  told: z.number(),
  toldKey: z.string(),
  toldMs: z.number(),
  isResolved: z.boolean(),
  saysResolved: z.boolean(),
  saysSeverity: z.enum(SEVERITIES).nullable().default(null),
  news: z.number().default(0),
  openedMs: z.number(),
  changedMs: z.number(),
  updateAttempts: z.number(),
  updateNextMs: z.number(),
  updateAttempt: z.string(),
  updateDoubt: z.boolean(),
  updateAgainMs: z.number().nullable(),
  updateRefused: z.string(),
  message,
  replies: z.array(z.object({ id: z.string(), entry: threadEntry.nullable(), message })),
});

/** The key of an entry: channels have no spaces in their names. */
export const keyOf = (channel: string, noticeId: string): string => `${channel} ${noticeId}`;

/** Null where the text is not an entry of this version. */
export function decodeEntry(text: string): Entry | null {
  try {
    return entry.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export const encodeEntry = (value: Entry): string => JSON.stringify(value);

// More than any message shows; bounds what a waiting notice takes.
const TITLE_MAX = 500;
const TEXT_MAX = 4_000;
const LINE_MAX = 1_000;
const ITEMS_MAX = 20;
const THREAD_MAX = 100;

const cut = (text: string, max: number): string => text.length > max ? `${text.slice(0, max - 1)}…` : text;

/** The notice with what is too long cut: what waits for a channel that is down has to be bounded. */
export function bounded(full: Notice): Notice {
  const lines = (items: Notice["evidence"]) =>
    items.slice(0, ITEMS_MAX).map(({ id, text }) => ({ id: cut(id, 50), text: cut(text, LINE_MAX) }));
  return {
    ...full,
    topic: cut(full.topic, TITLE_MAX),
    service: cut(full.service, TITLE_MAX),
    title: cut(full.title, TITLE_MAX),
    summary: cut(full.summary, TEXT_MAX),
    author: cut(full.author, TITLE_MAX),
    facts: full.facts.slice(0, ITEMS_MAX).map((f) => ({ label: cut(f.label, 100), value: cut(f.value, LINE_MAX) })),
    causes: full.causes.slice(0, ITEMS_MAX).map(({ text, confidence, evidence }) => ({
      text: cut(text, LINE_MAX),
      confidence,
      evidence: evidence.slice(0, ITEMS_MAX).map((id) => cut(id, 50)),
    })),
    nextSteps: full.nextSteps.slice(0, ITEMS_MAX).map((step) => cut(step, LINE_MAX)),
    evidence: lines(full.evidence),
    links: full.links.slice(0, 10),
    // The latest: those before were told, or there were more than anybody reads.
    thread: full.thread.slice(-THREAD_MAX).map(({ id, text, evidence, isNews }) => ({
      id: cut(id, 200),
      text: cut(text, LINE_MAX),
      evidence: lines(evidence),
      ...(isNews === undefined ? {} : { isNews }),
    })),
  };
}
