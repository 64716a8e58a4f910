/** Reads its partitions to their ends, the next fetch of each under way while the last is walked; posts how many records. */
/// <reference lib="deno.worker" />
import type { ReaderSpec } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { Chunk } from "../../engine/chunk.ts";

interface Share {
  readonly fetchBytes: number;
  readonly partitions: readonly { readonly spec: ReaderSpec; readonly end: number }[];
}

async function read(spec: ReaderSpec, end: number, fetchBytes: number): Promise<number> {
  const reader = openReader(spec);
  const chunk = new Chunk(new Set());
  let records = 0;
  const sink = {
    apply(_bytes: Uint8Array, source: { next(): boolean }) {
      while (source.next()) records++;
      return null;
    },
    passTo() {},
    forgetBuffer() {},
  };
  let fetched = reader.fetch(0, fetchBytes, 100);
  for (let next = 0; next < end;) {
    const { bytes, next: after } = await fetched;
    next = after;
    if (next < end) fetched = reader.fetch(next, fetchBytes, 100);
    chunk.reset(bytes, next);
    chunk.applyTo(sink);
  }
  reader.close();
  return records;
}

self.onmessage = async ({ data: { fetchBytes, partitions } }: MessageEvent<Share>) => {
  const counts = await Promise.all(partitions.map(({ spec, end }) => read(spec, end, fetchBytes)));
  self.postMessage(counts.reduce((a, b) => a + b, 0));
};
