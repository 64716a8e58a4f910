/**
 * The newest hour of each partition that has a unit. Records of a later one need no statement to know that it was never
 * written: the process that has the store open is the only one that writes it. Where hundreds of partitions begin, their
 * questions took a twentieth of the CPU, and kept them waiting.
 */
import type { PartitionFlush } from "./ports.ts";

export class UnitBounds {
  /** By partition: as the database had it when it was read, and as flushes were tried since the store was opened. */
  readonly #found = new Map<string, number>();
  readonly #flushed = new Map<string, number>();

  /** What a snapshot of now or before has; null: no unit. */
  found(topicId: string, partition: number, newest: number | null): void {
    this.#found.set(`${topicId}/${partition}`, newest ?? -Infinity);
  }

  /** Call it before a transaction that writes units begins. */
  flushing(flushes: readonly Pick<PartitionFlush, "topicId" | "partition" | "units">[]): void {
    for (const { topicId, partition, units } of flushes) {
      const key = `${topicId}/${partition}`;
      const newest = units.reduce((max, { bucket }) => Math.max(max, bucket), this.#flushed.get(key) ?? -Infinity);
      this.#flushed.set(key, newest);
    }
  }

  /** Whether it is known of all these hours that none has a unit. */
  areUnwritten(topicId: string, partition: number, buckets: readonly number[]): boolean {
    const key = `${topicId}/${partition}`;
    const found = this.#found.get(key);
    if (found === undefined) return false;
    const newest = Math.max(found, this.#flushed.get(key) ?? -Infinity);
    return buckets.every((bucket) => bucket > newest);
  }
}
