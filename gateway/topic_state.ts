/** Where a topic stands: its log beside what the store reflects of it. */
import type { Topic } from "../core/log/partitioned_log.ts";
import type { PartitionTotals } from "../core/store/ports.ts";
import type { GatewayParts } from "./parts.ts";

export interface PartitionStanding {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  readonly checkpoint: number;
  readonly watermarkMs: number | null;
  readonly lagRecords: number;
  /** Age of the first record that is not reflected yet. */
  readonly lagSeconds: number;
  readonly sizeBytes: number;
  readonly totals: PartitionTotals;
}

const NOTHING: PartitionTotals = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };

export async function standingOf(
  { log, store, now }: GatewayParts & { now: () => number },
  topic: Topic,
): Promise<PartitionStanding[]> {
  const states = new Map((await store.partitions(topic.id)).map((state) => [state.partition, state]));
  return await Promise.all((await log.ends(topic)).map(async ({ partition, start, end, written, sizeBytes }) => {
    const state = states.get(partition);
    const checkpoint = state?.checkpoint ?? 0;
    // Also what waits for an open transaction to end.
    const lagRecords = Math.max(0, written - Math.max(start, checkpoint));
    const firstMs = lagRecords === 0 ? null : await log.timestampAt(topic, partition, Math.max(start, checkpoint));
    return {
      partition,
      start,
      end,
      checkpoint,
      watermarkMs: state?.watermarkMs ?? null,
      lagRecords,
      lagSeconds: firstMs === null ? 0 : Math.max(0, now() - firstMs) / 1000,
      sizeBytes,
      totals: state?.totals ?? NOTHING,
    };
  }));
}

/** The frontier over all partitions of a topic: 0 where nothing of one is reflected yet. */
export function frontierOf(
  topic: Topic,
  known: readonly { readonly partition: number; readonly offset: number }[],
): { partition: number; offset: number }[] {
  const offsets = new Map(known.map(({ partition, offset }) => [partition, offset]));
  return Array.from(
    { length: topic.partitions },
    (_, partition) => ({ partition, offset: offsets.get(partition) ?? 0 }),
  );
}

export function sumTotals(standings: readonly { readonly totals: PartitionTotals }[]): PartitionTotals {
  return standings.reduce((sum, { totals }) => ({
    consumed: sum.consumed + totals.consumed,
    events: sum.events + totals.events,
    unparsed: sum.unparsed + totals.unparsed,
    late: sum.late + totals.late,
    clockBad: sum.clockBad + totals.clockBad,
  }), NOTHING);
}
