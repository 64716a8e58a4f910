/** One Kafka broker, its own controller, with an open listener and one that wants TLS and a password. */
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { hushKafkaJs } from "../../core/log/hush_kafkajs.ts";
import { mavenLibrary } from "./maven.ts";
import { run } from "./run.ts";
import { LOOPBACK, type Service, type ServiceFiles } from "./service.ts";
import { VERSIONS } from "./versions.ts";

const ARTIFACTS = ["org.apache.kafka:kafka_2.13", "org.apache.kafka:kafka-tools"];
/** Records of 10 MB are among what tests send. */
const MESSAGE_BYTES_MAX = 20 * 1024 * 1024;
const STORE_PASSWORD = "millrace";
const USER = "millrace";
const PASSWORD = "a password for tests";

export const kafka: Service = {
  name: "kafka",
  ports: 3,
  async prepare({ directory, ports: [open, controller, secure] }) {
    const library = await mavenLibrary("kafka", VERSIONS.kafka, ARTIFACTS);
    const classPath = join(library, "*");
    const certificate = await makeCertificate(directory);
    const properties = join(directory, "server.properties");
    await Deno.writeTextFile(properties, propertiesOf({ directory, ports: [open, controller, secure] }));
    const tool = ["-cp", classPath, "kafka.tools.StorageTool", "format", "--config", properties];
    const scram = `SCRAM-SHA-512=[name=${USER},password=${PASSWORD}]`;
    const id = crypto.getRandomValues(new Uint8Array(16)).toBase64({ alphabet: "base64url", omitPadding: true });
    // In one argument: an id that begins with a hyphen would be taken for an option.
    const { code, output } = await run("java", [...tool, `--cluster-id=${id}`, "--add-scram", scram]);
    if (code !== 0) throw new Error(`Kafka's storage could not be made:\n${output}`);
    return {
      command: "java",
      args: ["-Xmx1g", "-cp", classPath, "kafka.Kafka", properties],
      access: {
        brokers: `${LOOPBACK}:${open}`,
        secureBrokers: `${LOOPBACK}:${secure}`,
        caFile: certificate,
        username: USER,
        password: PASSWORD,
      },
    };
  },
  async isReady({ brokers }) {
    hushKafkaJs();
    const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      return (await admin.describeCluster()).controller !== null;
    } catch {
      return false;
    } finally {
      await admin.disconnect().catch(() => {});
    }
  },
};

/** Makes a certificate of this broker's own; answers the path of the file to trust. */
async function makeCertificate(directory: string): Promise<string> {
  const store = ["-keystore", join(directory, "broker.p12"), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD];
  const alias = ["-alias", "broker"];
  const name = ["-dname", "CN=localhost", "-ext", `SAN=DNS:localhost,IP:${LOOPBACK}`];
  const caFile = join(directory, "broker.pem");
  for (
    const args of [
      ["-genkeypair", ...alias, "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650", ...name, ...store],
      ["-exportcert", ...alias, "-rfc", "-file", caFile, ...store],
    ]
  ) {
    const { code, output } = await run("keytool", args);
    if (code !== 0) throw new Error(`keytool made no certificate:\n${output}`);
  }
  return caFile;
}

function propertiesOf({ directory, ports: [open, controller, secure] }: ServiceFiles): string {
  const secureListener = "listener.name.secure";
  const settings: Readonly<Record<string, string | number>> = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@${LOOPBACK}:${controller}`,
    "listeners": `OPEN://${LOOPBACK}:${open},SECURE://${LOOPBACK}:${secure},CONTROLLER://${LOOPBACK}:${controller}`,
    "advertised.listeners": `OPEN://${LOOPBACK}:${open},SECURE://${LOOPBACK}:${secure}`,
    "listener.security.protocol.map": "OPEN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "OPEN",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(directory, "logs"),
    // One broker is all replicas that there are.
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "message.max.bytes": MESSAGE_BYTES_MAX,
    "replica.fetch.max.bytes": MESSAGE_BYTES_MAX,
    // Tests write records of other years, and delete topics.
    "log.retention.ms": -1,
    "log.retention.check.interval.ms": 2000,
    "log.segment.delete.delay.ms": 1000,
    "ssl.keystore.location": join(directory, "broker.p12"),
    "ssl.keystore.password": STORE_PASSWORD,
    "ssl.keystore.type": "PKCS12",
    [`${secureListener}.sasl.enabled.mechanisms`]: "SCRAM-SHA-512,PLAIN",
    [`${secureListener}.scram-sha-512.sasl.jaas.config`]:
      "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    [`${secureListener}.plain.sasl.jaas.config`]:
      `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
  };
  return Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join("");
}
