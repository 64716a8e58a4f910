/** The events and quarantined records of a flush, as the store takes them. */
import type { PartitionFlush } from "../core/store/ports.ts";
import { encodeEvents, encodeQuarantine } from "../core/store/record_blocks.ts";
import { eventsByHour, quarantineByHour } from "../core/store/rows_by_hour.ts";
import type { FlushContent } from "./aggregation/flush_content.ts";
import type { Assignment } from "./protocol.ts";

/** @param isByHour Whether the store wants blocks of one hour each. */
export function encodeBlocks(
  { topicId, partition }: Pick<Assignment, "topicId" | "partition">,
  { events, quarantine }: Pick<FlushContent, "events" | "quarantine">,
  isByHour: boolean,
): Pick<PartitionFlush, "events" | "quarantine"> {
  const eventRows = events === null ? [] : isByHour ? eventsByHour(events) : [events];
  const quarantineRows = quarantine === null ? [] : isByHour ? quarantineByHour(quarantine) : [quarantine];
  return {
    events: eventRows.flatMap((rows) => encodeEvents(topicId, partition, rows)),
    quarantine: quarantineRows.flatMap((rows) => encodeQuarantine(topicId, partition, rows)),
  };
}
