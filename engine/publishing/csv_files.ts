/**
 * Final minutes as CSV files, for people with spreadsheets. aggregated_logs/TOPIC/DATE/HOUR.csv has the minutes of an hour
 * that are final so far, processed_logs_hourly/TOPIC/DATE/HOUR.csv the whole hour in one row a set of dimensions, once all
 * of its minutes are final. A file is replaced as a whole, and again where late events change it: whoever opens one sees
 * every record once. The ledger says what a file was made of, so that what a crash interrupted is made again.
 */
import { z } from "zod";
import { failedWrite, syncDirectory, writeAll } from "../../core/durable_file.ts";
import { messageOf } from "../../core/errors.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import type { ExportTable, Store } from "../../core/store/ports.ts";
import { MINUTE_MS, MINUTES_PER_BUCKET } from "./final_minutes.ts";
import { HourWatch, type WatchedHour } from "./hour_watch.ts";

export interface CsvFilesParts {
  readonly directory: string;
  /** Age at which files are deleted, milliseconds; 0: never. */
  readonly retentionMs: number;
  readonly log: Pick<PartitionedLog, "ends">;
  readonly store: Pick<Store, "get" | "compareAndSet" | "partitions" | "unitVersions" | "export">;
  /** Topics that are this process's to write. */
  readonly topics: () => readonly Topic[];
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly onNotice: (message: string) => void;
}

const SWEEP_MS = 3_600_000;
/** So often another may come first with an hour before it is left to the next look. */
const TRIES = 5;
/** A file that is being written; one that is older was left by a crash. */
const PART = /^\..*\.part$/;

/** What the files of an hour were made of. */
const written = z.object({
  /** Where they are: files of another directory are none. */
  directory: z.string(),
  version: z.string(),
  /** The first minute that is not in them. */
  to: z.int(),
  /** Counts the decisions: two writers never mean the same one. */
  revision: z.int(),
  /** False from the decision until the files are in their places. */
  isPut: z.boolean(),
});
type Written = z.infer<typeof written>;

const FOLDERS = { minutes: "aggregated_logs", hours: "processed_logs_hourly" } as const;

export class CsvFiles {
  readonly #parts: CsvFilesParts;
  readonly #hours: HourWatch;
  #sweepAtMs = -Infinity;
  #lastError = "";

  constructor(parts: CsvFilesParts) {
    this.#parts = parts;
    this.#hours = new HourWatch({ ...parts, tick: () => this.tick() });
  }

  start(): void {
    this.#hours.start();
  }

  stop(): Promise<void> {
    return this.#hours.stop();
  }

  /** Writes what is to be written at the moment. A failure is told once, and tried again by the next call. */
  async tick(): Promise<void> {
    const { topics, onNotice } = this.#parts;
    try {
      const wanted = topics();
      this.#hours.keepOnly(wanted);
      for (const topic of wanted) await this.#hours.visit(topic, (hour) => this.#write(topic, hour));
      await this.#sweep();
      if (this.#lastError !== "") onNotice("csv: goes on");
      this.#lastError = "";
    } catch (error) {
      const text = messageOf(error);
      if (text !== this.#lastError) onNotice(`error: csv: ${text}; this is tried again`);
      this.#lastError = text;
    }
  }

  async #write(topic: Topic, { bucket, version, to, seenUntil, isRevising, settled }: WatchedHour): Promise<void> {
    const state = `${version} ${to}`;
    // An hour that goes on changes all the time: only its end, or the next look for late events, makes a new file.
    const isOnlyLate = to < seenUntil && !isRevising;
    if (settled.get(bucket) === state || isOnlyLate) return;
    if (await this.#writeHour(topic, bucket, version, to)) settled.set(bucket, state);
  }

  /** False: another writes it at the moment; it is looked at again. */
  async #writeHour(topic: Topic, bucket: number, version: string, until: number): Promise<boolean> {
    const { directory, store } = this.#parts;
    const key = `csv/${topic.id}/${bucket}`;
    for (let tries = 0; tries < TRIES; tries++) {
      const before = await store.get(key);
      const text = before === null ? null : written.parse(JSON.parse(before));
      const known: Written | null = text?.directory === directory ? text : null;
      // What was final once stays so, also where a partition that was idle then has not been so for long now.
      const to = Math.max(until, known?.to ?? 0);
      if (known !== null && known.isPut && known.version === version && known.to === to) return true;
      const decision: Written = { directory, version, to, revision: (text?.revision ?? -1) + 1, isPut: false };
      const decided = JSON.stringify(decision);
      if (!await store.compareAndSet(key, before, decided)) continue;
      const start = bucket * MINUTES_PER_BUCKET;
      await this.#put("minutes", topic, start, to);
      if (to === start + MINUTES_PER_BUCKET) await this.#put("hours", topic, start, to);
      // Where another decided meanwhile, its file may lie under this one: it is made anew, from what is stored now.
      if (await store.compareAndSet(key, decided, JSON.stringify({ ...decision, isPut: true }))) return true;
    }
    return false;
  }

  /** Puts the minutes [from, to) of a topic in their place, whole and durable. */
  async #put(table: ExportTable & keyof typeof FOLDERS, topic: Topic, from: number, to: number): Promise<void> {
    const { store } = this.#parts;
    const range = { fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS };
    const query = { topicId: topic.id, table, format: "csv", range, where: [], isRaw: false } as const;
    const [date, time] = new Date(range.fromMs).toISOString().split("T");
    const folder = `${this.#parts.directory}/${FOLDERS[table]}/${topic.name}/${date}`;
    const path = `${folder}/${time.slice(0, 2)}.csv`;
    const part = `${folder}/.${crypto.randomUUID()}.part`;
    try {
      await Deno.mkdir(folder, { recursive: true });
      {
        using file = await Deno.open(part, { write: true, createNew: true });
        for await (const chunk of (await store.export(query)).stream) await writeAll(file, chunk);
        await file.sync();
      }
      await Deno.rename(part, path);
      await syncDirectory(folder);
    } catch (cause) {
      await Deno.remove(part).catch(() => {});
      throw failedWrite(path, cause);
    }
  }

  /** Deletes files that are too old, and what crashes left. */
  async #sweep(): Promise<void> {
    const { directory, retentionMs, now } = this.#parts;
    if (now() < this.#sweepAtMs) return;
    this.#sweepAtMs = now() + SWEEP_MS;
    for (const folder of Object.values(FOLDERS)) await sweep(`${directory}/${folder}`, retentionMs);
  }
}

/** Below a folder: files that were written longer ago than the retention, and folders that are empty then. */
async function sweep(folder: string, retentionMs: number): Promise<void> {
  const nowMs = Date.now();
  for await (const { name, isDirectory } of entriesOf(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      await sweep(path, retentionMs);
      if ((await Array.fromAsync(entriesOf(path))).length === 0) await Deno.remove(path).catch(() => {});
      continue;
    }
    const limitMs = PART.test(name) ? SWEEP_MS : name.endsWith(".csv") && retentionMs > 0 ? retentionMs : Infinity;
    const { mtime } = await Deno.stat(path);
    if (mtime !== null && nowMs - mtime.getTime() > limitMs) await Deno.remove(path);
  }
}

async function* entriesOf(folder: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
