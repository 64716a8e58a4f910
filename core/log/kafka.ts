/**
 * A Kafka cluster as the partitioned log. Two clients share the work (docs/adr/010): kafkajs makes and deletes topics and
 * asks for offsets and groups, @platformatic/kafka carries the bytes that kafka_producer.ts and kafka_reader.ts know.
 */
import { type Admin, ConfigResourceTypes, Kafka } from "kafkajs";
import { MillraceError } from "../errors.ts";
import { checkBatch, unknownTopic } from "./appends.ts";
import { asKafkaError, type KafkaAccess, kafkaJsOptions } from "./kafka_access.ts";
import { hushKafkaJs } from "./hush_kafkajs.ts";
import { END, KafkaCluster, READ_UNCOMMITTED, START, WRITTEN } from "./kafka_cluster.ts";
import { KafkaFetcher } from "./kafka_fetcher.ts";
import { KafkaProducer } from "./kafka_producer.ts";
import { consumerGroupsOf } from "./kafka_groups.ts";
import {
  type ConsumerGroup,
  type CreateTopicOptions,
  type EncodedBatch,
  type PartitionedLog,
  type PartitionEnds,
  type ReaderSpec,
  type Topic,
  TopicGone,
} from "./partitioned_log.ts";
import { BATCH_HEADER_BYTES, BatchHeader, readBatchHeader } from "./record_batch.ts";
import { topicMatcher } from "./topic_patterns.ts";

/** What is known of topics is asked for again after this. */
const TOPICS_AGE_MS = 1_000;
const CREATED_WAIT_MS = 100;
const CREATED_TRIES = 100;
const RETRY_MS = 1_000;

export interface KafkaLogOptions {
  readonly access: KafkaAccess;
  /** `config.log.recordBytesMax`. */
  readonly recordBytesMax: number;
  /** Keeps the format that a topic was made with: Kafka has no place for it. */
  readonly rememberFormat?: (topicId: string, format: string) => Promise<unknown>;
  readonly onNotice?: (text: string) => void;
}

/** Connects. Throws UNREACHABLE after as long as one request may take, REFUSED at once. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const log = new KafkaLog(options);
  const patienceMs = options.access.requestTimeoutMs;
  const startMs = performance.now();
  for (let isTold = false;; isTold = true) {
    try {
      await log.listTopics();
      return log;
    } catch (thrown) {
      const error = asKafkaError(thrown, options.access, "asking for topics");
      if (error.code !== "UNREACHABLE" || performance.now() - startMs > patienceMs) {
        await log.close();
        throw error;
      }
      if (!isTold) options.onNotice?.(`${error.message}; trying again for ${patienceMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

export class KafkaLog implements PartitionedLog {
  readonly #options: KafkaLogOptions;
  readonly #cluster: KafkaCluster;
  readonly #isWanted: (name: string) => boolean;
  #admin: Promise<Admin> | null = null;
  readonly #producer: KafkaProducer;
  #topics: { readonly found: Promise<readonly Topic[]>; readonly atMs: number } | null = null;
  /** What {@link timestampAt} asks: also for records of transactions that are open, which lag as well. */
  #fetcher: KafkaFetcher | null = null;
  /** Topics that were seen to have the id that they are known by. */
  readonly #checked = new Map<string, { readonly checked: Promise<void>; readonly atMs: number }>();
  #pendingBytes = 0;

  /** Use {@link openKafkaLog}. */
  constructor(options: KafkaLogOptions) {
    this.#options = options;
    this.#cluster = new KafkaCluster(options.access);
    this.#producer = new KafkaProducer(options.access, this.#cluster);
    this.#isWanted = topicMatcher(options.access.topics);
  }

  /** Bytes handed to the producer and not acknowledged by all replicas yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  listTopics(): Promise<readonly Topic[]> {
    const nowMs = performance.now();
    if (this.#topics === null || nowMs - this.#topics.atMs > TOPICS_AGE_MS) {
      const found = this.#askForTopics();
      this.#topics = { found, atMs: nowMs };
      found.catch(() => this.#topics = null);
    }
    return this.#topics.found;
  }

  async #askForTopics(): Promise<readonly Topic[]> {
    const { topics } = await this.#toldAs("asking for topics", () => this.#cluster.metadata());
    return topics.filter(({ name, isInternal }) => !isInternal && this.#isWanted(name))
      .map(({ id, name, partitions }) => ({ id, name, partitions: partitions.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Also a topic that is not among those to process. */
  async findTopic(name: string): Promise<Topic | undefined> {
    const known = (await this.listTopics()).find((topic) => topic.name === name);
    if (known !== undefined) return known;
    const [topic] = (await this.#toldAs(`asking for topic ${name}`, () => this.#cluster.metadata([name]))).topics;
    return topic === undefined ? undefined : { id: topic.id, name, partitions: topic.partitions.length };
  }

  async createTopic(name: string, { partitions, format }: CreateTopicOptions): Promise<Topic> {
    const existing = await this.findTopic(name);
    if (existing !== undefined) return existing;
    const { createTopics, replicationFactor } = this.#options.access;
    if (!createTopics) {
      throw new MillraceError(
        "UNKNOWN_TOPIC",
        `there is no topic ${name}, and kafka.createTopics is false`,
        `make it with Kafka's own tools, with ${partitions} partitions or as many as you like, or set kafka.createTopics`,
      );
    }
    await this.#toldAs(`making topic ${name}`, async () => {
      const admin = await this.#control();
      await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions, replicationFactor }] });
    });
    this.#topics = null;
    const topic = await this.#made(name, partitions);
    if (format !== undefined) await this.#options.rememberFormat?.(topic.id, format);
    return { ...topic, format };
  }

  /** A topic that was just made is known to one broker after the other. */
  async #made(name: string, partitions: number): Promise<Topic> {
    for (let tries = 0; tries < CREATED_TRIES; tries++) {
      const [topic] = (await this.#toldAs(`making topic ${name}`, () => this.#cluster.metadata([name]))).topics;
      if (topic !== undefined && topic.partitions.every(({ leader }) => leader >= 0)) {
        return { id: topic.id, name, partitions: topic.partitions.length };
      }
      await new Promise((resolve) => setTimeout(resolve, CREATED_WAIT_MS));
    }
    throw new MillraceError(
      "UNREACHABLE",
      `topic ${name} with ${partitions} partitions was made, but has no leaders`,
      "check the brokers: too few may be up for kafka.replicationFactor",
    );
  }

  async deleteTopic(name: string): Promise<void> {
    if (await this.findTopic(name) === undefined) return;
    await this.#toldAs(`deleting topic ${name}`, async () => {
      const admin = await this.#control();
      await admin.deleteTopics({ topics: [name] });
    });
    this.#topics = null;
    this.#checked.clear();
    for (let tries = 0; tries < CREATED_TRIES; tries++) {
      if ((await this.#cluster.metadata([name])).topics.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, CREATED_WAIT_MS));
    }
  }

  /**
   * Produces the batch's records, idempotently, acknowledged by all replicas. A failure may have come after the records
   * were written: whoever sends them again may have them twice.
   */
  async append(topic: Topic, partition: number, batch: EncodedBatch): Promise<number> {
    checkBatch(topic, batch, this.#options.recordBytesMax, "log.recordBytesMax");
    const { bytes } = batch;
    await this.#checkTopic(topic);
    this.#pendingBytes += bytes.length;
    try {
      return await this.#producer.append(topic, partition, batch);
    } catch (error) {
      if (error instanceof TopicGone) throw unknownTopic(topic);
      // Whatever it says, it may be that the topic is gone, or another of the same name.
      const [found] = await this.#cluster.metadata([topic.name]).then(({ topics }) => topics, () => []);
      if (found?.id !== topic.id) throw unknownTopic(topic);
      throw asKafkaError(error, this.#options.access, `producing to ${topic.name}/${partition}`);
    } finally {
      this.#pendingBytes -= bytes.length;
    }
  }

  /** The producer knows topics by their names: it would write to one that was made anew. */
  async #checkTopic(topic: Topic): Promise<void> {
    const nowMs = performance.now();
    const known = this.#checked.get(topic.id);
    if (known !== undefined && nowMs - known.atMs <= TOPICS_AGE_MS) return await known.checked;
    const checked = (async () => {
      const [found] = (await this.#toldAs("asking for topics", () => this.#cluster.metadata([topic.name]))).topics;
      if (found?.id !== topic.id) throw unknownTopic(topic);
    })();
    this.#checked.set(topic.id, { checked, atMs: nowMs });
    checked.catch(() => this.#checked.delete(topic.id));
    await checked;
  }

  async ends(topic: Topic): Promise<readonly PartitionEnds[]> {
    return await this.#toldAs(`asking for the offsets of ${topic.name}`, async () => {
      const known = await this.#cluster.topic(topic.name, topic.id);
      const [starts, ends, written, sizes] = await Promise.all([
        this.#cluster.offsets(known, START),
        this.#cluster.offsets(known, END),
        this.#cluster.offsets(known, WRITTEN),
        this.#cluster.sizes(known),
      ]);
      return known.partitions.map(({ partition }) => ({
        partition,
        start: starts.get(partition) ?? 0,
        end: ends.get(partition) ?? 0,
        written: written.get(partition) ?? 0,
        sizeBytes: sizes.get(partition) ?? 0,
      }));
    });
  }

  async timestampAt(topic: Topic, partition: number, offset: number): Promise<number | null> {
    this.#fetcher ??= new KafkaFetcher(this.#options.access, () => performance.now(), READ_UNCOMMITTED);
    const { bytes } = await this.#fetcher.fetch(targetOf(topic, partition), offset, BATCH_HEADER_BYTES);
    const header = new BatchHeader();
    return readBatchHeader(bytes, 0, header) < 0 ? null : header.baseTimestampMs;
  }

  readerSpec(topic: Topic, partition: number): ReaderSpec {
    return { kind: "kafka", access: this.#options.access, target: targetOf(topic, partition) };
  }

  async consumerGroups(topic: Topic): Promise<readonly ConsumerGroup[]> {
    return await this.control("asking for consumer groups", (admin) => consumerGroupsOf(admin, topic));
  }

  /** How long topics keep records, in milliseconds by name; Infinity where time ends none. */
  async retentionMs(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const configNames = ["retention.ms", "cleanup.policy"];
    const resources = names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name, configNames }));
    const described = await this.control(
      "asking for the settings of topics",
      (admin) => admin.describeConfigs({ resources, includeSynonyms: false }),
    );
    return new Map(described.resources.map(({ resourceName, configEntries }) => {
      const value = (key: string) => configEntries.find(({ configName }) => configName === key)?.configValue ?? "";
      const ms = Number(value("retention.ms"));
      return [resourceName, ms < 0 || !value("cleanup.policy").includes("delete") ? Infinity : ms];
    }));
  }

  /** The control plane, for what only Kafka has: groups and their offsets. */
  control<T>(doing: string, use: (admin: Admin) => Promise<T>): Promise<T> {
    return this.#toldAs(doing, async () => await use(await this.#control()));
  }

  #control(): Promise<Admin> {
    if (this.#admin === null) {
      hushKafkaJs();
      const connecting = (async () => {
        const admin = new Kafka(kafkaJsOptions(this.#options.access)).admin();
        await admin.connect();
        return admin;
      })();
      connecting.catch(() => this.#admin = null);
      this.#admin = connecting;
    }
    return this.#admin;
  }

  async #toldAs<T>(doing: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw asKafkaError(error, this.#options.access, doing);
    }
  }

  async close(): Promise<void> {
    await this.#fetcher?.close();
    await this.#producer.settled();
    await this.#admin?.then((admin) => admin.disconnect()).catch(() => {});
    await this.#cluster.close();
  }
}

const targetOf = ({ id, name }: Topic, partition: number) => ({ topicId: id, topic: name, partition });
