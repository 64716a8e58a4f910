/** What the main thread and the thread that reads errors say to each other. */
import type { ErrorBatch } from "../../analyzer/errors/error_record.ts";
import type { FieldMapping } from "../../core/config/schema.ts";
import type { ReaderSpec } from "../../core/log/partitioned_log.ts";

/** One reading of a topic. */
export interface ReadingSpec {
  readonly topicId: string;
  /** By partition: how to read it, and from where. */
  readonly partitions: readonly { readonly reader: ReaderSpec; readonly from: number }[];
  /** Null: to be detected from the first records. */
  readonly format: string | null;
  readonly timeZone: string;
  readonly mapping: FieldMapping;
  readonly futureMs: number;
  readonly recordBytesMax: number;
  readonly fetchBytes: number;
  /** A batch is given out when it has so many errors, or the oldest has waited so long. */
  readonly batchErrors: number;
  readonly batchMs: number;
}

export type ToReader =
  | { readonly type: "open"; readonly id: number; readonly spec: ReadingSpec }
  | { readonly type: "next"; readonly id: number; readonly waitMs: number }
  | { readonly type: "format"; readonly id: number; readonly format: string | null }
  | { readonly type: "close"; readonly id: number };

export type FromReader =
  | { readonly type: "batch"; readonly id: number; readonly batch: ErrorBatch | null }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  | { readonly type: "detected"; readonly id: number; readonly format: string | null }
  | {
    readonly type: "gap";
    readonly id: number;
    readonly partition: number;
    readonly from: number;
    readonly to: number;
  }
  | { readonly type: "closed"; readonly id: number };
