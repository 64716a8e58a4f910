import { expect } from "expect";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { PartitionFlush } from "../../core/store/ports.ts";
import { NOW_MS, withGateway } from "../test_gateway.ts";

const JSON_BODY = { "content-type": "application/json" };
const MINUTE = Math.floor(NOW_MS / 60_000);

/** A flush of one minute cell of `count` events, from nothing to offset `at`. */
function flushOf(topicId: string, partition: number, at: number, count = at): PartitionFlush {
  return {
    topicId,
    partition,
    writer: "test",
    expectCheckpoint: 0,
    at,
    units: [{ bucket: Math.floor(MINUTE / 60), expect: 0 }],
    minutes: {
      rows: 1,
      minutes: Int32Array.of(MINUTE),
      fromOffsets: Float64Array.of(0),
      dimensions: { level: { dictionary: ["INFO"], ids: Uint32Array.of(0) } },
      counts: Float64Array.of(count),
      errors: Float64Array.of(0),
      measures: {},
    },
    events: [],
    quarantine: [],
    watermarkMs: NOW_MS - 60_000,
    lastRecordTimeMs: NOW_MS,
    totals: { consumed: at, events: at, unparsed: 0, late: 2, clockBad: 1 },
    gaps: partition === 0 ? [{ start: 1, end: 2 }] : [],
  };
}

Deno.test("a topic is made once, with the partitions asked for, configured or usual", async () => {
  await withGateway(async ({ ask, log }) => {
    const make = (body: unknown) =>
      ask("/api/v1/topics", { method: "POST", headers: JSON_BODY, body: JSON.stringify(body) });
    expect(await make({ name: "a", partitions: 2, format: "json" })).toMatchObject({
      status: 201,
      json: { name: "a" },
    });
    expect(await make({ name: "a", partitions: 9 })).toMatchObject({ status: 200 });
    expect(await log.findTopic("a")).toMatchObject({ partitions: 2, format: "json" });
    expect((await make({ name: "b" })).status).toBe(201);
    expect((await make({ name: "c" })).status).toBe(201);
    expect([(await log.findTopic("b"))?.partitions, (await log.findTopic("c"))?.partitions]).toEqual([7, 3]);
    for (const body of [{}, { name: "a/b" }, { name: "x", partitions: 0 }, { name: "x", replicas: 3 }, [], "x", null]) {
      expect({ body, status: (await make(body)).status }).toEqual({ body, status: 400 });
    }
  }, { config: { topics: { b: { partitions: 7 } }, log: { partitions: 3 } } });
});

Deno.test("a body that is no JSON, is not said to be, or is too large is refused as such", async () => {
  await withGateway(async ({ ask, log }) => {
    const post = (headers: Record<string, string>, body: string) =>
      ask("/api/v1/topics", { method: "POST", headers, body });
    expect((await post(JSON_BODY, "{")).status).toBe(400);
    expect((await post({ "content-type": "text/plain" }, '{"name":"a"}')).status).toBe(415);
    expect((await post(JSON_BODY, JSON.stringify({ name: "a".repeat(70_000) }))).status).toBe(413);
    expect(await log.listTopics()).toEqual([]);
  });
});

Deno.test("a topic is deleted only by repeating its name", async () => {
  await withGateway(async ({ ask, log, store }) => {
    const { id } = await log.createTopic("shop", { partitions: 1 });
    await store.flush(flushOf(id, 0, 3));
    const wrong: Record<string, string>[] = [{}, { "x-confirm": "shop2" }, { "x-confirm": "" }];
    for (const headers of wrong) {
      const refused = await ask("/api/v1/topics/shop", { method: "DELETE", headers });
      expect(refused).toMatchObject({ status: 400, json: { parameter: "X-Confirm" } });
      expect(Object(refused.json).detail).toContain("X-Confirm: shop");
    }
    expect(await log.findTopic("shop")).toBeDefined();
    const headers = { "x-confirm": "shop" };
    expect((await ask("/api/v1/topics/shop", { method: "DELETE", headers })).status).toBe(204);
    expect(await log.findTopic("shop")).toBeUndefined();
    expect(await store.partitions(id)).toEqual([]);
    expect((await ask("/api/v1/topics/shop", { method: "DELETE", headers })).status).toBe(404);
  });
});

Deno.test("a topic tells its ends, frontier and lag in records and seconds, partition by partition", async () => {
  let nowMs = NOW_MS;
  await withGateway(async ({ ask, log, store }) => {
    const topic = await log.createTopic("shop", { partitions: 2 });
    const write = async (records: number, atMs: number) => {
      const writer = new TopicWriter(log, topic, { firstPartition: 0 });
      for (let i = 0; i < records; i++) writer.write(new TextEncoder().encode(`{"i":${i}}`), atMs);
      await writer.flush();
    };
    await write(5, NOW_MS);
    await store.flush(flushOf(topic.id, 0, 5));
    await write(3, NOW_MS + 1000);
    nowMs = NOW_MS + 5000;
    const { json } = await ask("/api/v1/topics/shop");
    expect(json).toMatchObject({
      name: "shop",
      id: topic.id,
      format: "json",
      preset: "apps",
      measures: ["response_time"],
      lagRecords: 3,
      lagSeconds: 4,
      totals: { consumed: 5, events: 5, unparsed: 0, late: 2, clockBad: 1 },
      gaps: [{ partition: 0, start: 1, end: 2 }],
      partitions: [
        {
          partition: 0,
          start: 0,
          end: 8,
          checkpoint: 5,
          watermark: new Date(NOW_MS - 60_000).toISOString(),
          lagRecords: 3,
          lagSeconds: 4,
        },
        { partition: 1, start: 0, end: 0, checkpoint: 0, watermark: null, lagRecords: 0, lagSeconds: 0, sizeBytes: 0 },
      ],
    });
    expect((await ask("/api/v1/topics")).json).toEqual({ topics: [json] });
  }, { now: () => nowMs });
});

/** Samples of a Prometheus text by name and labels; checks that every family is introduced once. */
function samplesOf(text: string): Map<string, number> {
  const families = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name]) => name);
  expect(new Set(families).size).toBe(families.length);
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

Deno.test("metrics have the figures of every partition, and show where counts and offsets disagree", async () => {
  await withGateway(async ({ ask, log, store }) => {
    const topic = await log.createTopic("shop", { partitions: 2 });
    await store.flush(flushOf(topic.id, 0, 5));
    await store.flush(flushOf(topic.id, 1, 5, 4)); // a record that was consumed and not counted
    await ask("/api/v1/events?topic=shop");
    await ask("/api/v1/events?topic=none");
    await ask("/api/v1/topics", { method: "BREW" });
    const answer = await ask("/metrics");
    expect(answer.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const samples = samplesOf(answer.text);
    const of = (name: string, partition: number) => samples.get(`${name}{topic="shop",partition="${partition}"}`);
    expect([of("millrace_records_consumed_total", 0), of("millrace_events_total", 1)]).toEqual([5, 5]);
    expect([of("millrace_late_events_total", 0), of("millrace_clock_bad_total", 0)]).toEqual([2, 1]);
    expect(of("millrace_checkpoint_offset", 0)).toBe(5);
    expect(of("millrace_watermark_timestamp_seconds", 0)).toBe((NOW_MS - 60_000) / 1000);
    expect([of("millrace_minute_rows_count_total", 0), of("millrace_minute_rows_count_total", 1)]).toEqual([5, 4]);
    expect([of("millrace_conservation_difference", 0), of("millrace_conservation_difference", 1)]).toEqual([0, -1]);
    expect(samples.get("millrace_engine_healthy")).toBe(1);
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    const requests = (labels: string) => samples.get(`millrace_http_request_duration_seconds_count{${labels}}`);
    expect(requests('method="GET",route="/api/v1/events",status="200"')).toBe(1);
    expect(requests('method="GET",route="/api/v1/events",status="404"')).toBe(1);
    // Counters may not double from one scrape to the next.
    const again = samplesOf((await ask("/metrics")).text);
    expect([samples, again].map((all) => all.get("millrace_engine_flushes_total"))).toEqual([7, 7]);
    expect(again.get('millrace_records_consumed_total{topic="shop",partition="0"}')).toBe(5);
    // What a client makes up must not become a label.
    expect([...again.keys()].filter((key) => key.includes("BREW"))).toEqual([]);
    await log.deleteTopic("shop");
    expect([...samplesOf((await ask("/metrics")).text).keys()].filter((key) => key.includes("shop"))).toEqual([]);
  });
});
