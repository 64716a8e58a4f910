/** What carries fetches to one broker: a plain connection of our own, or the library's where it is secured. */
import type { Connection, Writer } from "@platformatic/kafka";
import { CONNECT_TIMEOUT_MS, type KafkaAccess } from "./kafka_access.ts";
import type { KafkaCluster } from "./kafka_cluster.ts";
import { type LeasedResponse, PlainConnection } from "./kafka_plain_connection.ts";

/** Sends requests and answers their responses from after the header on. */
export interface FetchLink {
  readonly isClosed: boolean;
  request(apiKey: number, apiVersion: number, body: Writer): Promise<LeasedResponse>;
  close(): void;
}

/** A link to a broker that metadata named. */
export async function openFetchLink(cluster: KafkaCluster, nodeId: number): Promise<FetchLink> {
  const { access } = cluster;
  if (!isPlain(access)) return new LibraryLink(await cluster.connection(nodeId));
  const { host, port } = cluster.broker(nodeId);
  const { clientId, requestTimeoutMs } = access;
  return await PlainConnection.open(host, port, { clientId, requestTimeoutMs, connectTimeoutMs: CONNECT_TIMEOUT_MS });
}

const isPlain = ({ tls, saslMechanism }: KafkaAccess): boolean => !tls && saslMechanism === "none";

class LibraryLink implements FetchLink {
  readonly #connection: Connection;
  #isClosed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    const end = () => this.#isClosed = true;
    connection.once("close", end);
    connection.once("error", end);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  request(apiKey: number, apiVersion: number, body: Writer): Promise<LeasedResponse> {
    return new Promise((resolve, reject) =>
      this.#connection.send<Uint8Array>(
        apiKey,
        apiVersion,
        () => body,
        // One copy, into one piece: the batches stay in it until they are parsed.
        (_correlation, _key, _version, reader) => plainBytes(reader.buffer.slice(reader.position)),
        true,
        true,
        (error, bytes) => error || bytes === undefined ? reject(error) : resolve({ bytes, release: () => {} }),
      )
    );
  }

  close(): void {
    // It is the cluster's, which closes it.
  }
}

/** The same bytes without the ways of Node's buffers, whose slices are views. */
const plainBytes = ({ buffer, byteOffset, length }: Uint8Array) => new Uint8Array(buffer, byteOffset, length);
