/**
 * What the analyzer keeps of a topic's errors, as documents of one collection: a fingerprint each, an incident each, and the
 * head, which says how far the log was read. They are committed together. What people decided lies beside (decisions.ts).
 */
import { z } from "zod";
import { MillraceError } from "../errors.ts";

/** The documents of a topic's errors, read; fingerprints and incidents that cannot be read are left aside. */
export interface ErrorDocuments {
  /** Null where nothing was kept yet. */
  readonly head: HeadDocument | null;
  readonly fingerprints: readonly FingerprintDocument[];
  readonly incidents: readonly IncidentDocument[];
}

/** Counts up where fingerprints of before would no longer be met. */
export const ALGORITHM_VERSION = 3;

/** The collection of a topic's errors. */
export const errorsCollection = (topicId: string): string => `errors/${topicId}`;

/** Every collection of a topic, to be dropped with it. */
export function collectionsOf(topicId: string): readonly string[] {
  return [errorsCollection(topicId), `decisions/${topicId}`];
}

/** Merges that follow on each other, at most. */
const MERGES_MAX = 100;

export const HEAD_KEY = "head";
export const fingerprintKey = (id: string): string => `fingerprint/${id}`;
export const incidentKey = (id: string): string => `incident/${id}`;

const severity = z.enum(["critical", "error", "warning", "info"]);

/** Why a fingerprint is looked at: never met before, more than usual, back after a rest, or looked at too long ago. */
export const REASONS = ["new", "spike", "regressed", "stale"] as const;
const reason = z.enum(REASONS);
export type Reason = z.infer<typeof reason>;

const summary = z.object({
  title: z.string(),
  severity,
  category: z.enum(["app", "infrastructure", "dependency", "configuration", "data", "unknown"]),
  whatHappened: z.string(),
  causes: z.array(
    z.object({ text: z.string(), confidence: z.enum(["low", "medium", "high"]), evidence: z.array(z.string()) }),
  ),
  nextSteps: z.array(z.string()),
});

/** A summary as it was written; `author` is a model's name, `isModel` false where it has the facts alone. */
const analysis = z.object({
  summary,
  author: z.string(),
  isModel: z.boolean(),
  reason,
  atMs: z.number(),
  tokens: z.int(),
  usd: z.number(),
  evidence: z.array(z.object({ id: z.string(), text: z.string() })),
});
export type Analysis = z.infer<typeof analysis>;

const exemplar = z.object({ text: z.string(), ms: z.number(), partition: z.int(), offset: z.int() });
/** A line of a fingerprint, redacted, and where it lies in the log. */
export type Exemplar = z.infer<typeof exemplar>;

const counted = z.tuple([z.int(), z.int()]);

export const fingerprintDocument = z.object({
  id: z.string(),
  algorithm: z.int(),
  service: z.string(),
  level: z.string(),
  template: z.string(),
  /** Tokens of the template, and for each whether a space stands before it: "1" or "0". Empty where it was split off. */
  tokens: z.array(z.string()),
  spaced: z.string(),
  /** Split off by a person: the fingerprint that it was part of, and the text that tells it from that. */
  splitFrom: z.object({ id: z.string(), contains: z.string() }).nullable(),
  /** Where its occurrences count now, if they do elsewhere. */
  mergedInto: z.string().nullable(),
  /** Whether a person merged it, who may take that back. */
  isMergedByPerson: z.boolean().default(false),
  count: z.int(),
  firstMs: z.number(),
  lastMs: z.number(),
  /** When it was first read, by the clock: catching up with an old log is no news of today. */
  metMs: z.number(),
  /** [minute since 1970, occurrences], oldest first: the last two hours with any. */
  minutes: z.array(counted),
  /** [hour since 1970, occurrences]: the last eight days. */
  hours: z.array(counted),
  exemplars: z.array(exemplar),
  /** By field, its most frequent values. */
  values: z.record(z.string(), z.array(z.tuple([z.string(), z.int()]))),
  incident: z.string().nullable(),
  /** A summary that is to be written, and since when. */
  wanted: z.object({ reason, sinceMs: z.number(), notBeforeMs: z.number() }).nullable(),
  analysis: analysis.nullable(),
  /** Models that were asked about it. */
  asked: z.int(),
});
export type FingerprintDocument = z.infer<typeof fingerprintDocument>;

export const incidentDocument = z.object({
  id: z.string(),
  /** Empty where it gathers errors of many services. */
  service: z.string(),
  state: z.enum(["open", "resolved"]),
  /** By events' time, and by the clock when it was opened. */
  openedMs: z.number(),
  createdMs: z.number(),
  lastMs: z.number(),
  resolvedMs: z.number().nullable(),
  /** The first is the one that it is about. */
  members: z.array(z.object({ fingerprint: z.string(), reason, joinedMs: z.number() })),
  /** Whether people are told: not of what was over before it was read. */
  isTold: z.boolean(),
  /** Whether those who tell people have it. */
  isAnnounced: z.boolean(),
  /** What came up after it was opened, for the thread. */
  log: z.array(z.object({ id: z.string(), atMs: z.number(), text: z.string(), fingerprint: z.string().nullable() })),
});
export type IncidentDocument = z.infer<typeof incidentDocument>;

export const headDocument = z.object({
  algorithm: z.int(),
  /** Per partition, the offset below which every record was read. */
  positions: z.record(z.string(), z.int()),
  /** Records that were read, errors among them, and errors that could not be attributed for want of room. */
  records: z.int(),
  errors: z.int(),
  committedMs: z.number(),
  /** Of the summaries: who writes them, and why not, if so; shown as they stand. */
  author: z.string(),
  trouble: z.string().nullable(),
  asked: z.int(),
  tokens: z.int(),
  usd: z.number(),
});
export type HeadDocument = z.infer<typeof headDocument>;

/** Reads the entries of a topic's collection. Throws NEWER_DATA where the head cannot be read. */
export function readErrors(entries: ReadonlyMap<string, string>): ErrorDocuments {
  const fingerprints: FingerprintDocument[] = [];
  const incidents: IncidentDocument[] = [];
  let head: HeadDocument | null = null;
  for (const [key, text] of entries) {
    const value = jsonOf(text);
    if (key === HEAD_KEY) head = headOf(value);
    else if (key.startsWith(fingerprintKey(""))) {
      const parsed = fingerprintDocument.safeParse(value);
      if (parsed.success) fingerprints.push(parsed.data);
    } else if (key.startsWith(incidentKey(""))) {
      const parsed = incidentDocument.safeParse(value);
      if (parsed.success) incidents.push(parsed.data);
    }
  }
  return { head, fingerprints, incidents };
}

/** Without the place in the log everything would be read, and counted, again: better not at all. */
function headOf(value: unknown): HeadDocument {
  const parsed = headDocument.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MillraceError(
    "NEWER_DATA",
    "what is kept of the topic's errors is damaged, or was written by a newer Millrace: how far the log was read is unknown",
    "run the Millrace that wrote it; where that is this one, delete the topic to begin anew",
  );
}

/** Where occurrences of a fingerprint count now: itself, or what it was merged into. */
export function rootIn(
  fingerprints: ReadonlyMap<string, FingerprintDocument>,
  id: string,
): FingerprintDocument | undefined {
  let at = fingerprints.get(id);
  for (let steps = 0; at !== undefined && at.mergedInto !== null && steps < MERGES_MAX; steps++) {
    at = fingerprints.get(at.mergedInto);
  }
  return at;
}

/** Null where it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
