/// <reference lib="deno.worker" />
/** The generator's worker thread: a clock and messages around {@link TopicSource}. Needs no permissions. */
import type { BatchMessage, FromWorker, ToWorker } from "./protocol.ts";
import { USUAL_SCENARIOS } from "./scenarios/registry.ts";
import { TopicSource } from "./topic_source.ts";

const TICK_MS = 50;
/** The records of one tick have times at most so far apart. */
const SPAN_MS_MAX = 1_000;
/** Bytes of all topics that may wait for the log; beyond, the worker waits too. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;

let sources: TopicSource[] = [];
let lastEpochMs = Date.now();
/** Set where the last tick found no room: the next answer of the log starts one at once. */
let isWaiting = false;

function post(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

function send(batch: BatchMessage): void {
  post(batch, [batch.bytes.buffer]);
}

function tick(): void {
  const toEpochMs = Date.now();
  // A clock that was set back must not make a batch run backwards, nor a night asleep spread it over hours.
  const fromEpochMs = Math.max(Math.min(lastEpochMs, toEpochMs), toEpochMs - SPAN_MS_MAX);
  const nowMs = performance.now();
  isWaiting = false;
  for (const source of sources) {
    const pendingBytes = sources.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
    if (pendingBytes >= PENDING_BYTES_MAX) isWaiting = true;
    else source.run({ nowMs, fromEpochMs, toEpochMs }, send);
  }
  lastEpochMs = toEpochMs;
}

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case "start": {
      const { seed, rate, topics } = data;
      const nowMs = performance.now();
      sources = USUAL_SCENARIOS.map((scenario, topic) =>
        new TopicSource({ scenario, topic, seed, rate: rate * scenario.share, place: topics[topic], nowMs })
      );
      lastEpochMs = Date.now();
      setInterval(tick, TICK_MS);
      break;
    }
    case "place":
      sources[data.topic].place(data.place);
      break;
    case "done":
      sources[data.topic].done(data.epoch, data.partition, data.bytes);
      if (isWaiting) tick();
  }
});

post({ kind: "ready" });
