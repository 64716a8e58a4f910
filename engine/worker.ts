/**
 * A worker thread: runs the partitions it is given. Everything else (which partitions, the store, signals) is the main
 * thread's; a busy worker would keep neither heartbeats nor a database responsive.
 */
import { MillraceError } from "../core/errors.ts";
import { openReader } from "../core/log/registry.ts";
import { CellPool } from "./aggregation/cell_pool.ts";
import { CatchUpTurns } from "./catch_up_turns.ts";
import { ArchiveTask } from "./archiving/archive_task.ts";
import type { Parser } from "./parsing/parser.ts";
import { openSchemas, type Schemas } from "./parsing/schemas.ts";
import { SharedParsers } from "./parsing/shared_parsers.ts";
import { PartitionTask } from "./partition_task.ts";
import { RunningTasks } from "./running_tasks.ts";
import {
  type Assignment,
  buffersOf,
  type FromWorker,
  type Notice,
  type StoreArguments,
  type StoreCalls,
  type StoreMethod,
  type StoreResults,
  type ToWorker,
  type WorkerSettings,
} from "./protocol.ts";

// The global of a worker, of which Deno's window types know nothing.
const scope = self as unknown as {
  postMessage(message: FromWorker, transfer?: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
  close(): void;
};

/** What the partitions of a worker may hold for the archive together, encoded. */
const ARCHIVE_BYTES_MAX = 32 * 1_048_576;
const ARCHIVE_BYTES_MIN = 1_048_576;

/** Partitions of the worker that read large backlogs at the same time: while one waits for the disk or the store, others go on. */
const CATCHING_UP_MAX = 4;

const turns = new CatchUpTurns(CATCHING_UP_MAX);
const cellPool = new CellPool();
const parsers = new SharedParsers();
const running = new RunningTasks((topicId) => parsers.forget(topicId));
const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
let settings: WorkerSettings | null = null;
let calls = 0;
let schemas: Schemas | null = null;

/** Asks the main thread. The answer's type follows from the method: both ends are typed by one table. */
function call<M extends StoreMethod>(method: M, args: StoreArguments[M], transfer: ArrayBuffer[] = []) {
  const id = ++calls;
  return new Promise<StoreResults[M]>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    scope.postMessage({ type: "call", id, method, args } as FromWorker, transfer);
  });
}

const store: StoreCalls = {
  readPartition: (...args) => call("readPartition", args),
  readUnits: (...args) => call("readUnits", args),
  flush: (flush) => call("flush", [flush], buffersOf(flush)),
  decideFormat: (...args) => call("decideFormat", args),
  readChain: (...args) => call("readChain", args),
  commitArchive: (range, lastRecordMs) => call("commitArchive", [range, lastRecordMs], buffersOf(range)),
  passArchive: (...args) => call("passArchive", args),
};

function assign(assignment: Assignment, workerSettings: WorkerSettings): void {
  const parts = {
    assignment,
    settings: workerSettings,
    store,
    openReader: () => openReader(assignment.reader),
    schemas: schemasOf(workerSettings),
    makeReady: (parser: Parser, { timeZone, mapping }: Assignment) =>
      parsers.of(assignment, parser, { timeZone, mapping, schemas: schemasOf(workerSettings) }),
    turns,
    cellPool,
    notify: (notice: Notice) => scope.postMessage({ type: "notice", notice }),
  };
  running.start(assignment, new PartitionTask({ ...parts, now: Date.now }));
  if (!workerSettings.archives) return;
  running.start(assignment, new ArchiveTask({ ...parts, now: () => performance.now(), bytesMax: archiveBytesMax }));
}

/** One for all partitions of the worker. */
function schemasOf({ schemaRegistry }: WorkerSettings): Schemas {
  return schemas ??= openSchemas(schemaRegistry);
}

function archiveBytesMax(): number {
  return Math.max(ARCHIVE_BYTES_MIN, ARCHIVE_BYTES_MAX / Math.max(1, running.size / 2));
}

async function release({ topicId, partition, id }: Extract<ToWorker, { type: "release" }>): Promise<void> {
  await running.release(topicId, partition);
  scope.postMessage({ type: "released", id });
}

async function stop(): Promise<void> {
  await running.stop();
  scope.postMessage({ type: "stopped" });
  scope.close();
}

function settle(message: Extract<ToWorker, { id: number; type: "answer" | "refusal" }>): void {
  const call = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.type === "answer") call?.resolve(message.result as never);
  else {
    call?.reject(
      message.isDiskFull
        ? new MillraceError("DISK_FULL", message.message, "free some space: the engine tries again by itself")
        : new Error(message.message),
    );
  }
}

scope.addEventListener("message", ({ data }) => {
  switch (data.type) {
    case "start":
      settings = data.settings;
      break;
    case "assign":
      if (settings === null) throw new Error("a partition was assigned before the settings came");
      assign(data.assignment, settings);
      break;
    case "release":
      void release(data);
      break;
    case "stop":
      void stop();
      break;
    case "ping":
      scope.postMessage({ type: "pong" });
      break;
    case "answer":
    case "refusal":
      settle(data);
      break;
  }
});
