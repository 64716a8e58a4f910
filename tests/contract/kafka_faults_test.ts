/** Reading and producing while connections break, leaders move and brokers slow down: nothing is lost, nothing comes twice. */
import { expect } from "expect";
import { openKafkaLog } from "../../core/log/kafka.ts";
import { openReader } from "../../core/log/registry.ts";
import { batchOf, texts } from "../../core/log/test_batches.ts";
import { kafkaTest, type KafkaTopicUnderTest, readChain } from "./kafka_for_tests.ts";
import {
  API_VERSIONS,
  FETCH,
  fetchResponse,
  type KafkaProxy,
  limitVersion,
  PRODUCE,
  startKafkaProxy,
} from "./kafka_proxy.ts";

interface Behind {
  readonly proxy: KafkaProxy;
  readonly log: Awaited<ReturnType<typeof openKafkaLog>>;
}

/** The same log through a proxy. */
async function behindProxy({ access, opened }: KafkaTopicUnderTest): Promise<Behind> {
  const proxy = startKafkaProxy(access);
  opened.use(proxy);
  const log = await openKafkaLog({ access: proxy.access, recordBytesMax: 16 * 1024 * 1024 });
  opened.defer(() => log.close());
  return { proxy, log };
}

const VALUES = Array.from({ length: 400 }, (_, i) => `${i}`);

async function fill({ log, topic }: KafkaTopicUnderTest): Promise<void> {
  for (let at = 0; at < VALUES.length; at += 10) await log.append(topic, 0, batchOf(...VALUES.slice(at, at + 10)));
}

kafkaTest("reading goes on where connections are cut again and again", {}, async (parts) => {
  await fill(parts);
  const { proxy, log } = await behindProxy(parts);
  const reader = openReader(log.readerSpec(parts.topic, 0));
  parts.opened.defer(() => reader.close());
  let fetches = 0;
  // Before the request goes on, or after it was answered.
  proxy.onRequest = (api) => api !== FETCH || ++fetches % 5 !== 0;
  proxy.onResponse = (api) => {
    if (api === FETCH && fetches % 7 === 0) proxy.cut();
  };
  const { records } = await readChain(reader, 0, 100);
  expect(texts(records)).toEqual(VALUES);
  expect(proxy.connections).toBeGreaterThan(5);
});

for (
  const [error, code] of Object.entries({
    LEADER_NOT_AVAILABLE: 5,
    NOT_LEADER_OR_FOLLOWER: 6,
    FENCED_LEADER_EPOCH: 74,
    UNKNOWN_TOPIC_ID: 100,
  })
) {
  kafkaTest(`reading goes on after ${error}, with the leader looked up again`, {}, async (parts) => {
    await fill(parts);
    const { proxy, log } = await behindProxy(parts);
    const reader = openReader(log.readerSpec(parts.topic, 0));
    parts.opened.defer(() => reader.close());
    let fetches = 0;
    let lookups = 0;
    proxy.onRequest = (api) => {
      if (api === 3) lookups++;
      return true;
    };
    proxy.onResponse = (api, response) => {
      if (api === FETCH && ++fetches % 3 === 0) fetchResponse(response)?.fail(code);
    };
    const { records } = await readChain(reader, 0, 100);
    expect(texts(records)).toEqual(VALUES);
    expect(lookups).toBeGreaterThan(Math.floor(fetches / 3) - 1);
  });
}

kafkaTest("an error that no other try would change is told", {}, async (parts) => {
  await fill(parts);
  const { proxy, log } = await behindProxy(parts);
  const reader = openReader(log.readerSpec(parts.topic, 0));
  parts.opened.defer(() => reader.close());
  proxy.onResponse = (api, response) => {
    if (api === FETCH) fetchResponse(response)?.fail(29);
  };
  await expect(reader.fetch(0, 100, 0)).rejects.toThrow(/TOPIC_AUTHORIZATION_FAILED/);
  proxy.onResponse = (api, response) => {
    if (api === FETCH) fetchResponse(response)?.fail(2);
  };
  await expect(reader.fetch(0, 100, 0)).rejects.toThrow(/CORRUPT_MESSAGE/);
});

kafkaTest("a broker that asks for a pause gets it", {}, async (parts) => {
  await fill(parts);
  const { proxy, log } = await behindProxy(parts);
  const reader = openReader(log.readerSpec(parts.topic, 0));
  parts.opened.defer(() => reader.close());
  let quietUntilMs = 0;
  const early: number[] = [];
  proxy.onRequest = (api) => {
    if (api === FETCH && performance.now() < quietUntilMs) early.push(quietUntilMs - performance.now());
    return true;
  };
  proxy.onResponse = (api, response) => {
    if (api !== FETCH) return;
    fetchResponse(response)?.throttle(60);
    quietUntilMs = performance.now() + 50; // with what the clock of the other end may be off
  };
  const { records } = await readChain(reader, 0, 1_000);
  expect(texts(records)).toEqual(VALUES);
  expect(early).toEqual([]);
});

kafkaTest(
  "what is produced is there once, and in its order, where connections are cut meanwhile",
  {},
  async (parts) => {
    const { proxy, log } = await behindProxy(parts);
    let requests = 0;
    let cuts = 0;
    const isToCut = (isTurn: boolean) => isTurn && ++cuts <= 4;
    proxy.onRequest = (api) => api !== PRODUCE || !isToCut(++requests % 5 === 0);
    // After the broker has written it: the producer sends it again, and the broker knows it by its sequence.
    proxy.onResponse = (api) => {
      if (api === PRODUCE && isToCut(requests % 7 === 0)) proxy.cut();
    };
    const values = Array.from({ length: 75 }, (_, i) => `${i}`);
    const append = (value: string) => log.append(parts.topic, 0, batchOf(value));
    const offsets: number[] = [];
    for (const value of values.slice(0, 15)) offsets.push(await append(value));
    cuts = 0;
    offsets.push(...await Promise.all(values.slice(15).map(append)));
    const { records } = await readChain(parts.reader(0));
    expect(texts(records)).toEqual(values);
    expect(offsets).toEqual(values.map((_, offset) => offset));
    expect(cuts).toBeGreaterThan(4);
  },
);

kafkaTest("a broker that is older than the newest version of fetches is asked in its own", {}, async (parts) => {
  await fill(parts);
  const { proxy, log } = await behindProxy(parts);
  proxy.onResponse = (api, response) => {
    if (api === API_VERSIONS) limitVersion(response, FETCH, 13); // as Kafka 3.1 has it
  };
  const versions = new Set<number>();
  proxy.onRequest = (api, request) => {
    if (api === FETCH) versions.add(request.readInt16BE(2));
    return true;
  };
  const reader = openReader(log.readerSpec(parts.topic, 0));
  parts.opened.defer(() => reader.close());
  expect(texts((await readChain(reader, 0, 1_000)).records)).toEqual(VALUES);
  expect([...versions]).toEqual([13]);
});
