/** How Cassandra is reached: what the configuration says as the driver's options, and its errors in words. */
import { auth, Client, type ClientOptions, errors, policies, types } from "cassandra-driver";
import { readFileSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { messageOf, MillraceError } from "../errors.ts";

export type CassandraAccess = Config["cassandra"];

/** Nodes that do not answer at the start are tried again for as long as so many requests may take. */
const PATIENCE_REQUESTS = 5;
const RETRY_MS = 1_000;

function readText(path: string, key: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `cassandra.${key}: ${path} cannot be read: ${messageOf(cause)}`,
      "name a file that this user may read",
      { cause },
    );
  }
}

function clientOptions(access: CassandraAccess): ClientOptions {
  const { username, passwordFile, tls, caFile } = access;
  const password = passwordFile === "" ? access.password : readText(passwordFile, "passwordFile").replace(/\r?\n$/, "");
  return {
    contactPoints: [...access.contactPoints],
    localDataCenter: access.localDataCenter === "" ? undefined : access.localDataCenter,
    socketOptions: { connectTimeout: 5_000, readTimeout: access.requestTimeoutMs },
    queryOptions: {
      prepare: true, // routes by token
      consistency: types.consistencies[CONSISTENCIES[access.consistency]],
      serialConsistency: types.consistencies[access.serialConsistency === "SERIAL" ? "serial" : "localSerial"],
      isIdempotent: false,
    },
    encoding: { useUndefinedAsUnset: true, map: Map, set: Set },
    ...(username === "" ? {} : { authProvider: new auth.PlainTextAuthProvider(username, password) }),
    ...(tls ? { sslOptions: caFile === "" ? {} : { ca: [readText(caFile, "caFile")] } } : {}),
  };
}

const CONSISTENCIES = {
  LOCAL_ONE: "localOne",
  LOCAL_QUORUM: "localQuorum",
  QUORUM: "quorum",
  ALL: "all",
  ONE: "one",
} as const;

/**
 * Connects. Nodes that do not answer are waited for, and said to be; a refusal is thrown at once.
 * Throws UNREACHABLE, REFUSED, INVALID_CONFIG or FILE_UNAVAILABLE.
 */
export async function connectCassandra(
  access: CassandraAccess,
  onNotice: (text: string) => void = () => {},
): Promise<Client> {
  const options = clientOptions(access);
  const patienceMs = access.requestTimeoutMs * PATIENCE_REQUESTS;
  const giveUpMs = performance.now() + patienceMs;
  for (let isTold = false;; isTold = true) {
    try {
      return await connectOnce(options);
    } catch (thrown) {
      const error = asCassandraError(thrown, access, "connecting");
      if (error.code !== "UNREACHABLE" || performance.now() > giveUpMs) throw error;
      if (!isTold) onNotice(`${error.message}; trying again for ${patienceMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function connectOnce(options: ClientOptions): Promise<Client> {
  const client = new Client({ ...options, localDataCenter: options.localDataCenter ?? await firstDataCenter(options) });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.shutdown().catch(() => {});
    throw error;
  }
}

/** The data centre of whichever node answers first: the driver wants to be told one. */
async function firstDataCenter(options: ClientOptions): Promise<string> {
  const loadBalancing = new policies.loadBalancing.RoundRobinPolicy();
  const client = new Client({ ...options, policies: { loadBalancing } });
  try {
    const { rows } = await client.execute("SELECT data_center FROM system.local");
    return String(rows[0].data_center);
  } finally {
    await client.shutdown().catch(() => {});
  }
}

/** What the driver throws, in words that name the setting. Never has the password in it. */
export function asCassandraError(thrown: unknown, access: CassandraAccess, doing: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const where = access.contactPoints.join(", ");
  const message = wholeMessage(thrown).replaceAll(/\s+/g, " ").slice(0, 400);
  const cause = { cause: thrown };
  if (isAuthentication(thrown)) {
    const remedy = access.username === ""
      ? "set cassandra.username and cassandra.passwordFile"
      : "check cassandra.username and the password, and the user's rights on the keyspace";
    return new MillraceError(
      "REFUSED",
      `Cassandra at ${where} refused the user, while ${doing}: ${message}`,
      remedy,
      cause,
    );
  }
  if (/datacenter|data center/i.test(message)) {
    return new MillraceError(
      "INVALID_CONFIG",
      `cassandra.localDataCenter: ${access.localDataCenter} is none of those of ${where}: ${message}`,
      "name one that `nodetool status` shows, or leave it empty",
      cause,
    );
  }
  if (TOO_LARGE.test(message)) {
    return new MillraceError(
      "REFUSED",
      `Cassandra at ${where} takes no request as large as one hour's cells of one flush: ${message}`,
      "raise native_transport_max_frame_size and commitlog_segment_size there, or use a preset with fewer dimensions",
      cause,
    );
  }
  if (thrown instanceof errors.ResponseError && !isPassing(thrown)) {
    return new MillraceError(
      "REFUSED",
      `Cassandra at ${where} refused, while ${doing}: ${message}`,
      "see the message; `deno task migrate` makes the keyspace and its tables",
      cause,
    );
  }
  return new MillraceError(
    "UNREACHABLE",
    `Cassandra at ${where} (cassandra.contactPoints) did not answer, while ${doing}: ${message}`,
    "check that its nodes run and can be reached from here",
    cause,
  );
}

/** 16 MiB as Cassandra is delivered, of a request and of what it changes at once. */
const TOO_LARGE = /Request is too big|Rejected an oversized mutation|MutationExceededMaxSize/i;

function isAuthentication(error: unknown): boolean {
  if (error instanceof errors.AuthenticationError) return true;
  if (error instanceof errors.ResponseError) {
    return error.code === types.responseErrorCodes.badCredentials ||
      error.code === types.responseErrorCodes.unauthorized;
  }
  return error instanceof errors.NoHostAvailableError && Object.values(error.innerErrors ?? {}).some(isAuthentication);
}

const PASSING: readonly number[] = [
  types.responseErrorCodes.serverError,
  types.responseErrorCodes.unavailableException,
  types.responseErrorCodes.overloaded,
  types.responseErrorCodes.isBootstrapping,
  types.responseErrorCodes.writeTimeout,
  types.responseErrorCodes.readTimeout,
  types.responseErrorCodes.readFailure,
  types.responseErrorCodes.writeFailure,
];

/** Errors of a cluster that is short of nodes or of time: another try may do. */
const isPassing = (error: errors.ResponseError): boolean => PASSING.includes(error.code);

function wholeMessage(error: unknown): string {
  if (!(error instanceof errors.NoHostAvailableError)) return messageOf(error);
  const inner = Object.entries(error.innerErrors ?? {}).map(([host, reason]) => `${host}: ${messageOf(reason)}`);
  return inner.length === 0 ? error.message : inner.join("; ");
}
