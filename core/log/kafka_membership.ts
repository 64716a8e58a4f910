/**
 * Membership of a Kafka consumer group: classic protocol, cooperative-sticky assignment, by the Consumer of
 * @platformatic/kafka, of which nothing else is used (research on its fetching and committing: docs/adr/010). Runs on the
 * main thread, whose timers a busy worker cannot delay.
 *
 * Committed offsets are advice for those who look at lag: they are sent with the generation in which the partitions were
 * owned, so that Kafka refuses those of a member that lost its place, and are never tried again.
 */
import { Consumer, offsetCommitV8 } from "@platformatic/kafka";
import { messageOf, MillraceError } from "../errors.ts";
import { asKafkaError, connectionOptions, type KafkaAccess } from "./kafka_access.ts";
import { ask, KafkaCluster } from "./kafka_cluster.ts";
import type { Membership, MembershipStatus, OwnedPartition, OwnershipChange } from "./membership.ts";
import type { PartitionedLog, Topic } from "./partitioned_log.ts";

const TOPICS_POLL_MS = 2_000;
const COMMIT_MS = 5_000;
const REJOIN_MS = 1_000;

interface Assignment {
  readonly topic: string;
  readonly partitions: readonly number[];
}

interface Position {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
}

export class KafkaMembership implements Membership {
  readonly #access: KafkaAccess;
  readonly #log: Pick<PartitionedLog, "listTopics">;
  readonly #onNotice: (text: string) => void;
  readonly #cluster: KafkaCluster;
  readonly #consumer: Consumer;
  #onChange: OwnershipChange = () => Promise.resolve();
  #topics: readonly Topic[] = [];
  #assignments: readonly Assignment[] = [];
  /** What the engine was told last. */
  #told = "";
  #owned = 0;
  #changes = 0;
  #state: MembershipStatus["state"] = "joining";
  /** One change is told at a time. */
  #telling: Promise<void> = Promise.resolve();
  readonly #reached = new Map<string, Position>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #isRejoining = false;
  #coordinator: number | null = null;

  constructor(
    access: KafkaAccess,
    log: Pick<PartitionedLog, "listTopics">,
    onNotice: (text: string) => void,
  ) {
    this.#access = access;
    this.#log = log;
    this.#onNotice = onNotice;
    this.#cluster = new KafkaCluster(access);
    this.#consumer = new Consumer({
      ...connectionOptions(access),
      clientId: access.clientId,
      bootstrapBrokers: [...access.brokers],
      groupId: access.groupId,
      ...(access.instanceId === "" ? {} : { groupInstanceId: access.instanceId }),
      sessionTimeout: access.sessionTimeoutMs,
      rebalanceTimeout: access.rebalanceTimeoutMs,
      heartbeatInterval: access.heartbeatIntervalMs,
      heartbeatStallTimeout: access.sessionTimeoutMs,
      protocols: [{ name: "cooperative-sticky", version: 1 }],
      timeout: access.requestTimeoutMs,
      retries: 5,
      retryDelay: 500,
      metadataMaxAge: 100, // who shares partitions out must know those that were just added
    });
  }

  async start(onChange: OwnershipChange): Promise<void> {
    this.#onChange = onChange;
    const consumer = this.#consumer;
    consumer.on("consumer:group:join", ({ assignments }) => {
      this.#assignments = assignments ?? [];
      this.#state = "joined";
      void this.#tell();
    });
    consumer.on("consumer:heartbeat:stalled", () => this.#lose("no heartbeat was answered for a session"));
    consumer.on("error", (error) => this.#lose(messageOf(error)));
    await this.#look();
    await this.#joinAtLast();
    await this.#telling;
    this.#every(TOPICS_POLL_MS, () => this.#watch());
    this.#every(COMMIT_MS, () => this.#commit());
  }

  #every(ms: number, run: () => Promise<void>): void {
    this.#timers.push(setInterval(() => void run().catch((error) => this.#onNotice(this.#worded(error))), ms));
  }

  #worded(error: unknown): string {
    return `warning: group ${this.#access.groupId}: ${
      asKafkaError(error, this.#access, "keeping up the group").message
    }`;
  }

  /** A cluster that has just come up may have no coordinator for some seconds: waited for as long as for a broker. */
  async #joinAtLast(): Promise<void> {
    const giveUpMs = performance.now() + this.#access.requestTimeoutMs;
    for (;;) {
      try {
        return await this.#join();
      } catch (error) {
        const mayPass = error instanceof MillraceError && error.code === "UNREACHABLE";
        if (!mayPass || performance.now() >= giveUpMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, REJOIN_MS));
      }
    }
  }

  /** A group without topics shares nothing out: who has none joins when there are some. */
  async #join(): Promise<void> {
    if (this.#topics.length === 0) return void await this.#tell();
    try {
      await this.#consumer.joinGroup({});
    } catch (error) {
      throw asKafkaError(error, this.#access, `joining group ${this.#access.groupId}`);
    }
  }

  /** Topics that were made, deleted, made anew or given more partitions; answers whether their names have changed. */
  async #look(): Promise<boolean> {
    const before = this.#topics.map(({ name }) => name).join("\n");
    this.#topics = await this.#log.listTopics();
    const names = this.#topics.map(({ name }) => name);
    if (names.join("\n") === before && this.#changes > 0) return false;
    const { topics } = this.#consumer;
    for (const name of [...topics.current]) if (!names.includes(name)) topics.untrack(name);
    for (const name of names) if (!topics.current.includes(name)) topics.track(name);
    return true;
  }

  async #watch(): Promise<void> {
    if (this.#state === "left") return;
    const shapeBefore = shapeOf(this.#topics);
    const hasNewNames = await this.#look();
    const isOut = this.#state !== "joined" || !this.#consumer.isActive();
    if (hasNewNames || shapeOf(this.#topics) !== shapeBefore || isOut) await this.#rejoin();
    await this.#tell();
  }

  /** With other topics, or after the place was lost: the group shares its partitions out anew. */
  async #rejoin(): Promise<void> {
    if (this.#isRejoining || this.#state === "left") return;
    this.#isRejoining = true;
    try {
      await this.#join();
    } finally {
      this.#isRejoining = false;
    }
  }

  #lose(why: string): void {
    if (this.#state !== "joined") return;
    this.#state = "joining";
    this.#assignments = [];
    this.#onNotice(`warning: lost the place in group ${this.#access.groupId} (${why}); joining again`);
    void this.#tell();
    setTimeout(() => {
      void this.#rejoin().catch((error) => this.#onNotice(this.#worded(error))); // #watch goes on trying
    }, REJOIN_MS);
  }

  /** Tells the engine what it owns now, by the ids that the topics have now. */
  #tell(): Promise<void> {
    this.#telling = this.#telling.then(async () => {
      const byName = new Map(this.#topics.map((topic) => [topic.name, topic]));
      const owned = this.#assignments.flatMap(({ topic: name, partitions }): OwnedPartition[] => {
        const topic = byName.get(name);
        return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
      });
      const key = owned.map(({ topic, partition }) => `${topic.id}/${partition}`).sort().join();
      if (key === this.#told && this.#changes > 0) return;
      await this.#onChange(owned);
      this.#told = key;
      this.#owned = owned.length;
      this.#changes++;
      const kept = new Set(owned.map(({ topic, partition }) => `${topic.id}/${partition}`));
      for (const reached of this.#reached.keys()) if (!kept.has(reached)) this.#reached.delete(reached);
    }).catch((error) => this.#onNotice(`error: group ${this.#access.groupId}: ${messageOf(error)}`));
    return this.#telling;
  }

  reached(topic: Topic, partition: number, offset: number): void {
    this.#reached.set(`${topic.id}/${partition}`, { topic, partition, offset });
  }

  async #commit(): Promise<void> {
    const positions = [...this.#reached.values()];
    this.#reached.clear();
    const { memberId, generationId } = this.#consumer;
    if (positions.length === 0 || memberId === null || this.#state !== "joined") return;
    const topics = [...Map.groupBy(positions, ({ topic }) => topic.name)].map(([name, of]) => ({
      name,
      partitions: of.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }));
    try {
      this.#coordinator ??= await this.#consumer.findGroupCoordinator();
      await this.#cluster.metadata([]);
      const connection = await this.#cluster.connection(this.#coordinator);
      const instance = this.#access.instanceId === "" ? null : this.#access.instanceId;
      await ask<offsetCommitV8.OffsetCommitResponse>((done) =>
        offsetCommitV8.api(connection, this.#access.groupId, generationId, memberId, instance, topics, done)
      );
    } catch {
      this.#coordinator = null; // of a generation that is over, or a coordinator that has moved: the next ones tell more
    }
  }

  status(): MembershipStatus {
    return { group: this.#access.groupId, state: this.#state, partitions: this.#owned, changes: this.#changes };
  }

  async leave(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#commit();
    this.#state = "left";
    // A static member keeps its place for a session, and has it again if it is back by then. Without an id none is given up.
    if (this.#access.instanceId !== "") this.#consumer.memberId = null;
    await this.#consumer.close(true).catch(() => {}); // the session's end leaves as well
    await this.#telling;
    await this.#cluster.close();
  }
}

const shapeOf = (topics: readonly Topic[]): string => topics.map(({ id, partitions }) => `${id}/${partitions}`).join();
