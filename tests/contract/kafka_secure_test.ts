/** A broker that wants TLS and a password: all that Millrace does with one, and what it says where it may not. */
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { KafkaLog, openKafkaLog } from "../../core/log/kafka.ts";
import type { KafkaAccess } from "../../core/log/kafka_access.ts";
import { KafkaMembership } from "../../core/log/kafka_membership.ts";
import { openReader } from "../../core/log/registry.ts";
import { batchOf, texts } from "../../core/log/test_batches.ts";
import { startProgram } from "../program_process.ts";
import { readChain, secureKafka } from "./kafka_for_tests.ts";

const PASSWORD = "a wrong one that nobody may read";
const prefix = `secure-${crypto.randomUUID().slice(0, 8)}-`;

/** The secure listener as a user would have it in the configuration, with a change. */
function accessWith(change: Partial<KafkaAccess> = {}): KafkaAccess {
  if (secureKafka === null) throw new Error("there is no secure listener");
  const kafka = { ...secureKafka, tls: true, saslMechanism: "SCRAM-SHA-512" };
  return { ...configSchema.parse({ kafka }).kafka, topics: [`${prefix}*`], groupId: `${prefix}group`, ...change };
}

function test(claim: string, fn: () => Promise<void>): void {
  Deno.test({ name: `secure kafka: ${claim}`, ignore: secureKafka === null, fn });
}

for (const saslMechanism of ["SCRAM-SHA-512", "PLAIN"] as const) {
  test(`topics, records, groups and their offsets pass over TLS with ${saslMechanism}`, async () => {
    const access = accessWith({ saslMechanism });
    await using opened = new AsyncDisposableStack();
    const log = await openKafkaLog({ access, recordBytesMax: 1024 * 1024 });
    opened.defer(() => log.close());
    const topic = await log.createTopic(`${prefix}${saslMechanism}`, { partitions: 3 });
    opened.defer(() => log.deleteTopic(topic.name));
    const large = "x".repeat(900_000);
    await log.append(topic, 1, batchOf("first", "second"));
    await log.append(topic, 1, batchOf(large));
    expect(await log.ends(topic)).toMatchObject([{ end: 0 }, { end: 3 }, { end: 0 }]);
    const reader = openReader(log.readerSpec(topic, 1));
    opened.defer(() => reader.close());
    expect(texts((await readChain(reader)).records)).toEqual(["first", "second", large]);
    const membership = new KafkaMembership({ ...access, groupId: topic.name }, log, () => {});
    const owned: number[] = [];
    await membership.start((partitions) => {
      owned.splice(0, owned.length, ...partitions.map(({ partition }) => partition));
      return Promise.resolve();
    });
    expect(owned.sort()).toEqual([0, 1, 2]);
    membership.reached(topic, 1, 3);
    await membership.leave();
    const [offsets] = await log.control(
      "asking",
      (admin) => admin.fetchOffsets({ groupId: topic.name, topics: [topic.name] }),
    );
    expect(offsets.partitions.find(({ partition }) => partition === 1)?.offset).toBe("3");
  });
}

/** What comes of opening the log, or of asking the control plane, both of which a user may meet first. */
async function refusals(
  change: Partial<KafkaAccess>,
): Promise<readonly { code?: string; message: string; remedy?: string }[]> {
  const access = accessWith(change);
  const log = new KafkaLog({ access, recordBytesMax: 1024 });
  try {
    return await Promise.all([
      openKafkaLog({ access, recordBytesMax: 1024 }).then(() => ({ message: "opened" }), (error) => error),
      log.control("listing topics", (admin) => admin.listTopics()).then(
        () => ({ message: "listed" }),
        (error) => error,
      ),
    ]);
  } finally {
    await log.close();
  }
}

test("a wrong password, user or mechanism is refused by both clients, and never printed", async () => {
  const changes = [
    { password: PASSWORD },
    { password: PASSWORD, saslMechanism: "PLAIN" as const },
    { username: "nobody", password: PASSWORD },
    { saslMechanism: "SCRAM-SHA-256" as const },
  ];
  for (const change of changes) {
    for (const error of await refusals(change)) {
      expect(error).toMatchObject({ code: "REFUSED", message: expect.stringContaining("refused kafka.username") });
      expect(error.remedy).toContain("kafka.saslMechanism");
      expect(JSON.stringify([error.message, error.remedy])).not.toContain(PASSWORD);
    }
  }
});

test("a certificate that nobody trusts is refused", async () => {
  for (const error of await refusals({ caFile: "" })) {
    expect(error).toMatchObject({ code: "REFUSED", message: expect.stringContaining("as kafka.tls has it") });
    expect(error.remedy).toContain("kafka.caFile");
  }
});

test("a certificate of another name than the one connected to is refused", async () => {
  const [address] = accessWith().brokers;
  const listener = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  const piping = (async () => {
    for await (const client of listener) {
      const port = Number(address.split(":")[1]);
      const broker = await Deno.connect({ hostname: "127.0.0.1", port });
      void client.readable.pipeTo(broker.writable).catch(() => {});
      void broker.readable.pipeTo(client.writable).catch(() => {});
    }
  })().catch(() => {});
  const [opening] = await refusals({ brokers: [`127.0.0.2:${listener.addr.port}`] });
  expect(opening).toMatchObject({ code: "REFUSED", message: expect.stringContaining("does not match") });
  listener.close();
  await piping;
});

test("no encryption where the listener has it is told as such", async () => {
  for (const change of [{ tls: false }, { tls: false, saslMechanism: "none" as const }]) {
    const [opening] = await refusals(change);
    expect(opening).toMatchObject({ code: "REFUSED", message: expect.stringContaining("as kafka.tls has it") });
  }
});

test("an engine with a wrong password ends at once, with the status of a refusal", async () => {
  const { brokers, caFile, username } = accessWith();
  const env = {
    KAFKA_BROKERS: brokers.join(),
    MILLRACE_KAFKA_TLS: "true",
    MILLRACE_KAFKA_CA_FILE: caFile,
    MILLRACE_KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
    MILLRACE_KAFKA_USERNAME: username,
    MILLRACE_KAFKA_PASSWORD: PASSWORD,
  };
  const data = await Deno.makeTempDir();
  const engine = await startProgram("engine", ["--until-end", "--store", "duckdb", "--data", data], env);
  const { code, stdout, stderr } = await engine.ended;
  await Deno.remove(data, { recursive: true });
  const output = stdout + stderr;
  expect({ code, output }).toEqual({ code: 10, output: expect.stringContaining("refused kafka.username") });
  expect(output).not.toContain(PASSWORD);
  expect(output).not.toMatch(/trying again|^\s+at /m);
});
