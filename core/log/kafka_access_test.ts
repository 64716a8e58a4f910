/** What a person reads where a cluster cannot be reached: with errors of the clients themselves, and a closed port. */
import { expect } from "expect";
import { AuthenticationError, MultipleErrors, NetworkError, ProtocolError } from "@platformatic/kafka";
import { asKafkaError, connectionOptions, type KafkaAccess } from "./kafka_access.ts";
import { KafkaCluster } from "./kafka_cluster.ts";

const access: KafkaAccess = {
  brokers: ["127.0.0.1:1"],
  topics: ["*"],
  groupId: "group",
  clientId: "client",
  instanceId: "",
  sessionTimeoutMs: 6_000,
  heartbeatIntervalMs: 1_000,
  rebalanceTimeoutMs: 6_000,
  requestTimeoutMs: 1_000,
  createTopics: true,
  replicationFactor: 1,
  compression: "none",
  tls: false,
  caFile: "",
  certFile: "",
  keyFile: "",
  saslMechanism: "none",
  username: "",
  password: "",
  passwordFile: "",
  tokenFile: "",
};

const worded = (error: unknown) => asKafkaError(error, { brokers: ["kafka-1:9092", "kafka-2:9092"] }, "doing a thing");

/** What asking the cluster for its topics comes to. */
async function asking(change: Partial<KafkaAccess>): Promise<unknown> {
  const cluster = new KafkaCluster({ ...access, ...change });
  try {
    return await cluster.metadata();
  } catch (error) {
    return asKafkaError(error, { ...access, ...change }, "asking for topics");
  } finally {
    await cluster.close();
  }
}

Deno.test("nobody at the address: it is named, with its setting", async () => {
  const error = await asking({});
  expect(error).toMatchObject({ code: "UNREACHABLE", exitStatus: 9 });
  expect(error).toMatchObject({ message: expect.stringMatching(/127\.0\.0\.1:1 \(kafka\.brokers\).*ECONNREFUSED/) });
});

Deno.test("all addresses are tried, and each reason is said once", async () => {
  const error = await asking({ brokers: ["127.0.0.1:1", "127.0.0.1:2"] });
  const message = error instanceof Error ? error.message : "";
  expect(message.match(/ECONNREFUSED 127\.0\.0\.1:[12]/g)).toEqual([
    "ECONNREFUSED 127.0.0.1:1",
    "ECONNREFUSED 127.0.0.1:2",
  ]);
});

Deno.test("a file that is missing is told as such, with its setting, whatever it is for", async () => {
  const files = [
    { caFile: "/nowhere/ca.pem", tls: true },
    { certFile: "/nowhere/ca.pem", tls: true },
    { keyFile: "/nowhere/ca.pem", tls: true },
  ];
  for (const change of files) {
    const [key] = Object.keys(change);
    const error = await asking(change);
    expect(error).toMatchObject({ code: "FILE_UNAVAILABLE", exitStatus: 3 });
    expect(error).toMatchObject({ message: expect.stringContaining(`kafka.${key}: /nowhere/ca.pem cannot be read`) });
  }
});

Deno.test("a password file is read at each connection, without the end of its line", async () => {
  const passwordFile = await Deno.makeTempFile();
  const { sasl } = connectionOptions({ ...access, saslMechanism: "PLAIN", username: "user", passwordFile });
  const current = () => typeof sasl?.password === "function" ? sasl.password() : sasl?.password;
  await Deno.writeTextFile(passwordFile, "first\n");
  expect(await current()).toBe("first");
  await Deno.writeTextFile(passwordFile, " renewed \r\n");
  expect(await current()).toBe(" renewed ");
  await Deno.remove(passwordFile);
  expect(current).toThrow(/kafka\.passwordFile/);
});

Deno.test("what a broker refuses is told as a refusal, with what it said", () => {
  const errors = {
    authentication: new NetworkError("Connection failed.", {
      cause: new AuthenticationError("SASL authentication failed."),
    }),
    mechanism: new AuthenticationError("Cannot find a suitable SASL mechanism.", { cause: new ProtocolError(33) }),
    topicRight: new MultipleErrors("3 tries", [new ProtocolError(29)]),
    groupRight: new ProtocolError(30),
  };
  for (const [name, error] of Object.entries(errors)) {
    const { code, message, remedy } = worded(error);
    expect({ name, code }).toEqual({ name, code: "REFUSED" });
    expect(message).toContain("kafka-1:9092, kafka-2:9092 refused kafka.username");
    expect(remedy).toContain("kafka.saslMechanism");
  }
  expect(worded(errors.authentication).message).toContain(
    "while doing a thing: Connection failed: SASL authentication failed",
  );
});

Deno.test("an answer that another try would not change is a refusal, one that it may change is not", () => {
  // kafkajs has its protocol's errors so; it does not export their classes to modules.
  const answer = Object.assign(new Error("Replication-factor is invalid"), {
    name: "KafkaJSProtocolError",
    type: "INVALID_REPLICATION_FACTOR",
    retriable: false,
  });
  expect(worded(new Error("retried 3 times", { cause: answer }))).toMatchObject({
    code: "REFUSED",
    message: expect.stringContaining("Replication-factor is invalid"),
  });
  expect(worded(new ProtocolError(17))).toMatchObject({ code: "REFUSED" }); // INVALID_TOPIC_EXCEPTION
  expect(worded(new ProtocolError(15))).toMatchObject({ code: "UNREACHABLE" }); // COORDINATOR_NOT_AVAILABLE
});

Deno.test("names of topics are not taken for what is wrong", () => {
  for (const name of ["authentication-log", "sasl", "tls-certificates", "ssl"]) {
    expect(worded(new Error(`Kafka's error LEADER_NOT_AVAILABLE of ${name}/0`)).code).toBe("UNREACHABLE");
  }
});

Deno.test("an unlike idea of encryption is told as such", () => {
  const messages = [
    "Broker requires TLS.",
    "Client network socket disconnected before secure TLS connection was established",
    "self-signed certificate",
    "Hostname/IP does not match certificate's altnames: IP: 127.0.0.2 is not in the cert's list: 127.0.0.1",
    "unable to verify the first certificate",
    "certificate has expired",
  ];
  for (const message of messages) {
    const { code, message: told } = worded(new Error("Connection failed.", { cause: new Error(message) }));
    expect({ message, code }).toEqual({ message, code: "REFUSED" });
    expect(told).toContain("as kafka.tls has it");
  }
});
