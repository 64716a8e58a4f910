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

export const CONNECT_TIMEOUT_MS = 5_000;
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
    // The name to check, and to ask for, is the broker's address: naming it in addition fails where it is a number.
    ...(access.tls ? { tls: tlsOptions(access) } : {}),
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

/** The error, those that it wraps, and those that they wrap: clients wrap what matters. */
function* unwrapped(error: unknown, seen = new Set<unknown>()): Generator<unknown> {
  if (error === undefined || error === null || seen.has(error)) return;
  seen.add(error);
  yield error;
  if (!(error instanceof Error)) return;
  const inner: unknown = Reflect.get(error, "errors");
  if (Array.isArray(inner)) { for (const each of inner) yield* unwrapped(each, seen); }
  yield* unwrapped(error.cause, seen);
}

const MESSAGE_LENGTH_MAX = 400;
/** What only says that there is more to say. */
const WRAPPING = /failed \d+ times|^no broker answers$|^Producing messages failed|^Received response with error/;

/** Everything that they say, each thing once. */
function wholeMessage(errors: readonly unknown[]): string {
  const said = new Set(errors.map((error) => messageOf(error).replaceAll(/\s+/g, " ").replace(/\.$/, "")));
  const telling = [...said].filter((text) => text !== "" && !WRAPPING.test(text));
  return (telling.length === 0 ? [...said] : telling).join(": ").slice(0, MESSAGE_LENGTH_MAX);
}

// Of what the clients say, not of what topics are called: names have no spaces in them.
const AUTHENTICATION =
  /SASL (?:mechanism|authentication|SCRAM|PLAIN|OAUTHBEARER|state)|authentication failed|invalid credentials|Not authorized|[_ ]AUTHORIZATION[_ ]FAILED/i;
const TLS =
  /requires TLS|TLS handshake|secure TLS connection|SSL (?:alert|routines)|certificate(?:'s| has| is| verify| chain|:)|self-signed certificate|UnknownIssuer|unable to (?:get|verify)/i;
/** A listener with TLS hears no sense in a client without, and says nothing. */
const TLS_UNSPOKEN = /Cannot find a suitable SASL mechanism.*Connection closed/;

/** Whether a broker has answered, and another try would bring the same answer. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isOfKafkaJs = error.name === "KafkaJSProtocolError" || typeof Reflect.get(error, "type") === "string";
  if (isOfKafkaJs) return Reflect.get(error, "retriable") === false;
  return typeof Reflect.get(error, "apiId") === "string" && Reflect.get(error, "canRetry") === false;
}

/** What a client threw, as an error that names the setting and the address. `doing` completes "while". */
export function asKafkaError(thrown: unknown, { brokers }: Pick<KafkaAccess, "brokers">, doing: string): MillraceError {
  const errors = [...unwrapped(thrown)];
  const known = errors.find((error) => error instanceof MillraceError);
  if (known !== undefined) return known;
  const where = brokers.join(", ");
  const message = wholeMessage(errors);
  const cause = { cause: thrown };
  if (/NotCapable|Requires (?:net|read) access/.test(message)) {
    return new MillraceError(
      "REFUSED",
      `Kafka at ${where}: this program may not connect there: ${message}`,
      "add the brokers' advertised addresses to the program's permissions in deno.json",
      cause,
    );
  }
  if (TLS.test(message) || TLS_UNSPOKEN.test(message)) {
    return new MillraceError(
      "REFUSED",
      `Kafka at ${where}: no encrypted connection as kafka.tls has it: ${message}`,
      "check kafka.tls and kafka.caFile: whether the listener is one with TLS, and who signed its certificate for which name",
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
  if (errors.some(isAnswer)) {
    return new MillraceError(
      "REFUSED",
      `Kafka at ${where} refused, while ${doing}: ${message}`,
      "change what it names, or ask whoever runs the cluster",
      cause,
    );
  }
  return new MillraceError(
    "UNREACHABLE",
    `Kafka at ${where} (kafka.brokers) did not answer, while ${doing}: ${message}`,
    "check that it runs and that its advertised listeners can be reached from here, and whether they want TLS or a password",
    cause,
  );
}
