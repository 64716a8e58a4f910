/** What the dashboard asks of the API, and the parts of the answers (docs/http-api.md) that it shows. */
import * as z from "zod/mini";

const apiRow = z.object({
  service: z.string(),
  method: z.string(),
  endpoint: z.string(),
  count: z.number(),
  errors: z.number(),
  errorRate: z.number(),
  averageResponseTime: z.nullable(z.number()),
});
export type ApiRow = z.infer<typeof apiRow>;

const partitionInfo = z.object({
  partition: z.number(),
  start: z.number(),
  end: z.number(),
  checkpoint: z.number(),
  watermark: z.nullable(z.string()),
  lagRecords: z.number(),
  lagSeconds: z.number(),
});
const topicInfo = z.object({
  name: z.string(),
  format: z.nullable(z.string()),
  dimensions: z.array(z.string()),
  measures: z.array(z.string()),
  lagRecords: z.number(),
  lagSeconds: z.number(),
  partitions: z.array(partitionInfo),
  totals: z.object({ events: z.number(), unparsed: z.number() }),
  gaps: z.array(z.object({ partition: z.number(), start: z.number(), end: z.number() })),
});
export type TopicInfo = z.infer<typeof topicInfo>;
export const topicsAnswer = z.object({ topics: z.array(topicInfo) });

export const summaryAnswer = z.object({
  sla: z.object({
    target: z.number(),
    availability: z.nullable(z.number()),
    isMet: z.nullable(z.boolean()),
    errorBudgetLeft: z.nullable(z.number()),
  }),
  totals: z.object({ count: z.number(), errors: z.number(), unparsed: z.number() }),
  levels: z.array(z.object({ level: z.string(), count: z.number(), share: z.number() })),
  averageResponseTimeByApi: z.array(apiRow),
  topErrorProneApis: z.array(apiRow),
});
export type Summary = z.infer<typeof summaryAnswer>;

export const seriesAnswer = z.object({
  unit: z.string(),
  from: z.string(),
  to: z.string(),
  step: z.string(),
  finalUntil: z.nullable(z.string()),
  series: z.array(z.object({
    dimensions: z.record(z.string(), z.string()),
    points: z.array(z.tuple([z.number(), z.nullable(z.number())])),
  })),
});

const eventRecord = z.object({
  timestamp: z.string(),
  partition: z.number(),
  offset: z.number(),
  fields: z.record(z.string(), z.string()),
  measures: z.record(z.string(), z.number()),
  raw: z.string(),
});
export type EventRecord = z.infer<typeof eventRecord>;
export const eventsAnswer = z.object({ events: z.array(eventRecord), nextCursor: z.nullable(z.string()) });

const quarantineRecord = z.object({
  recordTime: z.string(),
  partition: z.number(),
  offset: z.number(),
  reason: z.string(),
  raw: z.string(),
});
export type QuarantineRecord = z.infer<typeof quarantineRecord>;
export const quarantineAnswer = z.object({ records: z.array(quarantineRecord), nextCursor: z.nullable(z.string()) });

export const logRecords = z.object({
  start: z.number(),
  end: z.number(),
  next: z.number(),
  records: z.array(z.object({
    offset: z.number(),
    timestamp: z.string(),
    key: z.nullable(z.string()),
    value: z.nullable(z.string()),
    valueBytes: z.number(),
  })),
});
export type LogRecords = z.infer<typeof logRecords>;

/** What went wrong, for people. */
export const wordsOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

const problem = z.object({ detail: z.string() });

/** Asks the gateway; throws an Error with the problem's own words, or with what was not understood of the answer. */
export async function ask<T extends z.ZodMiniType>(
  path: string,
  schema: T,
  query: readonly (readonly [string, string])[] = [],
  signal?: AbortSignal,
): Promise<z.infer<T>> {
  const address = addressOf(path, query);
  return read(path, schema, await (taken(address, signal) ?? reach(address, { signal })));
}

const addressOf = (path: string, query: readonly (readonly [string, string])[]): string =>
  query.length === 0 ? path : `${path}?${new URLSearchParams(query.map(([name, value]) => [name, value]))}`;

/** Answers that are under way before anybody wants them, by address. */
const ahead = new Map<string, Promise<Response>>();
/** What nobody has wanted by then is no answer any more. */
const AHEAD_MS = 3_000;

/** Asks for what {@link ask} will want in a moment, once: while a page comes up, what is drawn first is not waited for. */
export function askAhead(path: string, query: readonly (readonly [string, string])[] = []): void {
  const address = addressOf(path, query);
  if (ahead.has(address)) return;
  const answer = reach(address, {});
  answer.catch(() => {}); // told to whoever wants it
  ahead.set(address, answer);
  setTimeout(() => ahead.get(address) === answer && ahead.delete(address), AHEAD_MS);
}

function taken(address: string, signal: AbortSignal | undefined): Promise<Response> | undefined {
  const answer = ahead.get(address);
  ahead.delete(address);
  return signal?.aborted === true ? undefined : answer;
}

/** Changes something; throws as {@link ask} does. */
export async function send<T extends z.ZodMiniType>(
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  schema: T,
  body?: unknown,
): Promise<z.infer<T>> {
  const response = await reach(path, {
    method,
    ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
  return await read(path, schema, response);
}

async function reach(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    // What was to be changed is not sent again by itself.
    const next = init.method === undefined ? "This page tries again by itself." : "Nothing is known to be changed.";
    throw new Error(`the gateway does not answer: is it running? ${next}`);
  }
}

async function read<T extends z.ZodMiniType>(path: string, schema: T, response: Response): Promise<z.infer<T>> {
  const body: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) {
    const told = problem.safeParse(body);
    throw new Error(told.success ? told.data.detail : `${path} answered ${response.status}`);
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Error(`${path} answered what this page does not understand: reload it`);
  return parsed.data;
}

export const tailMessage = z.object({
  records: z.number(),
  matched: z.number(),
  dropped: z.number(),
  events: z.array(eventRecord),
});
export const countAnswer = z.object({ rows: z.number(), isAll: z.boolean() });

const savedView = z.object({
  id: z.string(),
  name: z.string(),
  page: z.string(),
  query: z.string(),
  isShared: z.boolean(),
});
export type SavedView = z.infer<typeof savedView>;
export const savedViewAnswer = savedView;
export const savedViews = z.object({ views: z.array(savedView) });

export const statusAnswer = z.object({
  log: z.string(),
  store: z.string(),
  consumerGroup: z.nullable(z.string()),
  engine: z.nullable(z.object({
    isHealthy: z.boolean(),
    lastError: z.nullable(z.string()),
    workers: z.array(z.object({
      worker: z.number(),
      partitions: z.array(z.object({ topic: z.string(), partition: z.number() })),
    })),
  })),
});
export type Status = z.infer<typeof statusAnswer>;

export const groupsAnswer = z.object({
  groups: z.array(z.object({
    name: z.string(),
    kind: z.string(),
    state: z.string(),
    members: z.nullable(z.number()),
    lagRecords: z.number(),
    lagSeconds: z.number(),
    partitions: z.array(z.object({
      partition: z.number(),
      offset: z.nullable(z.number()),
      end: z.number(),
      lagRecords: z.number(),
      lagSeconds: z.number(),
      member: z.nullable(z.string()),
    })),
  })),
});
export type Groups = z.infer<typeof groupsAnswer>["groups"];
