/**
 * kill -9 of `generate` in the middle of a range or a count, then --resume: the log has the whole set once. It is read by
 * kafkajs: its decoder of record batches, straight from the segment files, or its consumer.
 * Repeat: SEED=123 GENERATE_KILLS=10 deno task test tests/faults/generate_kill_test.ts
 */
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { expect } from "expect";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { hasKafka, kafkaAccess, otherClient, until } from "../contract/kafka_for_tests.ts";
import { canRunPrograms, type RunningProgram, startProgram } from "../program_process.ts";

const KILLS = Number(Deno.env.get("GENERATE_KILLS") ?? 3);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
const COUNT = 400_000;

interface DecodedBatch {
  readonly records: readonly { readonly offset: string; readonly timestamp: string; readonly value: Uint8Array }[];
}
const require = createRequire(import.meta.url);
const Decoder: new (bytes: Uint8Array) => unknown = require("kafkajs/src/protocol/decoder.js");
const decodeBatch: (decoder: unknown) => Promise<DecodedBatch> = require(
  "kafkajs/src/protocol/recordBatch/v0/decoder.js",
);

/** Segment files by partition, the first one first. */
async function segmentsIn(folder: string, found = new Map<string, string[]>()): Promise<Map<string, string[]>> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await segmentsIn(`${folder}/${name}`, found);
      else if (/^\d{20}\.log$/.test(name)) found.set(folder, [...found.get(folder) ?? [], name].sort());
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // a folder of its own, gone meanwhile
  }
  return found;
}

/** A digest of all records of each partition, and how many there are; offsets have to count up from 0. */
async function readLog(folder: string): Promise<{ readonly count: number; readonly digests: readonly string[] }> {
  let count = 0;
  const digests: string[] = [];
  for (const [directory, names] of await segmentsIn(folder)) {
    const lines: string[] = [];
    for (const name of names) {
      const bytes = Buffer.from(await Deno.readFile(`${directory}/${name}`));
      for (let at = 0; at < bytes.length;) {
        const length = bytes.readInt32BE(at + 8) + 12;
        const { records } = await decodeBatch(new Decoder(bytes.subarray(at, at + length)));
        for (const { offset, timestamp, value } of records) {
          if (Number(offset) !== lines.length) throw new Error(`${name}: offset ${offset} after ${lines.length - 1}`);
          lines.push(`${timestamp} ${Buffer.from(value).toString("latin1")}`);
        }
        at += length;
      }
    }
    count += lines.length;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("\n")));
    digests.push(`${lines.length} ${Buffer.from(digest).toString("hex")}`);
  }
  return { count, digests: digests.sort() };
}

const RANGE = ["--scenario", "api", "--rate", String(COUNT / 1000), "--from", "2026-03-01T00:00:00Z"];
const WHOLE = [...RANGE, "--to", "2026-03-01T00:16:40Z"];

async function start(data: string, flags: readonly string[]): Promise<RunningProgram> {
  return await startProgram("generate", ["--data", data, "--port", "0", ...flags]);
}

async function run(data: string, flags: readonly string[]): Promise<void> {
  const { code, stderr } = await (await start(data, flags)).ended;
  if (code !== 0) throw new Error(stderr);
}

/** Kills a run some records after its first ones; false where it was done before. */
async function killMidway(data: string, flags: readonly string[], isEnough: (bytes: number) => boolean) {
  const program = await start(data, flags);
  let isOver = false;
  const ended = program.ended.finally(() => isOver = true);
  while (!isOver && !isEnough(await bytesIn(data))) await new Promise((resolve) => setTimeout(resolve, 2));
  const isKilled = !isOver;
  if (isKilled) program.kill("SIGKILL");
  const { code, stderr } = await ended;
  if (!isKilled && code !== 0) throw new Error(stderr);
  return isKilled;
}

async function bytesIn(data: string): Promise<number> {
  let bytes = 0;
  for (const [directory, names] of await segmentsIn(data)) {
    for (const name of names) bytes += (await Deno.stat(`${directory}/${name}`)).size;
  }
  return bytes;
}

async function withDirectories(check: (whole: string, killed: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-generate-kill-" });
  try {
    await check(`${directory}/whole`, `${directory}/killed`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name:
    `a range that is killed ${KILLS} times and resumed is the range of an undisturbed run, byte for byte (seed ${SEED})`,
  ignore: !canRunPrograms,
  fn: () =>
    withDirectories(async (whole, killed) => {
      const random = randomFrom(SEED);
      await run(whole, WHOLE);
      const truth = await readLog(whole);
      expect(truth.count).toBe(COUNT);
      await Deno.mkdir(killed);
      let kills = 0;
      for (let i = 0; i < KILLS; i++) {
        const bytes = await bytesIn(killed) + 1 + random() * 15_000_000;
        if (await killMidway(killed, i === 0 ? WHOLE : [...WHOLE, "--resume"], (now) => now >= bytes)) kills++;
      }
      expect(kills).toBeGreaterThan(0);
      await run(killed, [...WHOLE, "--resume"]);
      expect(await readLog(killed)).toEqual(truth);
      // Again, it has nothing to do; another seed, or no --resume, is told so.
      await run(killed, [...WHOLE, "--resume"]);
      for (const flags of [WHOLE, [...WHOLE, "--resume", "--seed", "2"]]) {
        const { code, stderr } = await (await start(killed, flags)).ended;
        expect([code, stderr]).toEqual([2, expect.stringMatching(/within the range|not end with records of this run/)]);
      }
      expect(await readLog(killed)).toEqual(truth);
    }),
});

Deno.test({
  name: "a range from a time before now goes on from the time at which it began, and only where that is written down",
  ignore: !canRunPrograms,
  fn: () =>
    withDirectories(async (whole, killed) => {
      await Deno.mkdir(killed);
      // A record every 250 ms: what is there by the kill reaches hours beyond the start of a run that begins later.
      const asked = ["--scenario", "api", "--rate", String(COUNT / 100_000), "--from=-7d", "--to=+100000s"];
      expect(await killMidway(killed, asked, (bytes) => bytes >= 10_000_000)).toBe(true);
      // A further range would overlap: it is refused, and changes nothing of what is written down.
      expect((await (await start(killed, asked)).ended).code).toBe(2);
      await run(killed, [...asked, "--resume"]);
      const { ranges: [{ fromMs, toMs }] } = JSON.parse(await Deno.readTextFile(`${killed}/generate.json`));
      const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString());
      await run(whole, [...asked.slice(0, 4), "--from", from, "--to", to]);
      expect(await readLog(killed)).toEqual(await readLog(whole));
      for (const flags of [[...asked, "--seed", "2"], asked.map((flag) => flag.replace("7d", "8d"))]) {
        const { code, stderr } = await (await start(killed, [...flags, "--resume"])).ended;
        expect([code, stderr]).toEqual([2, expect.stringContaining("--from 2026-03-01T10:00:00Z")]);
      }
    }),
});

Deno.test({
  name: `a count that is killed and resumed is reached, no more (seed ${SEED})`,
  ignore: !canRunPrograms,
  fn: () =>
    withDirectories(async (_whole, killed) => {
      await Deno.mkdir(killed);
      const flags = ["--scenario", "api,payment", "--count", String(COUNT), "--rate", "200000"];
      const bytes = 1 + randomFrom(SEED)() * 40_000_000;
      expect(await killMidway(killed, flags, (now) => now >= bytes)).toBe(true);
      await run(killed, [...flags, "--workers", "2", "--resume"]);
      expect((await readLog(killed)).count).toBe(COUNT);
    }),
});

/** What kafkajs reads of a topic, "timestamp value" by partition. */
async function consumed(topic: string): Promise<string[][]> {
  const client = otherClient();
  const admin = client.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const lines: string[][] = ends.map(() => []);
  const consumer = client.consumer({ groupId: crypto.randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ partition, message: { timestamp, value } }) => {
      lines[partition].push(`${timestamp} ${value}`);
      return Promise.resolve();
    },
  });
  await until("all of it is read", () => ends.every(({ partition, high }) => lines[partition].length >= Number(high)));
  await consumer.disconnect();
  return lines;
}

Deno.test({
  name: `a range that is killed on its way into Kafka and resumed is there once (seed ${SEED})`,
  ignore: !canRunPrograms || !hasKafka,
  fn: async () => {
    const topic = "mixed-logs";
    const admin = otherClient().admin();
    await admin.connect();
    const remove = async (): Promise<void> => {
      if (!(await admin.listTopics()).includes(topic)) return;
      await admin.deleteTopics({ topics: [topic] });
      await until("the topic is gone", async () => !(await admin.listTopics()).includes(topic));
    };
    /** How many records there are; null while a leader of a new topic is being chosen. */
    const sizeOf = async (): Promise<number | null> => {
      if (!(await admin.listTopics()).includes(topic)) return 0;
      try {
        return (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
      } catch (error) {
        if (error instanceof Error && Reflect.get(error, "retriable") === true) return null;
        throw error;
      }
    };
    const env = {
      KAFKA_BROKERS: kafkaAccess().brokers.join(),
      MILLRACE_KAFKA_TOPICS: topic,
      MILLRACE_KAFKA_COMPRESSION: "gzip", // kafkajs reads no lz4
    };
    const flags = [...WHOLE, "--scenario", "mixed", "--port", "0"];
    try {
      await remove();
      expect((await (await startProgram("generate", flags, env)).ended).code).toBe(0);
      const whole = await consumed(topic);
      expect(whole.flat().length).toBe(COUNT);
      await remove();
      const program = await startProgram("generate", flags, env);
      await until("some of it is there", async () => (await sizeOf() ?? 0) > COUNT / 20);
      program.kill("SIGKILL");
      await program.ended;
      let half: number | null = null;
      await until("its size is known", async () => (half = await sizeOf()) !== null);
      expect(half).toBeLessThan(COUNT);
      const { code, stderr } = await (await startProgram("generate", [...flags, "--resume"], env)).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr });
      expect(await consumed(topic)).toEqual(whole);
    } finally {
      await remove();
      await admin.disconnect();
    }
  },
});
