/**
 * What many partitions say at once, said once: a full disk makes every flush of every partition fail, again and again.
 * Pure: the time is given.
 */
import type { Notice } from "./protocol.ts";

/** For so long the like of a notice is counted instead of passed on. */
const QUIET_MS = 30_000;

interface Kind {
  /** When the like was passed on last. */
  toldMs: number;
  held: number;
  readonly partitions: Set<string>;
}

export class NoticeFilter {
  readonly #kinds = new Map<string, Kind>();

  /** The line to pass on, or null where its like was passed on a short while ago. */
  filter({ topicName, partition, severity, message }: Notice, nowMs: number): string | null {
    for (const [key, { toldMs, held }] of this.#kinds) {
      if (held === 0 && nowMs - toldMs >= QUIET_MS) this.#kinds.delete(key);
    }
    // Offsets and sizes differ between notices of one kind.
    const key = `${severity} ${message.replace(/\d+/g, "#")}`;
    const source = `${topicName}/${partition}`;
    const kind = this.#kinds.get(key);
    if (kind === undefined) {
      this.#kinds.set(key, { toldMs: nowMs, held: 0, partitions: new Set() });
      return `${severity}: ${source}: ${message}`;
    }
    kind.held++;
    kind.partitions.add(source);
    if (nowMs - kind.toldMs < QUIET_MS) return null;
    const { held, partitions } = kind;
    const seconds = Math.round((nowMs - kind.toldMs) / 1000);
    this.#kinds.set(key, { toldMs: nowMs, held: 0, partitions: new Set() });
    const more = held === 1
      ? ""
      : ` (${held} times in ${seconds} s, on ${partitions.size} partition${partitions.size === 1 ? "" : "s"})`;
    return `${severity}: ${source}: ${message}${more}`;
  }
}
