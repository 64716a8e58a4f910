/// <reference lib="deno.worker" />
/** A worker thread of the generator: a clock and messages around its sources. Needs no permissions. */
import type { BatchMessage, FromWorker, ToWorker } from "./protocol.ts";
import { openSources, type Sources } from "./sources.ts";

const TICK_MS = 50;
/** The records of one tick have times at most so far apart. */
const SPAN_MS_MAX = 1_000;
/** Bytes of all topics that may wait for the log; beyond, the worker waits too. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** No topic gets further ahead of the others in a plan. */
const AHEAD_MS_MAX = 600_000;
/** After so long the worker looks at its messages: the log may have told of room. */
const SLICE_MS = 20;

let sources: Sources | null = null;
let lastEpochMs = Date.now();
let startMs = 0;
/** Set where the last tick found no room: the next answer of the log starts one at once. */
let isWaiting = false;
let hasFinished = false;

function post(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

function send(batch: BatchMessage): void {
  post(batch, [batch.bytes.buffer]);
}

const isCrowded = ({ all }: Sources): boolean =>
  all.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0) >= PENDING_BYTES_MAX;

function tick(): void {
  if (sources === null) return;
  isWaiting = false;
  if (sources.kind === "live") live(sources);
  else planned(sources);
  const isFinished = sources.all.every((source) => source.isFinished);
  if (isFinished && !hasFinished) post({ kind: "finished" });
  hasFinished = isFinished;
}

function live(sources: Extract<Sources, { kind: "live" }>): void {
  const toEpochMs = Date.now();
  // A clock that was set back must not make a batch run backwards, nor a night asleep spread it over hours.
  const fromEpochMs = Math.max(Math.min(lastEpochMs, toEpochMs), toEpochMs - SPAN_MS_MAX);
  const nowMs = performance.now();
  for (const source of sources.all) {
    if (isCrowded(sources)) isWaiting = true;
    else source.run({ nowMs, fromEpochMs, toEpochMs }, send);
  }
  lastEpochMs = toEpochMs;
}

function planned(sources: Extract<Sources, { kind: "planned" }>): void {
  const { all, fromMs, speed } = sources;
  const beganMs = performance.now();
  const dueMs = speed === Infinity ? Infinity : fromMs + (beganMs - startMs) * speed;
  let hasSent = true;
  while (hasSent && performance.now() - beganMs < SLICE_MS) {
    hasSent = false;
    const untilMs = Math.min(dueMs, Math.min(...all.map(({ reachedMs }) => reachedMs)) + AHEAD_MS_MAX);
    for (const source of all) {
      if (isCrowded(sources)) isWaiting = true;
      else if (source.run(untilMs, send)) hasSent = true;
    }
    // At a pace, what is due has been sent: small batches now would only be more writes.
    if (speed !== Infinity) return;
  }
  if (hasSent) again();
  else isWaiting = true;
}

const channel = new MessageChannel();
/** A tick as soon as the messages that are there have been looked at; a timer would wait for some milliseconds. */
function again(): void {
  channel.port2.postMessage(null);
}
channel.port1.onmessage = () => tick();

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case "start": {
      const nowMs = performance.now();
      lastEpochMs = Date.now();
      startMs = nowMs;
      sources = openSources(data.traffic, data.share, data.topics, {
        nowMs,
        startMs: lastEpochMs,
        batchBytes: data.batchBytes,
      });
      setInterval(tick, TICK_MS);
      break;
    }
    case "place":
      sources?.all[data.topic].place(data.place);
      break;
    case "done":
      sources?.all[data.topic].done(data);
      if (isWaiting) tick();
  }
});

post({ kind: "ready" });
