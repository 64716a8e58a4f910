/** How a cluster is reached: what the configuration says, as the options of the two clients, and their errors in words. */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "@platformatic/kafka";
import type { KafkaConfig as KafkaJsOptions, SASLOptions as KafkaJsSasl } from "kafkajs";
import { messageOf, MillraceError } from "../errors.ts";

/** How to reach a cluster: the section `kafka` of the configuration. Plain data: it is handed to workers. */
export interface KafkaAccess {
  /** Each HOST:PORT. */
  readonly brokers: readonly string[];
  /** Names or patterns (topic_patterns.ts) of the topics to process. */
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly clientId: string;
  /** Empty: a member of the group by its connection alone. */
  readonly instanceId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly createTopics: boolean;
  readonly replicationFactor: number;
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly tls: boolean;
  // Paths of PEM files; empty: none.
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly saslMechanism: "none" | "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";
  readonly username: string;
  readonly password: string;
  readonly passwordFile: string;
  readonly tokenFile: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Requests of one connection that wait for their answers. */
const IN_FLIGHT_MAX = 5;

function readText(path: string, key: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `kafka.${key}: ${path} cannot be read: ${messageOf(cause)}`,
      "name a file that this user may read",
      { cause },
    );
  }
}

const password = ({ password, passwordFile }: KafkaAccess): string =>
  passwordFile === "" ? password : readText(passwordFile, "passwordFile").replace(/\r?\n$/, "");

/** Files are read now; passwords and tokens at each connection, so that they can be renewed. Throws FILE_UNAVAILABLE. */
export function connectionOptions(access: KafkaAccess): ConnectionOptions {
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: access.requestTimeoutMs,
    maxInflights: IN_FLIGHT_MAX,
    ...(access.tls ? { tls: tlsOptions(access), tlsServerName: true } : {}),
    ...(access.saslMechanism === "none" ? {} : {
      sasl: {
        mechanism: access.saslMechanism,
        username: access.username,
        password: () => password(access),
        token: () => readText(access.tokenFile, "tokenFile").trim(),
      },
    }),
  };
}

function tlsOptions({ caFile, certFile, keyFile }: KafkaAccess): { ca?: string; cert?: string; key?: string } {
  return {
    ...(caFile === "" ? {} : { ca: readText(caFile, "caFile") }),
    ...(certFile === "" ? {} : { cert: readText(certFile, "certFile") }),
    ...(keyFile === "" ? {} : { key: readText(keyFile, "keyFile") }),
  };
}

/** The same for kafkajs, the control plane. */
export function kafkaJsOptions(access: KafkaAccess): KafkaJsOptions {
  const sasl = kafkaJsSasl(access);
  return {
    clientId: access.clientId,
    brokers: [...access.brokers],
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: access.requestTimeoutMs,
    logLevel: 0, // its errors are thrown, too
    retry: { retries: 3 },
    ...(access.tls ? { ssl: tlsOptions(access) } : {}),
    ...(sasl === null ? {} : { sasl }),
  };
}

function kafkaJsSasl(access: KafkaAccess): KafkaJsSasl | null {
  const credentials = () => ({ username: access.username, password: password(access) });
  switch (access.saslMechanism) {
    case "none":
      return null;
    case "PLAIN":
      return { mechanism: "plain", ...credentials() };
    case "SCRAM-SHA-256":
      return { mechanism: "scram-sha-256", ...credentials() };
    case "SCRAM-SHA-512":
      return { mechanism: "scram-sha-512", ...credentials() };
    case "OAUTHBEARER":
      return {
        mechanism: "oauthbearer",
        oauthBearerProvider: () => Promise.resolve({ value: readText(access.tokenFile, "tokenFile").trim() }),
      };
  }
}

/** Everything that an error says, with what caused it: clients wrap what matters. */
function wholeMessage(error: unknown): string {
  const seen = new Set<unknown>();
  const say = (thrown: unknown): string => {
    if (thrown === undefined || thrown === null || seen.has(thrown)) return "";
    seen.add(thrown);
    const inner = thrown instanceof AggregateError || (thrown instanceof Error && "errors" in thrown)
      ? Reflect.get(thrown, "errors")
      : [];
    const parts = [messageOf(thrown), ...(Array.isArray(inner) ? inner.map(say) : [])];
    if (thrown instanceof Error) parts.push(say(thrown.cause));
    return parts.filter((part) => part !== "").join(": ");
  };
  return say(error);
}

const AUTHENTICATION = /SASL|authenticat|TOPIC_AUTHORIZATION|GROUP_AUTHORIZATION|CLUSTER_AUTHORIZATION|not authorized/i;
const TLS = /requires TLS|TLS handshake|certificate|self.signed|UnknownIssuer|CERT_|SSL alert|tls/i;

/** What a client threw, as an error that names the setting and the address. `doing` completes "while". */
export function asKafkaError(error: unknown, { brokers }: Pick<KafkaAccess, "brokers">, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const where = brokers.join(", ");
  const message = wholeMessage(error).replaceAll(/\s+/g, " ").slice(0, 400);
  const cause = { cause: error };
  if (/NotCapable|Requires (?:net|read) access/.test(message)) {
    return new MillraceError(
      "REFUSED",
      `Kafka at ${where}: this program may not connect there: ${message}`,
      "add the brokers' advertised addresses to the program's permissions in deno.json",
      cause,
    );
  }
  if (AUTHENTICATION.test(message)) {
    return new MillraceError(
      "REFUSED",
      `Kafka at ${where} refused kafka.username or what it may do, while ${doing}: ${message}`,
      "check kafka.saslMechanism, kafka.username and the password, and the user's rights on topics and group",
      cause,
    );
  }
  if (TLS.test(message)) {
    return new MillraceError(
      "REFUSED",
      `Kafka at ${where}: no encrypted connection as kafka.tls has it: ${message}`,
      "check kafka.tls and kafka.caFile: whether the listener is one with TLS, and who signed its certificate",
      cause,
    );
  }
  return new MillraceError(
    "UNREACHABLE",
    `Kafka at ${where} (kafka.brokers) did not answer, while ${doing}: ${message}`,
    "check that it runs and that its advertised listeners can be reached from here",
    cause,
  );
}
