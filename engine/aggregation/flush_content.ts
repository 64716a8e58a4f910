/** What the aggregator hands over for a flush. */
import type { MinuteRows, PartitionTotals } from "../../core/store/ports.ts";
import type { EventRows, QuarantineRows } from "../../core/store/record_blocks.ts";
import type { ExpectedUnit } from "../delivery/partition_delivery.ts";

/** What one flush carries, besides the identity of the partition. */
export interface FlushContent {
  readonly at: number;
  readonly expectCheckpoint: number;
  readonly units: readonly ExpectedUnit[];
  readonly minutes: MinuteRows;
  readonly events: EventRows | null;
  readonly quarantine: QuarantineRows | null;
  readonly watermarkMs: number | null;
  readonly lastRecordTimeMs: number;
  readonly totals: PartitionTotals;
  readonly hasFinalRows: boolean;
}
