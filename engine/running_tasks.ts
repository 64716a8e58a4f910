/** The tasks of a worker's partitions, from their start until they have ended. */
import type { Assignment } from "./protocol.ts";

/** What runs for a partition (partition_loop.ts). */
export interface Task {
  /** Resolves when it has ended. */
  run(): Promise<void>;
  stop(): void;
  forget(): void;
}

interface RunningTask {
  readonly assignment: Pick<Assignment, "topicId" | "partition">;
  readonly task: Task;
  readonly ended: Promise<void>;
}

export class RunningTasks {
  readonly #running = new Set<RunningTask>();
  readonly #onTopicLeft: (topicId: string) => void;

  /** @param onTopicLeft Told when the last task of a topic has ended: what is kept for the topic can go. */
  constructor(onTopicLeft: (topicId: string) => void) {
    this.#onTopicLeft = onTopicLeft;
  }

  get size(): number {
    return this.#running.size;
  }

  start(assignment: RunningTask["assignment"], task: Task): void {
    const ended = task.run().finally(() => {
      this.#running.delete(entry);
      if (this.#of(assignment.topicId).length === 0) this.#onTopicLeft(assignment.topicId);
    });
    const entry: RunningTask = { assignment, task, ended };
    this.#running.add(entry);
  }

  /** Ends the tasks of a partition, or of all of the topic's, as they are; resolves when they have ended. */
  async release(topicId: string, partition: number | null): Promise<void> {
    const entries = this.#of(topicId).filter((entry) => partition === null || entry.assignment.partition === partition);
    for (const { task } of entries) task.forget();
    await Promise.all(entries.map(({ ended }) => ended));
  }

  /** Lets all tasks store what they have; resolves when they have ended. */
  async stop(): Promise<void> {
    for (const { task } of this.#running) task.stop();
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  #of(topicId: string): RunningTask[] {
    return [...this.#running].filter(({ assignment }) => assignment.topicId === topicId);
  }
}
