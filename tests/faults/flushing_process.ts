/** A process for a test to kill: flushes events of one partition, of which most become final rows, and prints each offset reached. */
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import { PartitionWriter, TOPIC } from "../contract/store_fixtures.ts";
import { flushedEvent } from "./flushed_events.ts";

/** All the time segments are written and taken into the table. */
const store = await openDuckDbStore({
  directory: Deno.args[0],
  memoryBytes: 128 * 1_048_576,
  threads: 1,
  minuteSegments: { rowsMin: 20, quietMs: 10 },
});
const writer = new PartitionWriter(store, TOPIC, 0, ["service"]);
await writer.takeOver();
let { checkpoint: next } = await store.readPartition(TOPIC, 0);
for (let flush = 0;; flush++) {
  const events = Array.from({ length: 40 + next % 50 }, (_, i) => flushedEvent(next + i));
  const outcome = await writer.flush(events, { hasFinalRows: flush % 4 !== 3 });
  if (outcome.kind !== "applied") throw new Error(JSON.stringify(outcome));
  next += events.length;
  console.log(next);
  // Now and then nothing comes for a while.
  if (flush % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 15));
}
