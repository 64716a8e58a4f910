/** Rule 1 in the plainest way: maps in memory, and one flush after the other. */
import type { FlushOutcome, PartitionTotals } from "../../core/store/ports.ts";
import type { Cell, flushOf, TestEvent, TestQuarantine } from "./store_fixtures.ts";

/** What {@link flushOf} makes a flush of. */
export type FlushRequest = Required<Pick<NonNullable<Parameters<typeof flushOf>[0]>, RequestField>>;
type RequestField =
  | "topicId"
  | "partition"
  | "writer"
  | "expectCheckpoint"
  | "at"
  | "units"
  | "cells"
  | "events"
  | "quarantine"
  | "watermarkMs"
  | "totals"
  | "gaps";

interface Reached {
  readonly upto: number;
  readonly writer: string | null;
}

/** All that a store knows of one partition. */
export class PartitionModel {
  checkpoint = 0;
  writer: string | null = null;
  watermarkMs: number | null = null;
  totals: PartitionTotals = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };
  readonly units = new Map<number, Reached>();
  /** By minute, dimensions and first offset. */
  readonly rows = new Map<string, Cell>();
  readonly events: TestEvent[] = [];
  readonly quarantine: TestQuarantine[] = [];
  readonly gaps: { readonly start: number; readonly end: number }[] = [];

  copy(): PartitionModel {
    const copy = new PartitionModel();
    Object.assign(copy, {
      ...this,
      units: new Map(this.units),
      rows: new Map(this.rows),
      events: [...this.events],
      quarantine: [...this.quarantine],
      gaps: [...this.gaps],
    });
    return copy;
  }

  /** Every conflict that the store may answer with; none where it must apply the flush. */
  conflicts({ expectCheckpoint, units }: FlushRequest): FlushOutcome[] {
    const found: FlushOutcome[] = [];
    if (this.checkpoint !== expectCheckpoint) found.push({ kind: "conflict", bucket: null, found: this.checkpoint });
    for (const { bucket, expect } of units) {
      const { upto } = this.unit(bucket);
      if (upto !== expect) found.push({ kind: "conflict", bucket, found: upto });
    }
    return found;
  }

  unit(bucket: number): Reached {
    return this.units.get(bucket) ?? { upto: 0, writer: null };
  }

  apply({ at, writer, units, cells, events, quarantine, watermarkMs, totals, gaps }: FlushRequest): void {
    this.checkpoint = Math.max(this.checkpoint, at);
    this.writer = writer;
    if (watermarkMs !== null) this.watermarkMs = Math.max(this.watermarkMs ?? -Infinity, watermarkMs);
    this.totals = {
      consumed: this.totals.consumed + totals.consumed,
      events: this.totals.events + totals.events,
      unparsed: this.totals.unparsed + totals.unparsed,
      late: this.totals.late + totals.late,
      clockBad: this.totals.clockBad + totals.clockBad,
    };
    for (const { bucket } of units) this.units.set(bucket, { upto: at, writer });
    for (const cell of cells) this.rows.set(JSON.stringify([cell.minute, cell.dimensions, cell.fromOffset]), cell);
    this.events.push(...events);
    this.quarantine.push(...quarantine);
    this.gaps.push(...gaps);
  }
}

/** True where the flushes, one after the other in some order, have these outcomes; `models` are then as they leave them. */
export function explain(
  models: Map<string, PartitionModel>,
  flushes: readonly { readonly request: FlushRequest; readonly outcome: FlushOutcome }[],
): boolean {
  if (flushes.length === 0) return true;
  return flushes.some(({ request, outcome }, i) => {
    const key = keyOf(request);
    const before = models.get(key);
    const model = before?.copy() ?? new PartitionModel();
    const conflicts = model.conflicts(request);
    const isPossible = outcome.kind === "applied"
      ? conflicts.length === 0
      : conflicts.some((conflict) => JSON.stringify(conflict) === JSON.stringify(outcome));
    if (!isPossible) return false;
    if (outcome.kind === "applied") {
      model.apply(request);
      models.set(key, model);
    }
    if (explain(models, flushes.filter((_, other) => other !== i))) return true;
    if (before === undefined) models.delete(key);
    else models.set(key, before);
    return false;
  });
}

export function keyOf({ topicId, partition }: { readonly topicId: string; readonly partition: number }): string {
  return `${topicId}/${partition}`;
}
