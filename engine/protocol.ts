/** What the main thread and the workers say to each other. No record crosses: only assignments, flushes and answers. */
import type { ArchivedRange, ChainOwner, ChainState } from "../core/archive/chain.ts";
import type { FieldMapping } from "../core/config/schema.ts";
import type { RegistryAccess } from "../core/schemas/registry.ts";
import type { ReaderSpec } from "../core/log/partitioned_log.ts";
import type { PresetName } from "../core/minutes/preset.ts";
import type { FlushOutcome, PartitionFlush, PartitionState, UnitState } from "../core/store/ports.ts";

/** Settings that hold for a worker's whole life. */
export interface WorkerSettings {
  readonly flushIntervalMs: number;
  readonly latenessMs: number;
  readonly futureMs: number;
  readonly recordBytesMax: number;
  readonly fetchBytes: number;
  readonly pendingRowsMax: number;
  readonly pendingBytesMax: number;
  /** Minute cells of a partition beyond which a flush begins: what one request to the store may hold. */
  readonly changedCellsMax: number;
  readonly keepsEvents: boolean;
  /** Whether a block holds rows of one unit only: what a store without a transaction over units needs. */
  readonly blocksByHour: boolean;
  /** Whether rows that no later flush replaces cost the store less, so that flushes of what is caught up with have such. */
  readonly prefersFinalRows: boolean;
  readonly onGap: "stop" | "continue";
  /** Whether there is an archive; a segment of it is written at this age (0: at the log's end) or size. */
  readonly archives: boolean;
  readonly segmentMs: number;
  readonly segmentBytes: number;
  /** Where schemas of records are; its URL is empty where there is none. */
  readonly schemaRegistry: RegistryAccess;
}

/** One partition given to a worker. */
export interface Assignment {
  readonly topicId: string;
  readonly topicName: string;
  readonly partition: number;
  readonly reader: ReaderSpec;
  /** Configured, or given when the topic was made; null: decided by the first records. */
  readonly format: string | null;
  /** Configured; null: the parser's own. */
  readonly preset: PresetName | null;
  readonly timeZone: string;
  readonly mapping: FieldMapping;
}

/** What workers ask of the store, and of the archive, which live on the main thread. */
export interface StoreCalls {
  readPartition(topicId: string, partition: number): Promise<PartitionState>;
  readUnits(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitState[]>;
  flush(flush: PartitionFlush): Promise<FlushOutcome>;
  /** Puts the detected format of a topic, or answers the one that was decided before (null: none yet, and none given). */
  decideFormat(topicId: string, detected: string | null): Promise<string | null>;
  /** Where a partition's archive stands. */
  readChain(owner: ChainOwner): Promise<ChainState>;
  /** Archives a range of records, the newest of which came into the log at that time; false where it is another's. */
  commitArchive(range: ArchivedRange, lastRecordMs: number): Promise<boolean>;
  /** Leaves out offsets that the log no longer holds. */
  passArchive(owner: ChainOwner, from: number, to: number): Promise<boolean>;
}

export type StoreMethod = keyof StoreCalls;
export type StoreArguments = { [M in StoreMethod]: Parameters<StoreCalls[M]> };
export type StoreResults = { [M in StoreMethod]: Awaited<ReturnType<StoreCalls[M]>> };

export type ToWorker =
  | { readonly type: "start"; readonly settings: WorkerSettings }
  | { readonly type: "assign"; readonly assignment: Assignment }
  /** Drop a partition of the topic, or all of them, without a flush. */
  | { readonly type: "release"; readonly topicId: string; readonly partition: number | null; readonly id: number }
  /** Flush everything and end. */
  | { readonly type: "stop" }
  | { readonly type: "answer"; readonly id: number; readonly result: StoreResults[StoreMethod] }
  | { readonly type: "refusal"; readonly id: number; readonly message: string; readonly isDiskFull: boolean }
  | { readonly type: "ping" };

export type FromWorker =
  | {
    [M in StoreMethod]: {
      readonly type: "call";
      readonly id: number;
      readonly method: M;
      readonly args: StoreArguments[M];
    };
  }[StoreMethod]
  | { readonly type: "notice"; readonly notice: Notice }
  | { readonly type: "released"; readonly id: number }
  | { readonly type: "stopped" }
  | { readonly type: "pong" };

/** Something that a person should know about one partition. */
export interface Notice {
  readonly topicName: string;
  readonly partition: number;
  readonly severity: "info" | "warning" | "error";
  readonly message: string;
}

/** All buffers of a flush or of a range, so that a message moves them instead of copying. */
export function buffersOf(message: PartitionFlush | ArchivedRange): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  collectBuffers(message, buffers);
  return [...buffers];
}

function collectBuffers(value: unknown, into: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) into.add(value.buffer);
  } else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) collectBuffers(inner, into);
  }
}
