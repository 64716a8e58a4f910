import { expect } from "expect";
import { encodeEvents } from "../../core/store/record_blocks.ts";
import type { PartitionFlush } from "../../core/store/ports.ts";
import { NOW_MS, type TestGateway, withGateway } from "../test_gateway.ts";
import { frontierId, Tail, type TailMessage } from "./tail.ts";

const encoder = new TextEncoder();

interface Sent {
  readonly level: string;
  readonly raw: string;
  readonly afterMs?: number;
}

/** Stores events of partition 0 as a flush does. */
async function flush({ store, log }: TestGateway, from: number, sent: readonly Sent[]): Promise<void> {
  const topic = await log.findTopic("shop");
  if (topic === undefined) throw new Error("no topic");
  const texts = sent.flatMap(({ raw, level }) => [raw, level]);
  const bytes = encoder.encode(texts.join(""));
  const ends: number[] = [];
  let end = 0;
  for (const text of texts) ends.push(end += encoder.encode(text).length);
  const of = (kind: number) => ends.filter((_, i) => i % 2 === kind);
  const starts = [0, ...ends.slice(0, -1)];
  const startsOf = (kind: number) => starts.filter((_, i) => i % 2 === kind);
  const nothing: Pick<PartitionFlush, "minutes" | "units" | "quarantine" | "gaps"> = {
    minutes: {
      rows: 0,
      minutes: new Int32Array(0),
      fromOffsets: new Float64Array(0),
      dimensions: {},
      counts: new Float64Array(0),
      errors: new Float64Array(0),
      measures: {},
    },
    units: [],
    quarantine: [],
    gaps: [],
  };
  await store.flush({
    ...nothing,
    topicId: topic.id,
    partition: 0,
    writer: "test",
    expectCheckpoint: from,
    at: from + sent.length,
    events: encodeEvents(topic.id, 0, {
      rows: sent.length,
      bytes,
      offsets: Float64Array.from(sent, (_, i) => from + i),
      timestampMicros: Float64Array.from(sent, ({ afterMs = 0 }, i) => (NOW_MS + afterMs + i) * 1000),
      recordTimesMs: Float64Array.from(sent, () => NOW_MS),
      rawStarts: Uint32Array.from(startsOf(0)),
      rawEnds: Uint32Array.from(of(0)),
      text: { level: { starts: Int32Array.from(startsOf(1)), ends: Int32Array.from(of(1)) } },
      measures: {},
    }),
    watermarkMs: null,
    lastRecordTimeMs: NOW_MS,
    totals: { consumed: sent.length, events: sent.length, unparsed: 0, late: 0, clockBad: 0 },
  });
}

/** Two flushes into a topic of two partitions, and what a tail tells of the second. */
async function told(
  filter: { level?: string; q?: string; where?: string[] },
  second: readonly Sent[],
): Promise<TailMessage | null> {
  const answers: (TailMessage | null)[] = [];
  await withGateway(async (gateway) => {
    const topic = await gateway.log.createTopic("shop", { partitions: 2 });
    const first = [{ level: "ERROR", raw: "before" }];
    await flush(gateway, 0, first);
    await flush(gateway, 1, second);
    const tail = new Tail(gateway.store, topic, { where: [], ...filter });
    const after = frontierId([{ partition: 0, checkpoint: 1 + second.length }, { partition: 1, checkpoint: 0 }]);
    answers.push(await tail.read("0:1,1:0", after, NOW_MS));
    expect(await tail.read(after, after, NOW_MS)).toBeNull();
  });
  return answers[0];
}

Deno.test("a tail tells the events of its levels and text that came since, oldest first, and counts all records", async () => {
  const sent = [
    { level: "INFO", raw: "one" },
    { level: "ERROR", raw: "two: Timeout" },
    { level: "WARN", raw: "three timeout" },
    { level: "ERROR", raw: "four" },
  ];
  const raws = (message: TailMessage | null) => message?.events.map(({ raw }) => raw);
  const all = await told({}, sent);
  expect(all).toMatchObject({ records: 4, matched: 4, dropped: 0 });
  expect(raws(all)).toEqual(sent.map(({ raw }) => raw));
  const errors = await told({ level: "error|fatal" }, sent);
  expect(errors).toMatchObject({ records: 4, matched: 2, dropped: 0 });
  expect(raws(errors)).toEqual(["two: Timeout", "four"]);
  expect(raws(await told({ q: "TIMEOUT" }, sent))).toEqual(["two: Timeout", "three timeout"]);
  expect(raws(await told({ q: "timeout", where: ["level!=ERROR"] }, sent))).toEqual(["three timeout"]);
});

Deno.test("what a tail leaves out of a burst is counted to the event", async () => {
  const burst = Array.from({ length: 1_300 }, (_, i) => ({ level: i % 2 === 0 ? "ERROR" : "INFO", raw: `burst ${i}` }));
  const message = await told({ level: "ERROR" }, burst);
  expect(message).toMatchObject({ records: 1_300, matched: 650, dropped: 150 });
  expect(message?.events).toHaveLength(500);
  expect(message?.events.at(-1)?.raw).toBe("burst 1298"); // the newest are kept
});

Deno.test("an event of a time long ago is counted as a record, and is no news", async () => {
  const message = await told({}, [{ level: "INFO", raw: "old", afterMs: -7_200_000 }, { level: "INFO", raw: "new" }]);
  expect(message).toMatchObject({ records: 2, matched: 1, dropped: 0 });
});
