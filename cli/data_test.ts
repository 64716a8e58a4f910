import { expect } from "expect";
import { type Config, configSchema } from "../core/config/schema.ts";
import { MillraceError } from "../core/errors.ts";
import type { Topic } from "../core/log/partitioned_log.ts";
import { RecordBatchBuilder } from "../core/log/record_batch.ts";
import type { PartitionFlush } from "../core/store/ports.ts";
import { openData, removeTopic } from "./data.ts";

async function withData(use: (config: Config, notices: string[]) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-data-" });
  try {
    await use(configSchema.parse({ data }), []);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

function batchOf(...lines: string[]) {
  const builder = new RecordBatchBuilder();
  for (const line of lines) builder.add(new TextEncoder().encode(line), 1_760_000_000_000);
  return builder.finish();
}

/** Moves the checkpoint of partition 0 to `at`, with nothing else. */
function flushTo(topic: Topic, at: number): PartitionFlush {
  const none = { rows: 0, minutes: new Int32Array(0), fromOffsets: new Float64Array(0), dimensions: {} };
  return {
    topicId: topic.id,
    partition: 0,
    writer: "test",
    expectCheckpoint: 0,
    at,
    units: [],
    minutes: { ...none, counts: new Float64Array(0), errors: new Float64Array(0), measures: {} },
    events: [],
    quarantine: [],
    watermarkMs: null,
    lastRecordTimeMs: 1_760_000_000_000,
    totals: { consumed: at, events: at, unparsed: 0, late: 0, clockBad: 0 },
    gaps: [],
  };
}

Deno.test("offsets that the store has counted are not given out again after the log lost its end", async () => {
  await withData(async (config, notices) => {
    const first = await openData(config, () => {});
    const topic = await first.log.createTopic("shop", { partitions: 1 });
    await first.log.append(topic, 0, batchOf("a", "b"));
    await first.store.flush(flushTo(topic, 7));
    await first.close();

    const second = await openData(config, (message) => notices.push(message));
    expect(await second.log.append(topic, 0, batchOf("c"))).toBeGreaterThanOrEqual(7);
    expect(notices).toHaveLength(1); // people are told
    await second.close();
  });
});

Deno.test("a removed topic leaves nothing, and one made again under its name starts from nothing", async () => {
  await withData(async (config) => {
    const data = await openData(config, () => {});
    const topic = await data.log.createTopic("shop", { partitions: 3, format: "json" });
    await data.log.append(topic, 0, batchOf("a"));
    await data.store.flush(flushTo(topic, 1));
    const forgotten: string[] = [];
    await removeTopic(data, topic, {
      forgetTopic: (id) => {
        forgotten.push(id);
        return Promise.resolve();
      },
    });
    expect(forgotten).toEqual([topic.id]);
    expect(await data.log.findTopic("shop")).toBeUndefined();
    expect((await data.store.readPartition(topic.id, 0)).checkpoint).toBe(0);
    const again = await data.log.createTopic("shop", { partitions: 1 });
    expect((await data.log.ends(again)).map(({ end }) => end)).toEqual([0]);
    await data.close();
  });
});

Deno.test("a directory is open once, and free again after it was closed", async () => {
  await withData(async (config) => {
    const data = await openData(config, () => {});
    const second = await openData(config, () => {}).then(() => null, (error: unknown) => error);
    expect(second instanceof MillraceError && second.code).toBe("DATA_LOCKED");
    await data.close();
    await (await openData(config, () => {})).close();
  });
});
