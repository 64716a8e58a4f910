/**
 * Fetches of all partitions that a thread reads, together: one request to a broker asks for every partition that waits at
 * the moment, so that their number costs little, and two requests are under way, so that the next records arrive while
 * these are parsed.
 */
import { fetchV13, fetchV14, fetchV15, fetchV16, fetchV17 } from "@platformatic/kafka";
import { type FetchLink, openFetchLink } from "./kafka_fetch_link.ts";
import { END, KafkaCluster, nameOfError, READ_COMMITTED, START } from "./kafka_cluster.ts";
import type { KafkaAccess } from "./kafka_access.ts";
import {
  type FetchedPartition,
  type FetchResponse,
  readableBatches,
  readFetchResponse,
} from "./kafka_fetch_response.ts";
import { type FetchedBatches, OffsetOutOfRange, TopicGone } from "./partitioned_log.ts";

/** Newest first: the first that a broker has is used. Earlier ones name topics by their names, which may be given anew. */
const FETCH_APIS = [fetchV17, fetchV16, fetchV15, fetchV14, fetchV13];
const IN_FLIGHT_MAX = 2;
/** Bytes of one response, about: a batch that is larger comes all the same. */
const RESPONSE_BYTES = 16 * 1024 * 1024;
/** While a partition has no leader, or its broker does not answer, it is tried again for so long. */
const PATIENCE_MS = 15_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

/** Kafka's errors of a partition that pass when its leader is looked up again. */
const TRANSIENT = new Set([
  5, // LEADER_NOT_AVAILABLE
  6, // NOT_LEADER_OR_FOLLOWER
  8, // BROKER_NOT_AVAILABLE
  9, // REPLICA_NOT_AVAILABLE
  56, // KAFKA_STORAGE_ERROR
  74, // FENCED_LEADER_EPOCH
  75, // UNKNOWN_LEADER_EPOCH
  78, // OFFSET_NOT_AVAILABLE
]);
/** The topic is not there, or not yet on that broker: its metadata tell. */
const UNKNOWN_TOPIC = new Set([3, 100, 103]);
const OFFSET_OUT_OF_RANGE = 1;

/** What is fetched lies in memory that is used again. */
export interface LeasedBatches extends FetchedBatches {
  /** Says that nobody reads the bytes any more; may be left out. Once at most. */
  release(): void;
}

/** One partition that is read. */
export interface FetchTarget {
  readonly topicId: string;
  readonly topic: string;
  readonly partition: number;
}

interface Wanted {
  readonly target: FetchTarget;
  readonly offset: number;
  readonly maxBytes: number;
  readonly sinceMs: number;
  attempts: number;
  readonly resolve: (fetched: LeasedBatches) => void;
  readonly reject: (error: unknown) => void;
}

/** What one broker is asked for. */
interface BrokerQueue {
  readonly waiting: Wanted[];
  inFlight: number;
  isScheduled: boolean;
  /** Before it no request is sent: the broker said so. */
  throttledUntilMs: number;
}

export class KafkaFetcher {
  readonly #cluster: KafkaCluster;
  readonly #leaders = new Map<string, Promise<number>>();
  readonly #queues = new Map<number, BrokerQueue>();
  readonly #links = new Map<number, Promise<FetchLink>>();
  readonly #now: () => number;
  readonly #isolation: number;
  #isClosed = false;

  constructor(access: KafkaAccess, now: () => number, isolation = READ_COMMITTED) {
    this.#cluster = new KafkaCluster(access);
    this.#now = now;
    this.#isolation = isolation;
  }

  /** What the partition has from `offset` on, now; no bytes where that is nothing. Throws OffsetOutOfRange, TopicGone. */
  fetch(target: FetchTarget, offset: number, maxBytes: number): Promise<LeasedBatches> {
    return new Promise((resolve, reject) => {
      this.#place({ target, offset, maxBytes, sinceMs: this.#now(), attempts: 0, resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) link.then((open) => open.close(), () => {});
    await this.#cluster.close();
  }

  /** Puts it into the queue of the partition's leader. */
  #place(wanted: Wanted): void {
    const key = keyOf(wanted.target);
    let leader = this.#leaders.get(key);
    if (leader === undefined) {
      const { topic, topicId, partition } = wanted.target;
      leader = this.#cluster.leaderOf(topic, topicId, partition);
      leader.catch(() => this.#leaders.delete(key));
      this.#leaders.set(key, leader);
    }
    leader.then((node) => {
      let queue = this.#queues.get(node);
      if (queue === undefined) {
        this.#queues.set(node, queue = { waiting: [], inFlight: 0, isScheduled: false, throttledUntilMs: 0 });
      }
      queue.waiting.push(wanted);
      this.#schedule(node, queue);
    }, (error) => this.#retry(wanted, error));
  }

  /** Sends soon: those who ask in the same turn of the event loop go together. */
  #schedule(node: number, queue: BrokerQueue): void {
    if (queue.isScheduled || queue.inFlight >= IN_FLIGHT_MAX || queue.waiting.length === 0) return;
    queue.isScheduled = true;
    const delayMs = queue.throttledUntilMs - this.#now();
    const send = () => {
      queue.isScheduled = false;
      void this.#send(node, queue);
    };
    if (delayMs > 0) setTimeout(send, delayMs);
    else queueMicrotask(send);
  }

  async #send(node: number, queue: BrokerQueue): Promise<void> {
    const batch = takeBatch(queue.waiting);
    if (batch.length === 0) return;
    queue.inFlight++;
    try {
      const { response, release } = await this.#request(node, batch);
      if (response.throttleMs > 0) queue.throttledUntilMs = this.#now() + response.throttleMs;
      if (response.errorCode !== 0) throw new Error(`${nameOfError(response.errorCode)} of a fetch`);
      const found = new Map(response.partitions.map((part) => [keyOf(part), part]));
      // Of the first partition a broker gives a batch however large it is; of the others only what still fits.
      const short = batch.filter((wanted, index) => index > 0 && hasNoRoom(wanted, found.get(keyOf(wanted.target))));
      queue.waiting.unshift(...short);
      const answered = batch.filter((wanted) => !short.includes(wanted));
      // The response is given back once each of those that it answers is done with it.
      let readers = answered.length;
      const releaseOne = () => {
        if (--readers === 0) release();
      };
      for (const wanted of answered) this.#settle(wanted, found.get(keyOf(wanted.target)), releaseOne);
    } catch (error) {
      for (const wanted of batch) this.#retry(wanted, error);
    } finally {
      queue.inFlight--;
      this.#schedule(node, queue);
    }
  }

  async #request(
    node: number,
    batch: readonly Wanted[],
  ): Promise<{ response: FetchResponse; release: () => void }> {
    const { api, createRequest } = await this.#fetchApi(node);
    const link = await this.#link(node);
    const topics = [...Map.groupBy(batch, ({ target }) => target.topicId)].map(([topicId, wanted]) => ({
      topicId,
      partitions: wanted.map(({ target: { partition }, offset, maxBytes }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(offset),
        lastFetchedEpoch: -1,
        partitionMaxBytes: maxBytes,
      })),
    }));
    const request = createRequest(0, 0, RESPONSE_BYTES, this.#isolation, 0, -1, topics, [], "");
    const { bytes, release } = await link.request(api.key, api.version, request);
    return { response: readFetchResponse(bytes), release };
  }

  /** Kept until it closes. */
  async #link(node: number): Promise<FetchLink> {
    const known = this.#links.get(node);
    if (known !== undefined) {
      const link = await known.catch(() => null);
      if (link !== null && !link.isClosed) return link;
      if (this.#links.get(node) === known) this.#links.delete(node);
    }
    if (this.#isClosed) throw new Error("the connections are closed");
    const opening = this.#links.get(node) ?? openFetchLink(this.#cluster, node);
    this.#links.set(node, opening);
    return await opening;
  }

  async #fetchApi(node: number): Promise<(typeof FETCH_APIS)[number]> {
    const newest = await this.#cluster.newestVersion(node, FETCH_APIS[0].api.key);
    const usable = FETCH_APIS.find(({ api }) => api.version <= newest);
    if (usable !== undefined) return usable;
    throw new Error(`broker ${node} is too old: it has no fetches by topic id, which came with Kafka 3.1`);
  }

  #settle(wanted: Wanted, found: FetchedPartition | undefined, release: () => void): void {
    const { target, offset } = wanted;
    if (found === undefined) return this.#retry(wanted, new Error(`a fetch without an answer for ${nameOf(target)}`));
    if (found.errorCode === OFFSET_OUT_OF_RANGE) return void this.#rejectRange(wanted);
    if (TRANSIENT.has(found.errorCode) || UNKNOWN_TOPIC.has(found.errorCode)) {
      return this.#retry(wanted, new Error(`${nameOfError(found.errorCode)} of ${nameOf(target)}`));
    }
    if (found.errorCode !== 0) {
      return wanted.reject(new Error(`${nameOfError(found.errorCode)} of ${nameOf(target)}`));
    }
    try {
      const end = Math.max(found.lastStableOffset, offset);
      wanted.resolve({ ...readableBatches(found, offset), start: found.logStart, end, release });
    } catch (error) {
      wanted.reject(error);
    }
  }

  async #rejectRange({ target: { topic, topicId, partition }, offset, reject }: Wanted): Promise<void> {
    try {
      const known = await this.#cluster.topic(topic, topicId);
      const start = await this.#cluster.offsets(known, START, partition);
      const end = await this.#cluster.offsets(known, END, partition);
      reject(new OffsetOutOfRange(offset, start.get(partition) ?? 0, end.get(partition) ?? 0));
    } catch (error) {
      reject(error);
    }
  }

  /** Looks the leader up again, after a pause that doubles; gives up after a while. */
  #retry(wanted: Wanted, error: unknown): void {
    const isOver = this.#isClosed || error instanceof TopicGone || this.#now() - wanted.sinceMs > PATIENCE_MS;
    if (isOver) return wanted.reject(error);
    this.#leaders.delete(keyOf(wanted.target));
    setTimeout(() => this.#place(wanted), Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** wanted.attempts++));
  }
}

const keyOf = ({ topicId, partition }: Pick<FetchTarget, "topicId" | "partition">) => `${topicId}/${partition}`;
const nameOf = ({ topic, partition }: FetchTarget) => `${topic}/${partition}`;

/** Whether there are records that may be read, none of which came. */
function hasNoRoom({ offset }: Wanted, found: FetchedPartition | undefined): boolean {
  return found !== undefined && found.errorCode === 0 && found.records.length === 0 && found.lastStableOffset > offset;
}

/** In their order, each partition once, as many as fit into a response; one at least. */
function takeBatch(waiting: Wanted[]): Wanted[] {
  const taken = new Map<string, Wanted>();
  let bytes = 0;
  const later = waiting.splice(0).filter((wanted) => {
    const key = keyOf(wanted.target);
    const fits = taken.size === 0 || bytes + wanted.maxBytes <= RESPONSE_BYTES;
    if (!fits || taken.has(key)) return true;
    taken.set(key, wanted);
    bytes += wanted.maxBytes;
    return false;
  });
  waiting.push(...later);
  return [...taken.values()];
}
