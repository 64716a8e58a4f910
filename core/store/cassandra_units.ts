/** What units were made of, and other contents for them: replays in Cassandra. */
import { DIMENSIONS, UNPARSED } from "../minutes/fields.ts";
import { MillraceError } from "../errors.ts";
import { bytesIn, type CassandraClient, numberIn, numberOrNullIn, type Statement, textIn } from "./cassandra_client.ts";
import { dimensionsOf } from "./cassandra_cells.ts";
import { BATCH_MAX, CELL, markUnits, unitRows, writeBlocks } from "./cassandra_flush.ts";
import type { UnitExtent, UnitReplacement } from "./ports.ts";

const UNIT = "topic_id = ? AND part = ? AND bucket = ?";
const LEVEL = DIMENSIONS.indexOf("level");

export async function readExtents(
  client: CassandraClient,
  topicId: string,
  partition: number,
  buckets: readonly number[],
): Promise<Omit<UnitExtent, "kept">[]> {
  const extents = await Promise.all(buckets.map(async (bucket): Promise<Omit<UnitExtent, "kept">[]> => {
    const key = [topicId, partition, bucket];
    const [unit] = await client.rows(
      `SELECT DISTINCT topic_id, part, bucket, upto, writer FROM ${client.keyspace}.units WHERE ${UNIT}`,
      key,
      { isSerial: true },
    );
    if (unit === undefined || numberOrNullIn(unit, "upto") === null) return [];
    let [fromOffset, count, unparsed] = [Infinity, 0, 0];
    const select = `SELECT from_offset, amount, data FROM ${client.keyspace}.units WHERE ${UNIT} AND kind = ?`;
    for await (const row of client.stream(select, [...key, CELL])) {
      fromOffset = Math.min(fromOffset, numberIn(row, "from_offset"));
      count += numberIn(row, "amount");
      if (dimensionsOf(bytesIn(row, "data"))[LEVEL] === UNPARSED) unparsed += numberIn(row, "amount");
    }
    if (count === 0) return [];
    return [{ bucket, upto: numberIn(unit, "upto"), writer: textIn(unit, "writer"), fromOffset, count, unparsed }];
  }));
  return extents.flat();
}

/** One conditional batch: the unit's rows go, others come, and its writer is another. */
export async function replaceUnit(client: CassandraClient, replacement: UnitReplacement): Promise<boolean> {
  const { topicId, partition, unit, writer, minutes, totals } = replacement;
  const { bucket, upto } = unit;
  const key = [topicId, partition, bucket];
  const { keyspace } = client;
  const [before] = await client.rows(
    `SELECT DISTINCT topic_id, part, bucket, replaced FROM ${keyspace}.units WHERE ${UNIT}`,
    key,
  );
  const replaced = before === undefined ? 0 : numberOrNullIn(before, "replaced") ?? 0;
  const flush = {
    topicId,
    partition,
    writer,
    at: upto,
    units: [{ bucket, expect: upto }],
    lastRecordTimeMs: Date.now(),
  };
  const blocks = await writeBlocks(client, {
    ...flush,
    events: replacement.events,
    quarantine: replacement.quarantine,
  });
  const drops: Statement[] = [];
  const select = `SELECT kind, minute, from_offset, cell FROM ${keyspace}.units WHERE ${UNIT}`;
  const drop =
    `DELETE FROM ${keyspace}.units WHERE ${UNIT} AND kind = ? AND minute = ? AND from_offset = ? AND cell = ?`;
  const added = unitRows(keyspace, key, { minutes, bucket, upto }, blocks.get(bucket) ?? []);
  // A deletion and an insertion of one row in one batch have one time, and the deletion would win.
  const kept = new Set(added.map(({ params }) => JSON.stringify(params.slice(3, 7).map(String))));
  for await (const row of client.stream(select, key)) {
    if (row.kind === null) continue; // the static columns of a unit without rows
    const place = [
      numberIn(row, "kind"),
      numberIn(row, "minute"),
      BigInt(numberIn(row, "from_offset")),
      textIn(row, "cell"),
    ];
    if (!kept.has(JSON.stringify(place.map(String)))) drops.push({ query: drop, params: [...key, ...place] });
  }
  if (1 + drops.length + added.length > BATCH_MAX) {
    throw new MillraceError(
      "REFUSED",
      `hour ${bucket} of partition ${partition} has ${drops.length} rows, too many to replace at once`,
      "replay it with a preset of fewer dimensions",
    );
  }
  await markUnits(client, flush, true);
  const found = await client.compareAndSet([
    {
      query: `UPDATE ${keyspace}.units SET writer = ?, replaced = ? WHERE ${UNIT} IF upto = ? AND writer = ?`,
      params: [writer, replaced + 1, ...key, BigInt(upto), unit.writer],
    },
    ...drops,
    ...added,
  ]);
  await markUnits(client, flush, false);
  if (found !== null) return false;
  await addTotals(client, replacement, totals);
  return true;
}

async function addTotals(
  client: CassandraClient,
  { topicId, partition }: UnitReplacement,
  totals: UnitReplacement["totals"],
): Promise<void> {
  if (totals.events === 0 && totals.unparsed === 0) return;
  const table = `${client.keyspace}.partitions`;
  for (;;) {
    const [row] = await client.rows(
      `SELECT DISTINCT topic_id, part, events, unparsed FROM ${table} WHERE topic_id = ? AND part = ?`,
      [topicId, partition],
      { isSerial: true },
    );
    const [events, unparsed] = [numberIn(row, "events"), numberIn(row, "unparsed")];
    const found = await client.compareAndSet([{
      query:
        `UPDATE ${table} SET events = ?, unparsed = ? WHERE topic_id = ? AND part = ? IF events = ? AND unparsed = ?`,
      params: [
        BigInt(events + totals.events),
        BigInt(unparsed + totals.unparsed),
        topicId,
        partition,
        BigInt(events),
        BigInt(unparsed),
      ],
    }]);
    if (found === null) return;
  }
}
