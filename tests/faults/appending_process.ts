/** A process for a test to kill: appends records to the log in the given data directory and prints each answered offset. */
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { batchOf, testSettings } from "../../core/log/test_batches.ts";

const settings = { ...testSettings, fsync: "interval", fsyncIntervalMs: 1, segmentBytes: 4096 } as const;
const log = await openEmbeddedLog({ dataDirectory: Deno.args[0], settings });
const topic = await log.createTopic("t", { partitions: 1 });
for (let next = 0;; next += 20) {
  const appends = Array.from({ length: 20 }, (_, index) => log.append(topic, 0, batchOf(`record ${next + index}`)));
  for (const offset of await Promise.all(appends)) console.log(offset);
}
