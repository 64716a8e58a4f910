/** One thread's view of a Kafka cluster: its brokers, who leads which partition, and a connection to each. */
import {
  apiVersionsV3,
  Connection,
  describeLogDirsV4,
  listOffsetsV7,
  metadataV12,
  protocolErrorsCodesById,
} from "@platformatic/kafka";
import { connectionOptions, type KafkaAccess } from "./kafka_access.ts";
import { TopicGone } from "./partitioned_log.ts";

export interface KafkaBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface KafkaPartition {
  readonly partition: number;
  /** Node id, or -1 while there is none. */
  readonly leader: number;
}

export interface KafkaTopic {
  /** As Kafka's UUID reads in hexadecimal with hyphens. */
  readonly id: string;
  readonly name: string;
  readonly isInternal: boolean;
  readonly partitions: readonly KafkaPartition[];
}

export interface KafkaMetadata {
  readonly brokers: readonly KafkaBroker[];
  readonly topics: readonly KafkaTopic[];
}

/** Numbers of Kafka's errors that say of a topic that it is not there. */
const UNKNOWN_TOPIC = 3;
const LEADER_NOT_AVAILABLE = 5;
const UNKNOWN_TOPIC_ID = 100;

export class KafkaCluster {
  readonly access: KafkaAccess;
  readonly #links = new Map<string, Promise<Connection>>();
  /** By broker, the newest version of each API. */
  readonly #versions = new Map<number, Promise<ReadonlyMap<number, number>>>();
  #brokers: readonly KafkaBroker[] = [];
  #isClosed = false;

  constructor(access: KafkaAccess) {
    this.access = access;
  }

  /** All topics, or those of these names; one that is not there is left out. */
  async metadata(names?: readonly string[]): Promise<KafkaMetadata> {
    const connection = await this.#anyConnection();
    const response = await ask<MetadataResponse>((done) =>
      metadataV12.api(connection, names === undefined ? null : [...names], false, false, done)
    ).catch(responseOf<MetadataResponse>);
    this.#brokers = response.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port }));
    const failed = response.topics.find(({ errorCode }) =>
      errorCode !== 0 && ![UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_ID].includes(errorCode)
    );
    if (failed !== undefined) throw new Error(`${nameOfError(failed.errorCode)} of topic ${failed.name}`);
    return {
      brokers: this.#brokers,
      topics: response.topics.filter(({ errorCode }) => errorCode === 0).map((topic) => ({
        id: topic.topicId,
        name: topic.name ?? "",
        isInternal: topic.isInternal,
        partitions: topic.partitions.map(({ partitionIndex, leaderId }) => ({
          partition: partitionIndex,
          leader: leaderId,
        })).sort((a, b) => a.partition - b.partition),
      })),
    };
  }

  /** Node that leads the partition. Throws TopicGone where the topic is not the one with that id. */
  async leaderOf(name: string, topicId: string, partition: number): Promise<number> {
    const topic = await this.topic(name, topicId);
    const leader = topic.partitions.find((known) => known.partition === partition)?.leader ?? -1;
    if (leader < 0) throw new Error(`${name}/${partition} has no leader at the moment`);
    return leader;
  }

  /** A broker that metadata named. Throws where there is none. */
  broker(nodeId: number): KafkaBroker {
    const broker = this.#brokers.find((known) => known.nodeId === nodeId);
    if (broker === undefined) throw new Error(`there is no broker ${nodeId}`);
    return broker;
  }

  /** The connection to a broker that metadata named. */
  async connection(nodeId: number): Promise<Connection> {
    const { host, port } = this.broker(nodeId);
    return await this.#connect(host, port);
  }

  /** Newest version of an API that a broker takes; asked for once. It cuts the connection of whoever asks a newer one. */
  newestVersion(nodeId: number, apiKey: number): Promise<number> {
    let versions = this.#versions.get(nodeId);
    if (versions === undefined) {
      versions = (async () => {
        const connection = await this.connection(nodeId);
        const { apiKeys } = await ask<apiVersionsV3.ApiVersionsResponse>((done) =>
          apiVersionsV3.api(connection, "millrace", "0", done)
        );
        return new Map(apiKeys.map((api) => [api.apiKey, api.maxVersion]));
      })();
      versions.catch(() => this.#versions.delete(nodeId));
      this.#versions.set(nodeId, versions);
    }
    return versions.then((known) => known.get(apiKey) ?? -1);
  }

  /** By partition, where it starts, or ends, or the offset of the first record at or after a time; or of one partition. */
  async offsets(topic: KafkaTopic, place: Place, only?: number): Promise<ReadonlyMap<number, number>> {
    const wanted = topic.partitions.filter(({ partition }) => only === undefined || partition === only);
    const found = new Map<number, number>();
    await Promise.all([...Map.groupBy(wanted, ({ leader }) => leader)].map(async ([leader, led]) => {
      const connection = await this.connection(leader);
      const partitions = led.map(({ partition }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: -1,
        timestamp: BigInt(place.timestamp),
      }));
      const { topics } = await ask<listOffsetsV7.ListOffsetsResponse>((done) =>
        listOffsetsV7.api(connection, -1, place.isolation, [{ name: topic.name, partitions }], done)
      );
      for (const { partitionIndex, offset } of topics[0].partitions) found.set(partitionIndex, Number(offset));
    }));
    return found;
  }

  /** The topic of that id. Throws TopicGone where the name is another's by now. */
  async topic(name: string, topicId: string): Promise<KafkaTopic> {
    const [topic] = (await this.metadata([name])).topics;
    if (topic === undefined || topic.id !== topicId) throw new TopicGone(`topic ${name} with id ${topicId} is gone`);
    return topic;
  }

  /** Bytes of each partition on its leader's disks; partitions whose broker does not tell are left out. */
  async sizes({ name, partitions }: KafkaTopic): Promise<ReadonlyMap<number, number>> {
    const sizes = new Map<number, number>();
    const byLeader = Map.groupBy(partitions.filter(({ leader }) => leader >= 0), ({ leader }) => leader);
    await Promise.all([...byLeader].map(async ([leader, led]) => {
      const connection = await this.connection(leader);
      const asked = led.map(({ partition }) => partition);
      const { results } = await ask<describeLogDirsV4.DescribeLogDirsResponse>((done) =>
        describeLogDirsV4.api(connection, [{ name, partitions: asked }], done)
      );
      for (const { partitionIndex, partitionSize } of results.flatMap(({ topics }) => topics[0]?.partitions ?? [])) {
        sizes.set(partitionIndex, (sizes.get(partitionIndex) ?? 0) + Number(partitionSize));
      }
    })).catch(() => {}); // a right that one may well not have
    return sizes;
  }

  async #anyConnection(): Promise<Connection> {
    const known = this.#brokers.map(({ host, port }) => `${host}:${port}`);
    const errors: unknown[] = [];
    // Those that the cluster names last: the ones given may be gone by now.
    for (const address of new Set([...known, ...this.access.brokers])) {
      const at = address.lastIndexOf(":");
      try {
        return await this.#connect(address.slice(0, at), Number(address.slice(at + 1)));
      } catch (error) {
        errors.push(error);
      }
    }
    throw new AggregateError(errors, "no broker answers");
  }

  #connect(host: string, port: number): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(new Error("the cluster's connections are closed"));
    const key = `${host}:${port}`;
    const open = this.#links.get(key);
    if (open !== undefined) return open;
    const connection = new Connection(this.access.clientId, connectionOptions(this.access));
    const drop = () => {
      if (this.#links.get(key) === link) this.#links.delete(key);
    };
    connection.on("close", drop);
    connection.on("error", drop); // each request hears of it, too
    const link: Promise<Connection> = (async () => {
      await connection.connect(host, port);
      return connection;
    })();
    link.catch(drop);
    this.#links.set(key, link);
    return link;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) {
      await link.then((connection) => connection.close()).catch(() => {}); // it was not open
    }
  }
}

/** Isolation: records of open and of aborted transactions are not read. */
export const READ_COMMITTED = 1;
export const READ_UNCOMMITTED = 0;

/** What a broker is asked the offset of. */
interface Place {
  /** Times below 0 stand for the ends of a partition. */
  readonly timestamp: number;
  readonly isolation: number;
}

export const START: Place = { timestamp: -2, isolation: READ_COMMITTED };
/** Of what may be read: where the first transaction is open, if one is. */
export const END: Place = { timestamp: -1, isolation: READ_COMMITTED };
/** Of what was written and is on all replicas. */
export const WRITTEN: Place = { timestamp: -1, isolation: READ_UNCOMMITTED };

/** An error of the protocol as Kafka's documentation calls it. */
export const nameOfError = (code: number): string =>
  `Kafka's error ${new Map(Object.entries(protocolErrorsCodesById)).get(`${code}`) ?? code}`;

/** A request's callback as a promise. */
export function ask<T>(send: (done: (error: Error | null, response?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) =>
    send((error, response) => {
      if (error !== null && error !== undefined) reject(error);
      else if (response === undefined) reject(new Error("an answer without content"));
      else resolve(response);
    })
  );
}

/** The client throws for an error of any topic or partition; the answer for all of them is with the error. */
export function responseOf<T>(error: unknown): T {
  if (error instanceof Error && "response" in error && error.response !== undefined) return error.response as T;
  throw error;
}

type MetadataResponse = metadataV12.MetadataResponse;
