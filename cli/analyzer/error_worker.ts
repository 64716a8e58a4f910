/** A worker thread that reads errors: parsing whole topics for the few records that are errors is no work for a main thread. */
import { messageOf } from "../../core/errors.ts";
import { openReader } from "../../core/log/registry.ts";
import type { FromReader, ReadingSpec, ToReader } from "./error_protocol.ts";
import { TopicReading } from "./topic_reading.ts";

// The global of a worker, of which Deno's window types know nothing.
const scope = self as unknown as {
  postMessage(message: FromReader): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToReader>) => void): void;
};

const readings = new Map<number, TopicReading>();
const deciding = new Map<number, (format: string | null) => void>();

function open(id: number, spec: ReadingSpec): void {
  readings.set(
    id,
    new TopicReading({
      spec,
      openReader,
      decideFormat: (detected) =>
        new Promise((resolve) => {
          deciding.set(id, resolve);
          scope.postMessage({ type: "detected", id, format: detected });
        }),
      onGap: (partition, from, to) => scope.postMessage({ type: "gap", id, partition, from, to }),
      now: () => performance.now(),
    }),
  );
}

async function next(id: number, waitMs: number): Promise<void> {
  try {
    scope.postMessage({ type: "batch", id, batch: await readings.get(id)?.next(waitMs) ?? null });
  } catch (error) {
    scope.postMessage({ type: "failed", id, message: messageOf(error) });
  }
}

async function close(id: number): Promise<void> {
  deciding.get(id)?.(null);
  await readings.get(id)?.close();
  readings.delete(id);
  scope.postMessage({ type: "closed", id });
}

scope.addEventListener("message", ({ data }) => {
  switch (data.type) {
    case "open":
      return open(data.id, data.spec);
    case "next":
      return void next(data.id, data.waitMs);
    case "format":
      deciding.get(data.id)?.(data.format);
      deciding.delete(data.id);
      return;
    case "close":
      return void close(data.id);
  }
});
