/** How far the partitions of a topic have come, and which of them have had nothing to read for long. */
import type { PartitionEnds } from "../../core/log/partitioned_log.ts";
import type { PartitionState } from "../../core/store/ports.ts";
import type { Progress } from "./final_minutes.ts";

/** A partition without anything to read for so long holds nothing back. */
const IDLE_MS = 60_000;

export class ProgressWatch {
  /** Per partition, since when its end is where it is. */
  readonly #still = new Map<number, { readonly end: number; readonly sinceMs: number }>();

  /** `nowMs` is monotonic; the ends and states are of about then. */
  progress(
    ends: readonly Pick<PartitionEnds, "partition" | "end">[],
    states: readonly (Pick<PartitionState, "checkpoint" | "watermarkMs"> & { readonly partition: number })[],
    nowMs: number,
  ): Progress[] {
    const byPartition = new Map(states.map((state) => [state.partition, state]));
    return ends.map(({ partition, end }) => {
      const before = this.#still.get(partition);
      const since = before?.end === end ? before : { end, sinceMs: nowMs };
      this.#still.set(partition, since);
      const isRead = (byPartition.get(partition)?.checkpoint ?? 0) >= end;
      return {
        watermarkMs: byPartition.get(partition)?.watermarkMs ?? null,
        isIdle: isRead && nowMs - since.sinceMs >= IDLE_MS,
      };
    });
  }
}
