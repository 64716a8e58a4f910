/** How far the store is behind the log. */
import type { Data } from "../data.ts";

/** Records in the log that the store does not reflect yet, over all topics. */
export async function lagOf({ log, store }: Pick<Data, "log" | "store">): Promise<number> {
  let lag = 0;
  for (const topic of await log.listTopics()) {
    const checkpoints = new Map((await store.partitions(topic.id)).map((state) => [state.partition, state.checkpoint]));
    for (const { partition, start, end } of await log.ends(topic)) {
      lag += Math.max(0, end - Math.max(start, checkpoints.get(partition) ?? 0));
    }
  }
  return lag;
}
