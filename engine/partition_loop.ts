/** What the tasks of a partition have in common: tenure after tenure until they are told to stop, whatever fails. */
import { messageOf } from "../core/errors.ts";
import { CorruptBatch } from "../core/log/record_batch.ts";
import { TopicGone } from "../core/log/partitioned_log.ts";
import type { Assignment, Notice } from "./protocol.ts";

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;

/** Why a tenure ended: start the next one, or leave the partition alone. */
export type TenureEnd = "restart" | "conflict" | "stopped";

export interface LoopParts {
  readonly assignment: Assignment;
  readonly notify: (notice: Notice) => void;
}

export abstract class PartitionLoop {
  readonly #parts: LoopParts;
  #isStopping = false;
  #isForgotten = false;
  #failures = 0;
  /** Where a batch was corrupt when it was fetched last, and the batches that stay so. */
  #corruptAt: number | null = null;
  readonly #unreadable = new Set<number>();
  #wake: () => void = () => {};

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  protected abstract tenure(): Promise<TenureEnd>;

  /** Where it starts from after a failure, for people. */
  protected readonly restartsFrom: string = "the checkpoint";

  protected get isStopping(): boolean {
    return this.#isStopping;
  }

  protected get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** Base offsets of batches that are corrupt in the log. */
  protected get unreadable(): ReadonlySet<number> {
    return this.#unreadable;
  }

  /** Runs until {@link stop} or {@link forget}. Never rejects: every failure is told and tried again. */
  async run(): Promise<void> {
    while (!this.#isStopping && !this.#isForgotten) {
      let end: TenureEnd;
      try {
        end = await this.tenure();
      } catch (error) {
        if (error instanceof TopicGone) return; // its successor is another task's
        this.#meetCorruption(error);
        this.notify("error", `starting again from ${this.restartsFrom}: ${messageOf(error)}`);
        end = "conflict";
      }
      if (end === "conflict") await this.#backOff();
    }
  }

  /** A batch that fails its checksum again after it was fetched anew is so in the log. */
  #meetCorruption(error: unknown): void {
    if (!(error instanceof CorruptBatch) || error.offset === null) return;
    if (this.#corruptAt === error.offset) this.#unreadable.add(error.offset);
    this.#corruptAt = error.offset;
  }

  /** Stores what was read, then ends. */
  stop(): void {
    this.#isStopping = true;
    this.#wake();
  }

  /** Ends as it is: the topic is gone, or the partition another's. */
  forget(): void {
    this.#isForgotten = true;
    this.#wake();
  }

  /** What failed before is over: the next failure is a first one. */
  protected succeeded(): void {
    this.#failures = 0;
  }

  protected notify(severity: Notice["severity"], message: string): void {
    const { topicName, partition } = this.#parts.assignment;
    // Some libraries explain themselves at length; the first line says what happened.
    this.#parts.notify({ topicName, partition, severity, message: message.split("\n", 1)[0] });
  }

  /** Doubles with each failure in a row, with jitter so that two engines on one partition do not meet again at once. */
  async #backOff(): Promise<void> {
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#failures++);
    await this.sleep(longest * (0.5 + Math.random() / 2));
  }

  /** Ends early where the task is to stop. */
  protected sleep(ms: number): Promise<void> {
    if (this.#isStopping || this.#isForgotten) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
