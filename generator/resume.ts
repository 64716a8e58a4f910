/** Where a run that was killed goes on: how much of it its topics hold, told by the records themselves. */
import { MillraceError } from "../core/errors.ts";
import { browse, type BrowsedRecord } from "../core/log/browse.ts";
import type { PartitionedLog, PartitionEnds, Topic } from "../core/log/partitioned_log.ts";
import { openReader } from "../core/log/registry.ts";
import type { Taken } from "./protocol.ts";
import { RECORD_ROOM_BYTES, type ScenarioWriter } from "./scenarios/scenario.ts";
import { type PartitionSchedule, scheduleOf } from "./schedule.ts";
import type { TrafficPart } from "./sources.ts";
import type { PlannedPace } from "./traffic.ts";

/** So many of the last records are compared. */
const COMPARED = 256;
/** Records of one millisecond that are looked through for its first; a partition gets fewer. */
const LOOKED_AT_MAX = 1_048_576;
const LOOKED_AT_BYTES = 1 << 30;
/** An append of a process that was killed may still be on its way: a log that stands still for so long holds it. */
const STILL_MS = 500;

/** A run, as far as one topic is concerned. */
export interface Run {
  readonly writer: ScenarioWriter;
  /** When its records come; null: as the clock goes. */
  readonly plan: (PlannedPace & Pick<TrafficPart, "curveOf" | "limit">) | null;
}

/** Resolves when the topic has not grown for a while. */
export async function standsStill(log: PartitionedLog, topic: Topic): Promise<void> {
  for (let before = "";;) {
    const now = JSON.stringify((await log.ends(topic)).map(({ end }) => end));
    if (now === before) return;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, STILL_MS));
  }
}

/**
 * Per partition, the records of the run that are in the topic. Of a plan those are told by their times, so that what was
 * there before the run does not matter; without one all are. Throws INVALID_INPUT where the topic ends with others.
 */
export async function takenOf(log: PartitionedLog, topic: Topic, run: Run): Promise<Taken[]> {
  const taken = Array.from({ length: topic.partitions }, (): Taken => ({ records: 0, previousMs: NaN }));
  for (const ends of await log.ends(topic)) {
    if (ends.end > ends.start) taken[ends.partition] = await takenIn(log, topic, ends, run);
  }
  return taken;
}

/** Throws INVALID_INPUT where the topic ends within [fromMs, toMs): it holds records of the range already. */
export async function refuseTwice(log: PartitionedLog, topic: Topic, fromMs: number, toMs: number): Promise<void> {
  for (const { partition, start, end } of await log.ends(topic)) {
    if (end <= start) continue;
    const last = (await lastRecords(log, topic, { partition, start, end }, 1)).at(-1);
    if (last === undefined || last.timestampMs < fromMs || last.timestampMs >= toMs) continue;
    throw new MillraceError(
      "INVALID_INPUT",
      `${topic.name} holds records up to ${iso(last.timestampMs)}, which is within the range: they would be made twice`,
      "go on with a run that was stopped by --resume, choose a later --from, or delete the topic",
    );
  }
}

async function takenIn(log: PartitionedLog, topic: Topic, ends: PartitionEnds, run: Run): Promise<Taken> {
  const { partition } = ends;
  const { writer, plan } = run;
  const records = await tailOf(log, topic, ends);
  const last = records.at(-1);
  if (last === undefined) throw notOfRun(topic, partition, "its last record cannot be read");
  const { timestampMs: lastMs } = last;
  if (plan === null) {
    // The first record after a restart is no copy of the one before.
    const mayFollow = [records.at(-2)?.timestampMs ?? NaN, NaN];
    if (!mayFollow.some((ms) => isMade(writer, partition, last, ms))) {
      throw notOfRun(topic, partition, "its last record is another");
    }
    return { records: ends.end, previousMs: NaN };
  }
  if (lastMs < plan.fromMs) return { records: 0, previousMs: NaN };
  if (lastMs >= plan.toMs) throw notOfRun(topic, partition, `it ends at ${iso(lastMs)}, behind the range`);
  const schedule = scheduleOf(plan, plan, partition, topic.partitions);
  const times = timesUpTo(schedule, lastMs);
  // Of several records of one millisecond those that are there are the first ones.
  const first = times.indexOf(lastMs);
  const count = records.length - records.findIndex(({ timestampMs }) => timestampMs === lastMs);
  if (first < 0 || first + count > times.length) {
    throw notOfRun(topic, partition, `it has other records at ${iso(lastMs)}`);
  }
  const taken = schedule.index - times.length + first + count;
  times.length = first + count;
  // Behind an earlier range the run begins with its first record, or it is another that has some in common with it.
  const begin = ends.end - taken;
  const [before] = begin <= ends.start ? [] : await lastRecords(log, topic, { ...ends, end: begin }, 1);
  if (begin < 0 || (before !== undefined && before.timestampMs >= plan.fromMs)) {
    throw notOfRun(topic, partition, `of its records those from ${iso(plan.fromMs)} on are others`);
  }
  const compared = Math.min(COMPARED, records.length, times.length, taken);
  for (let back = 1; back <= compared; back++) {
    const [record, timeMs] = [records[records.length - back], times[times.length - back]];
    const beforeMs = taken === back ? NaN : times[times.length - back - 1];
    if (beforeMs === undefined) break;
    if (record.timestampMs === timeMs && isMade(writer, partition, record, beforeMs)) continue;
    throw notOfRun(topic, partition, `record ${record.offset} is another`);
  }
  return { records: taken, previousMs: lastMs };
}

/** The last records, and with them all of the last one's millisecond. */
async function tailOf(log: PartitionedLog, topic: Topic, ends: PartitionEnds): Promise<readonly BrowsedRecord[]> {
  for (let size = COMPARED;; size *= 16) {
    const records = await lastRecords(log, topic, ends, size);
    const isWhole = records.length < size || size >= LOOKED_AT_MAX;
    if (isWhole || records[0].timestampMs < records[records.length - 1].timestampMs) return records;
  }
}

async function lastRecords(
  log: PartitionedLog,
  topic: Topic,
  { partition, start, end }: Pick<PartitionEnds, "partition" | "start" | "end">,
  limit: number,
): Promise<readonly BrowsedRecord[]> {
  const reader = openReader(log.readerSpec(topic, partition));
  try {
    const query = { from: Math.max(start, end - limit), limit, bytesMax: LOOKED_AT_BYTES, isWanted: () => true };
    return (await browse(reader, query)).records;
  } finally {
    reader.close();
  }
}

/** Goes through a schedule to behind `lastMs`; answers the last times, and all that are `lastMs`. */
function timesUpTo(schedule: PartitionSchedule, lastMs: number): number[] {
  const times: number[] = [];
  for (let ms = schedule.nextMs(lastMs + 1); Number.isFinite(ms); ms = schedule.nextMs(lastMs + 1)) {
    if (times.length > COMPARED && ms < lastMs) times.shift();
    times.push(ms);
    schedule.take();
  }
  return times;
}

const scratch = new Uint8Array(RECORD_ROOM_BYTES);

/** Whether a record is what the generator makes at its offset and time. */
function isMade(writer: ScenarioWriter, partition: number, record: BrowsedRecord, beforeMs: number): boolean {
  const { offset, timestampMs, value } = record;
  const end = writer.write(partition, offset, timestampMs, scratch, 0, beforeMs);
  return value !== null && value.length === end && value.every((byte, at) => byte === scratch[at]);
}

const iso = (ms: number): string => new Date(ms).toISOString();

function notOfRun({ name }: Topic, partition: number, why: string): MillraceError {
  return new MillraceError(
    "INVALID_INPUT",
    `${name}/${partition} does not end with records of this run: ${why}`,
    "--resume needs the options of the run that was stopped, with --from as a time; without it a further range is made",
  );
}
