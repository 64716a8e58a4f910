/** Messages between the generator's main thread, which appends, and its workers, which make the records. */
import type { WorkerShare } from "./lanes.ts";
import type { Traffic } from "./traffic.ts";

/** Where a topic goes on. Messages name topics by their place in `start`. */
export interface TopicPlace {
  /** Counts the topics that had this name: what was made for an earlier one is dropped. */
  readonly epoch: number;
  /** Per partition, the index of its next record: where the log ends. */
  readonly nextIndexes: readonly number[];
  /** Per partition, what it holds of the run that goes on; absent: nothing. */
  readonly taken?: readonly Taken[];
}

/** Records of a run that are in a partition, and the time of the last one of them, where the next needs to know. */
export interface Taken {
  readonly records: number;
  readonly previousMs: number;
}

export type ToWorker =
  | {
    readonly kind: "start";
    readonly traffic: Traffic;
    readonly share: WorkerShare;
    /** Size at which a batch is sent. */
    readonly batchBytes: number;
    /** One for each scenario of the traffic, in its order. */
    readonly topics: readonly TopicPlace[];
  }
  /** The topic was made anew. */
  | { readonly kind: "place"; readonly topic: number; readonly place: TopicPlace }
  | DoneMessage;

/** A batch is in the log now, or was dropped: there is room for as many bytes. */
export interface DoneMessage {
  readonly kind: "done";
  readonly topic: number;
  readonly epoch: number;
  readonly partition: number;
  readonly bytes: number;
  /** What the batch was in, transferred back to be filled again; null where it may be in use. */
  readonly buffer: ArrayBuffer | null;
}

export interface BatchMessage {
  readonly kind: "batch";
  readonly topic: number;
  readonly epoch: number;
  readonly partition: number;
  readonly records: number;
  /** One record batch; its buffer is transferred. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** `finished`: all records have been sent, until a topic is placed anew. */
export type FromWorker = { readonly kind: "ready" } | { readonly kind: "finished" } | BatchMessage;
