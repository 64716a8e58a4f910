import { expect } from "expect";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { startGateway } from "../main.ts";
import { type TestGateway, withGateway } from "../test_gateway.ts";

/** Server-sent events of a response, one after the other. */
class Listener {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor({ body }: Response) {
    if (body === null) throw new Error("an answer without a body");
    this.#reader = body.getReader();
  }

  /** Lines of the next event, or null at the end. */
  async next(): Promise<Record<string, string> | null> {
    for (;;) {
      const end = this.#rest.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        return Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest += this.#decoder.decode(value, { stream: true });
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** Moves the frontier of a partition, as a flush without rows does. */
async function store({ store, log }: TestGateway, from: number, at: number): Promise<void> {
  const topic = await log.findTopic("shop");
  if (topic === undefined) throw new Error("no topic");
  await store.flush({
    topicId: topic.id,
    partition: 0,
    writer: "test",
    expectCheckpoint: from,
    at,
    units: [],
    minutes: {
      rows: 0,
      minutes: new Int32Array(0),
      fromOffsets: new Float64Array(0),
      dimensions: {},
      counts: new Float64Array(0),
      errors: new Float64Array(0),
      measures: {},
    },
    events: [],
    quarantine: [],
    watermarkMs: null,
    lastRecordTimeMs: 0,
    totals: { consumed: at - from, events: at - from, unparsed: 0, late: 0, clockBad: 0 },
    gaps: [],
  });
}

async function withServer(run: (gateway: TestGateway, url: string, stop: () => Promise<void>) => Promise<void>) {
  await withGateway(async (gateway) => {
    const topic = await gateway.log.createTopic("shop", { partitions: 1 });
    const writer = new TopicWriter(gateway.log, topic);
    for (let i = 0; i < 20; i++) await writer.write(new TextEncoder().encode(`{"i":${i}}`), 1_000);
    await writer.flush();
    const server = await startGateway(gateway.parts);
    try {
      await run(gateway, `${server.url}/api/v1/live?topic=shop`, () => server.stop());
    } finally {
      await server.stop();
    }
  }, { config: { gateway: { port: 0 } } });
}

Deno.test("listeners are told of each move of the frontier, and at once of what they have missed", async () => {
  await withServer(async (gateway, url) => {
    const first = new Listener(await fetch(url));
    expect(await first.next()).toEqual({ retry: "2000" });
    const empty = await first.next();
    expect(empty).toMatchObject({ event: "stored" });
    expect(JSON.parse(empty?.data ?? "")).toMatchObject({ events: 0, lagRecords: 20 });
    await store(gateway, 0, 12);
    const moved = await first.next();
    expect(moved).toMatchObject({ event: "stored", id: "0:12" });
    expect(JSON.parse(moved?.data ?? "")).toMatchObject({ events: 12, lagRecords: 8 });
    // Who comes back with the last id hears of what is newer alone.
    const second = new Listener(await fetch(url, { headers: { "Last-Event-ID": "0:12" } }));
    expect(await second.next()).toEqual({ retry: "2000" });
    await store(gateway, 12, 20);
    expect(await second.next()).toMatchObject({ id: "0:20" });
    expect(await first.next()).toMatchObject({ id: "0:20" });
    const late = new Listener(await fetch(url, { headers: { "Last-Event-ID": "0:12" } }));
    await late.next();
    expect(await late.next()).toMatchObject({ id: "0:20" });
    for (const listener of [first, second, late]) await listener.close();
  });
});

Deno.test("a gateway that stops ends what has no end of its own", async () => {
  await withServer(async (_gateway, url, stop) => {
    const listener = new Listener(await fetch(url));
    await listener.next();
    await listener.next();
    const ending = listener.next();
    await stop();
    expect(await ending).toBeNull();
  });
});

Deno.test("too many listeners, and topics that are not there, are refused in words", async () => {
  await withServer(async (_gateway, url) => {
    const missing = await fetch(url.replace("shop", "shops"));
    expect({ status: missing.status, text: await missing.text() }).toMatchObject({
      status: 404,
      text: expect.stringContaining("did you mean shop"),
    });
    const listeners = await Promise.all(Array.from({ length: 256 }, async () => new Listener(await fetch(url))));
    for (const listener of listeners) await listener.next();
    const more = await fetch(url);
    expect({ status: more.status, text: await more.text() }).toMatchObject({
      status: 503,
      text: expect.stringContaining("256 listen already"),
    });
    for (const listener of listeners) await listener.close();
  });
});
