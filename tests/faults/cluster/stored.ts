/** What a store answers of a topic, in the shape of the recount. */
import { z } from "zod";
import type { ExportTable, Store } from "../../../core/store/ports.ts";
import type { Figures, Recount } from "./recount.ts";

const EVER = { fromMs: Date.UTC(2000, 0, 1), toMs: Date.UTC(2100, 0, 1) };

const minuteRow = z.object({
  minute: z.string(),
  service: z.string().nullable(),
  level: z.string(),
  count: z.number(),
  errors: z.number(),
  response_time_sum: z.number().nullable(),
  response_time_min: z.number().nullable(),
  response_time_max: z.number().nullable(),
});
const place = z.object({ partition: z.number(), offset: z.number() });

export interface Stored extends Omit<Recount, "records"> {
  /** Records in minutes of the level UNPARSED. */
  readonly unparsedInMinutes: number;
  /** Events and quarantined records that are there more than once. */
  readonly twice: number;
}

export async function readStored(store: Store, topicId: string, partitions: number): Promise<Stored> {
  const minutes = new Map<string, Figures>();
  let unparsedInMinutes = 0;
  for await (const line of linesOf(store, topicId, "minutes")) {
    const row = minuteRow.parse(line);
    if (row.level === "UNPARSED") {
      unparsedInMinutes += row.count;
      continue;
    }
    minutes.set(`${new Date(row.minute).toISOString()} ${row.service} ${row.level}`, {
      count: row.count,
      errors: row.errors,
      sum: row.response_time_sum ?? 0,
      min: row.response_time_min ?? Infinity,
      max: row.response_time_max ?? -Infinity,
    });
  }
  const events = await offsetsOf(store, topicId, "events", partitions);
  const quarantine = await offsetsOf(store, topicId, "quarantine", partitions);
  return {
    minutes,
    unparsedInMinutes,
    parsed: events.offsets,
    unparsed: quarantine.offsets,
    twice: events.twice + quarantine.twice,
  };
}

async function offsetsOf(
  store: Store,
  topicId: string,
  table: ExportTable,
  partitions: number,
): Promise<{ offsets: Set<number>[]; twice: number }> {
  const offsets = Array.from({ length: partitions }, () => new Set<number>());
  let rows = 0;
  for await (const line of linesOf(store, topicId, table)) {
    const { partition, offset } = place.parse(line);
    offsets[partition].add(offset);
    rows++;
  }
  return { offsets, twice: rows - offsets.reduce((sum, { size }) => sum + size, 0) };
}

async function* linesOf(store: Store, topicId: string, table: ExportTable): AsyncGenerator<unknown> {
  const { stream } = await store.export({ topicId, table, format: "ndjson", range: EVER, where: [], isRaw: true });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
  if (rest !== "") yield JSON.parse(rest);
}
