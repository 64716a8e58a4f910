/** How far partitions have been stored in DuckDB. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { UnitBounds } from "./duckdb_unit_bounds.ts";
import { numberOf, numberOrNull, Parameters, type Row, rowsOf, textOf } from "./duckdb_values.ts";
import type { PartitionState } from "./ports.ts";

export interface PartitionOf {
  readonly topicId: string;
  readonly partition: number;
}

const NEVER_STORED: PartitionState = {
  checkpoint: 0,
  writer: null,
  watermarkMs: null,
  totals: { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 },
};

/** The states of these partitions, in their order; `bounds` hears of their newest units. */
export async function readStates(
  connection: DuckDBConnection,
  of: readonly PartitionOf[],
  bounds: UnitBounds,
): Promise<PartitionState[]> {
  const values = new Parameters();
  const keys = of.map(({ topicId, partition }) => values.list([topicId, partition]));
  const rows = await rowsOf(
    connection,
    `SELECT *, (SELECT max(bucket) FROM units u WHERE u.topic_id = p.topic_id AND u.part = p.part) AS newest
     FROM partitions p WHERE (topic_id, part) IN (${keys.join(", ")})`,
    values.values,
  );
  const found = new Map(rows.map((row) => [`${textOf(row.topic_id)}/${numberOf(row.part)}`, row]));
  return of.map(({ topicId, partition }) => {
    const row = found.get(`${topicId}/${partition}`);
    bounds.found(topicId, partition, row === undefined ? null : numberOrNull(row.newest));
    return row === undefined ? NEVER_STORED : stateOf(row);
  });
}

/** All partitions of each of these topics that have been stored, in order. */
export async function readPartitions(
  connection: DuckDBConnection,
  topicIds: readonly string[],
): Promise<(PartitionState & { partition: number })[][]> {
  const rows = await rowsOfTopics(connection, "SELECT * FROM partitions", "part", topicIds);
  return rows.map((own) => own.map((row) => ({ partition: numberOf(row.part), ...stateOf(row) })));
}

/** Gaps of each of these topics, in order. */
export async function readGaps(connection: DuckDBConnection, topicIds: readonly string[]): Promise<Gap[][]> {
  const rows = await rowsOfTopics(connection, "SELECT * FROM gaps", "part, start_offset", topicIds);
  return rows.map((own) =>
    own.map((row) => ({
      partition: numberOf(row.part),
      start: numberOf(row.start_offset),
      end: numberOf(row.end_offset),
    }))
  );
}

export interface Gap {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** Rows of each topic; the same topic may be asked for more than once. */
async function rowsOfTopics(
  connection: DuckDBConnection,
  select: string,
  order: string,
  topicIds: readonly string[],
): Promise<readonly Row[][]> {
  const values = new Parameters();
  const asked = [...new Set(topicIds)].map((id) => values.add(id));
  const rows = await rowsOf(
    connection,
    `${select} WHERE topic_id IN (${asked.join(", ")}) ORDER BY topic_id, ${order}`,
    values.values,
  );
  const byTopic = Map.groupBy(rows, (row) => textOf(row.topic_id));
  return topicIds.map((id) => byTopic.get(id) ?? []);
}

function stateOf(row: Row): PartitionState {
  return {
    checkpoint: numberOf(row.checkpoint),
    writer: textOf(row.writer),
    watermarkMs: numberOrNull(row.watermark_ms),
    totals: {
      consumed: numberOf(row.consumed),
      events: numberOf(row.events),
      unparsed: numberOf(row.unparsed),
      late: numberOf(row.late),
      clockBad: numberOf(row.clock_bad),
    },
  };
}
