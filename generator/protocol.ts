/** Messages between the generator's main thread, which appends, and its workers, which make the records. */
import type { WorkerShare } from "./lanes.ts";
import type { Traffic } from "./traffic.ts";

/** Where a topic goes on. Messages name topics by their place in `start`. */
export interface TopicPlace {
  /** Counts the topics that had this name: what was made for an earlier one is dropped. */
  readonly epoch: number;
  /** Per partition, the index of its next record: where the log ends. */
  readonly nextIndexes: readonly number[];
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
  /** Bytes that are in the log now, or were dropped: there is room for as many. */
  | {
    readonly kind: "done";
    readonly topic: number;
    readonly epoch: number;
    readonly partition: number;
    readonly bytes: number;
  };

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
