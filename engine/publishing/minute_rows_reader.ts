/** The minutes of a range as a store exports them, grouped. */
import { z } from "zod";
import type { Store, TimeRange } from "../../core/store/ports.ts";
import { MINUTE_MS, type MinuteRow } from "./final_minutes.ts";

/** Rows beyond which a range of several minutes is read in parts: what bounds the memory. */
const ROWS_MAX = 50_000;

const minuteRow = z.looseObject({ minute: z.string() });

/** Rows by minute (minutes since 1970 UTC); null where there are too many, and a shorter range has to be asked for. */
export async function readMinuteRows(
  store: Pick<Store, "export">,
  topicId: string,
  range: TimeRange,
): Promise<ReadonlyMap<number, readonly MinuteRow[]> | null> {
  const isDivisible = range.toMs - range.fromMs > MINUTE_MS;
  const { stream } = await store.export({ topicId, table: "minutes", format: "ndjson", range, where: [], isRaw: true });
  const rows = new Map<number, MinuteRow[]>();
  let count = 0;
  for await (const line of linesOf(stream)) {
    if (isDivisible && ++count > ROWS_MAX) return null;
    const row = minuteRow.parse(JSON.parse(line)) as MinuteRow;
    const minute = Date.parse(row.minute) / MINUTE_MS;
    const of = rows.get(minute);
    if (of === undefined) rows.set(minute, [row]);
    else of.push(row);
  }
  return rows;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
