/** A worker that reads one partition from its start and posts the values, until it has as many as it was asked for. */
/// <reference lib="deno.worker" />
import type { ReaderSpec } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { recordsOf, texts } from "../../core/log/test_batches.ts";

self.onmessage = async (event: MessageEvent<{ spec: ReaderSpec; records: number }>) => {
  const { spec, records } = event.data;
  const reader = openReader(spec);
  for (let next = 0; next < records;) {
    const fetched = recordsOf((await reader.fetch(next, 64 * 1024, 1000)).bytes);
    next += fetched.length;
    self.postMessage(texts(fetched));
  }
  reader.close();
};
