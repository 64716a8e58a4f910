/**
 * The analyzer: reads the errors of all topics through a group of its own, and explains and tells each once. Of those that
 * share a log each has the topics whose first partition is its own.
 */
import { messageOf } from "../core/errors.ts";
import type { Membership, OwnedPartition } from "../core/log/membership.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import { TopicAnalyzer, type TopicAnalyzerParts, type TopicFigures } from "./topic_analyzer.ts";

export interface AnalyzerParts extends Omit<TopicAnalyzerParts, "topic" | "reached"> {
  readonly membership: Membership;
  readonly log: Pick<PartitionedLog, "ends">;
}

export interface AnalyzerStatus {
  readonly topics: readonly (TopicFigures & { readonly lag: number | null })[];
  readonly membership: ReturnType<Membership["status"]>;
}

export class Analyzer {
  readonly #parts: AnalyzerParts;
  readonly #running = new Map<string, TopicAnalyzer>();
  #isStopping = false;

  constructor(parts: AnalyzerParts) {
    this.#parts = parts;
  }

  /** Joins the group; rejects where it can never work. */
  start(): Promise<void> {
    return this.#parts.membership.start((owned) => this.#own(owned));
  }

  async #own(owned: readonly OwnedPartition[]): Promise<void> {
    const led = new Map(owned.filter(({ partition }) => partition === 0).map(({ topic }) => [keyOf(topic), topic]));
    const lost = [...this.#running].filter(([key]) => !led.has(key));
    for (const [key] of lost) this.#running.delete(key);
    await Promise.all(lost.map(([, analyzer]) => analyzer.stop()));
    for (const [key, topic] of led) {
      if (this.#running.has(key) || this.#isStopping) continue;
      const { membership } = this.#parts;
      const analyzer = new TopicAnalyzer({
        ...this.#parts,
        topic,
        reached: (partition, offset) => membership.reached(topic, partition, offset),
      });
      this.#running.set(key, analyzer);
      analyzer.start();
    }
  }

  /** Topics that are this analyzer's. */
  get topics(): readonly Topic[] {
    return [...this.#running.values()].map(({ topic }) => topic);
  }

  async status(): Promise<AnalyzerStatus> {
    const topics = await Promise.all(
      [...this.#running.values()].map(async ({ topic, figures }) => ({
        ...figures,
        lag: await this.#lagOf(topic, figures),
      })),
    );
    return { topics, membership: this.#parts.membership.status() };
  }

  async #lagOf(topic: Topic, { positions }: TopicFigures): Promise<number | null> {
    try {
      const ends = await this.#parts.log.ends(topic);
      return ends.reduce(
        (lag, { partition, start, end }) => lag + Math.max(0, end - Math.max(start, positions[String(partition)] ?? 0)),
        0,
      );
    } catch (error) {
      this.#parts.onNotice(`warning: the ends of ${topic.name} are not known: ${messageOf(error)}`);
      return null;
    }
  }

  /** Keeps what was read, and leaves the group. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#running.values()].map((analyzer) => analyzer.stop()));
    await this.#parts.membership.leave();
  }
}

/** A topic that has got partitions is read anew. */
const keyOf = ({ id, partitions }: Topic): string => `${id}/${partitions}`;
