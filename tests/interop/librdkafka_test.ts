/** Records pass between Millrace and librdkafka byte for byte, with every codec, in both directions. */
import { expect } from "expect";
import type { KafkaAccess } from "../../core/log/kafka_access.ts";
import { CorruptBatch, RecordBatchBuilder } from "../../core/log/record_batch.ts";
import { hasKafka, kafkaTest, readChain } from "../contract/kafka_for_tests.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { pythonForTests } from "./python.ts";

const python = hasKafka ? await pythonForTests("requirements.txt") : null;
const SCRIPT = "librdkafka.py";
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const satisfies readonly KafkaAccess["compression"][];
const AT_MS = Date.parse("2026-03-01T12:00:00Z");

interface Passed {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

const base64 = (bytes: Uint8Array | null): string | null => bytes?.toBase64() ?? null;
const bytesOf = (text: string | null): Uint8Array | null => text === null ? null : Uint8Array.fromBase64(text);

/** What codecs and lengths may stumble over: nothing at all, bytes that are no text, repetition, noise, and much of it. */
function records(): Passed[] {
  const random = randomFrom(3);
  const noise = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const values: (Uint8Array | null)[] = [
    new Uint8Array(0),
    null,
    Uint8Array.of(0),
    Uint8Array.from({ length: 256 }, (_, i) => i),
    new TextEncoder().encode("größer als ASCII: 日本語 \u{1F600}\n"),
    new Uint8Array(300_000).fill(97),
    noise(300_000),
    ...Array.from({ length: 2_000 }, (_, i) => new TextEncoder().encode(`{"i":${i},"level":"INFO"}`.padEnd(i % 400))),
  ];
  return values.map((value, i) => ({
    key: i % 3 === 0 ? null : base64(new TextEncoder().encode(`key ${i % 50}`)),
    value: base64(value),
    timestamp: AT_MS + i * 7 - (i % 11) * 1_000,
  }));
}

const lines = (passed: readonly Passed[]) => passed.map((record) => JSON.stringify(record) + "\n").join("");

for (const codec of CODECS) {
  if (python === null) continue;
  kafkaTest(`what librdkafka writes with ${codec} is read as it was written`, {}, async ({ access, topic, reader }) => {
    const sent = records();
    await python.run(SCRIPT, ["produce", access.brokers.join(), topic.name, codec], lines(sent));
    for (const [from, maxBytes] of [[0, 50_000], [1_003, 1_000_000]]) {
      const read = (await readChain(reader(0), from, maxBytes)).records;
      expect(read.map(({ offset }) => offset)).toEqual(sent.slice(from).map((_, i) => from + i));
      expect(
        read.map(({ key, value, timestampMs }) => ({ key: base64(key), value: base64(value), timestamp: timestampMs })),
      )
        .toEqual(sent.slice(from));
    }
  });

  kafkaTest(
    `what Millrace writes with ${codec} is read by librdkafka as it was written`,
    { change: { compression: codec } },
    async ({ access, log, topic }) => {
      const sent = records();
      for (let at = 0; at < sent.length; at += 500) {
        const builder = new RecordBatchBuilder(16 * 1024 * 1024);
        for (const { key, value, timestamp } of sent.slice(at, at + 500)) {
          builder.add(bytesOf(value), timestamp, bytesOf(key));
        }
        await log.append(topic, 0, builder.finish());
      }
      const printed = await python.run(SCRIPT, ["consume", access.brokers.join(), topic.name]);
      const read = printed.trimEnd().split("\n").map((line) => JSON.parse(line));
      expect(read).toEqual(sent.map((record, offset) => ({ offset, ...record })));
    },
  );

  if (codec === "none") continue;
  kafkaTest(`100 MB that librdkafka packed into little with ${codec} are refused`, {}, async (parts) => {
    const { access, topic, reader } = parts;
    await python.run(SCRIPT, ["bomb", access.brokers.join(), topic.name, codec]);
    const { bytes } = await reader(0).fetch(0, 1_000_000, 0);
    expect(bytes.length).toBeLessThan(6_000_000);
    await expect(readChain(reader(0))).rejects.toBeInstanceOf(CorruptBatch);
  });
}
