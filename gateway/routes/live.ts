/** GET /api/v1/live: tells, as it happens, that more of a topic is stored (server-sent events). */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createRoute, z } from "@hono/zod-openapi";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import type { Topic } from "../../core/log/partitioned_log.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter, Problem } from "../problem.ts";
import { problemBody, problemResponses, topicOf, topicParameter, whereParameter } from "../query.ts";
import { standingOf } from "../topic_state.ts";
import { frontierId, Tail, type TailQuery } from "./tail.ts";

/** Between two looks at a topic that somebody listens to. */
const LOOK_MS = 500;
/** Silence beyond which proxies close a connection. */
const PING_MS = 15_000;
/** How long a browser waits before it connects anew. */
const RETRY_MS = 2_000;
const LISTENERS_MAX = 256;
/** Of those, who also want events: each is a search twice a second. */
const TAILS_MAX = 32;

const query = z.strictObject({
  topic: topicParameter,
  tail: z.enum(["0", "1"]).default("0").openapi({ description: "1: also the events themselves, as they are stored" }),
  level: z.string().optional().openapi({ description: "Events to tell: of these levels", example: "ERROR|FATAL" }),
  q: z.string().max(1000).optional().openapi({ description: "Events to tell: with this text, in any case" }),
  where: whereParameter,
});
const route = createRoute({
  method: "get",
  path: "/api/v1/live",
  tags: ["Metrics"],
  summary: "Server-sent events: more of a topic is stored",
  description: "An event `stored` with the topic's frontier whenever it has moved, at once where Last-Event-ID tells " +
    "another one. Its data has totals and lag; what changed is asked for with the other endpoints. With tail=1, an " +
    "event `tail` before it has the newest events that came since the frontier before and fit, 500 at most, and counts " +
    "those that it leaves out.",
  request: { query },
  responses: {
    200: { description: "Until it is closed", content: { "text/event-stream": { schema: z.string() } } },
    ...problemResponses,
    503: { description: "Too many listeners", ...problemBody },
  },
});

/** What is told of a topic. */
interface Told {
  /** The frontier, as the id of the event: partitions and their checkpoints. */
  readonly id: string;
  readonly data: string;
}

export function liveRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  const watchers = new Map<string, TopicWatcher>();
  let listeners = 0;
  let tails = 0;
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const tail = given.tail === "1" ? new Tail(parts.store, topic, given) : null;
    checkRoom(listeners, tail === null ? 0 : tails, given);
    const lastId = c.req.header("last-event-id") ?? "";
    // Proxies that gather what they pass on would hold events back.
    c.header("X-Accel-Buffering", "no");
    return streamSSE(c, async (stream) => {
      listeners++;
      if (tail !== null) tails++;
      let watcher = watchers.get(topic.id);
      if (watcher === undefined) watchers.set(topic.id, watcher = new TopicWatcher(parts, topic));
      try {
        await new Listener(stream, watcher, tail, parts).listen(lastId);
      } finally {
        listeners--;
        if (tail !== null) tails--;
        if (watcher.isIdle) watchers.delete(topic.id);
      }
    });
  });
}

function checkRoom(listeners: number, tails: number, { tail, ...filter }: TailQuery & { readonly tail: string }): void {
  if (listeners >= LISTENERS_MAX) {
    throw new Problem(503, "Too many listeners", `${LISTENERS_MAX} listen already; poll the other endpoints instead`);
  }
  if (tails >= TAILS_MAX) {
    throw new Problem(503, "Too many tails", `${TAILS_MAX} follow events already; poll /api/v1/events instead`);
  }
  const filters = [filter.level, filter.q, filter.where[0]].some((value) => value !== undefined);
  if (tail === "0" && filters) throw badParameter("tail", "level, q and where choose events to tell: add tail=1");
}

class Listener {
  readonly #stream: SSEStreamingApi;
  readonly #watcher: TopicWatcher;
  readonly #tail: Tail | null;
  readonly #parts: GatewayParts & { now: () => number };

  constructor(
    stream: SSEStreamingApi,
    watcher: TopicWatcher,
    tail: Tail | null,
    parts: GatewayParts & { now: () => number },
  ) {
    this.#stream = stream;
    this.#watcher = watcher;
    this.#tail = tail;
    this.#parts = parts;
  }

  async listen(lastId: string): Promise<void> {
    const stream = this.#stream;
    const { closing } = this.#parts;
    const gone = Promise.withResolvers<void>();
    stream.onAbort(() => gone.resolve());
    closing?.addEventListener("abort", () => gone.resolve());
    await stream.write(`retry: ${RETRY_MS}\n\n`);
    let sentId = lastId;
    for (;;) {
      const told = await this.#watcher.next(sentId, PING_MS, gone.promise);
      if (stream.aborted || closing?.aborted === true) return;
      if (told === null) {
        await stream.write(": still here\n\n");
        continue;
      }
      // Who comes without an id follows from here on.
      if (this.#tail !== null && sentId !== "") await this.#tellEvents(this.#tail, sentId, told.id);
      sentId = told.id;
      await stream.writeSSE({ event: "stored", id: told.id, data: told.data });
    }
  }

  /** A reader that is slow is waited for: the next look then has more to leave out, and counts it. */
  async #tellEvents(tail: Tail, before: string, after: string): Promise<void> {
    const message = await tail.read(before, after, this.#parts.now());
    if (message !== null) await this.#stream.writeSSE({ event: "tail", id: after, data: JSON.stringify(message) });
  }
}

/** Looks at a topic for all who listen to it, as long as somebody does. */
class TopicWatcher {
  readonly #parts: GatewayParts & { now: () => number };
  readonly #topic: Topic;
  readonly #waiting = new Set<(told: Told | null) => void>();
  #last: Told | null = null;
  #isLooking = false;

  constructor(parts: GatewayParts & { now: () => number }, topic: Topic) {
    this.#parts = parts;
    this.#topic = topic;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  /** The next frontier that is not `id`; null after `waitMs`, or when `gone` resolves. */
  async next(id: string, waitMs: number, gone: Promise<void>): Promise<Told | null> {
    const { promise, resolve } = Promise.withResolvers<Told | null>();
    const hear = (told: Told | null) => {
      if (told === null || told.id !== id) resolve(told);
    };
    this.#waiting.add(hear);
    const timer = setTimeout(() => resolve(null), waitMs);
    void gone.then(() => resolve(null));
    if (this.#last !== null) hear(this.#last);
    void this.#look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(hear);
    }
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#waiting.size > 0) {
      try {
        const told = await this.#read();
        this.#last = told;
        for (const hear of this.#waiting) hear(told);
      } catch {
        // The store is away for a moment, or the topic for good: listeners are told of nothing, and ask by themselves.
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.#isLooking = false;
    this.#last = null; // of then
  }

  async #read(): Promise<Told> {
    const standings = await standingOf(this.#parts, this.#topic);
    const id = frontierId(standings);
    const sum = (of: (standing: (typeof standings)[number]) => number) =>
      standings.reduce((total, standing) => total + of(standing), 0);
    const data = JSON.stringify({
      events: sum(({ totals }) => totals.events),
      unparsed: sum(({ totals }) => totals.unparsed),
      lagRecords: sum(({ lagRecords }) => lagRecords),
      lagSeconds: Math.max(0, ...standings.map(({ lagSeconds }) => lagSeconds)),
    });
    return { id, data };
  }
}
