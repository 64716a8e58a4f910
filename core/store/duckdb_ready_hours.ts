/**
 * Hours of minute cells that are ready to be exported: partials added up, quantiles and all, each as the Parquet file that
 * an export of the hour is. A file's name says which units it was made of, so that one is used only while they are the
 * same. They are made in the background of hours that rest, and may be lost at any time (docs/adr/038).
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { writeAll } from "../durable_file.ts";
import { DIMENSIONS, MEASURES } from "../minutes/fields.ts";
import { BackgroundPace } from "./background_pace.ts";
import type { ReadSnapshot } from "./duckdb_cells.ts";
import { minuteRange } from "./duckdb_conditions.ts";
import { asDirectoryError } from "./duckdb_errors.ts";
import { QUANTILES } from "./duckdb_export_quantiles.ts";
import { numberOf, rowsOf, textOf } from "./duckdb_values.ts";
import type { Export, ExportQuery, TimeRange } from "./ports.ts";

const HOUR_MS = 3_600_000;
const MINUTES_PER_BUCKET = 60;
/** What a file says; the number is another when rows of the same units become other ones. */
const CONTENT = JSON.stringify([1, DIMENSIONS, MEASURES, QUANTILES]);
/** Hours with fewer rows are exported as fast from the table, many of them together. */
const ROWS_MIN = 2_048;
/** Between two looks for hours to make: one that did not change in between rests. */
const INTERVAL_MS = 120_000;
/** Of a core it has a tenth. */
const REST_RATIO = 9;
const NAME = /^(-?\d+)-([0-9a-f]{32})\.parquet$/;
const MAKING = "making";

/** For tests: when other than usual. */
export interface ReadyHoursLimits {
  readonly intervalMs?: number;
  /** Rows of minutes from which on an hour is worth a file. */
  readonly rowsMin?: number;
}

export interface ReadyHoursParts extends ReadyHoursLimits {
  readonly directory: string;
  /** What the files may take up, about; 0: there are none. */
  readonly bytesMax: number;
  /** A snapshot in which `minutes` are whole. */
  readonly read: ReadSnapshot;
  /** Exports without ready hours; `look` is run within the export's snapshot. */
  readonly exportAnew: (query: ExportQuery, look: (connection: DuckDBConnection) => Promise<void>) => Promise<Export>;
  /** Hears that an hour could not be made; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** An hour's file, as a name of the export's own, so that it outlives the original. */
export interface ReadyHour {
  /** What the query wants of the hour. */
  readonly range: TimeRange;
  readonly isWhole: boolean;
  readonly path: string;
  readonly bytes: number;
  /** The name of the original. */
  readonly name: string;
}

interface File {
  readonly bucket: number;
  readonly bytes: number;
}

interface Hour {
  readonly topicId: string;
  readonly bucket: number;
  readonly name: string;
  /** Whether it is the last of its topic, which records may still come for. */
  readonly isNewest: boolean;
}

export class ReadyHours {
  readonly #parts: ReadyHoursParts;
  readonly #files = new Map<string, File>();
  #bytes = 0;
  /** Names of the hours as the last look saw them, and of those that have too few rows. */
  #seen: ReadonlySet<string> = new Set();
  readonly #small = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #pace = new BackgroundPace(REST_RATIO);
  #hasFailed = false;

  constructor(parts: ReadyHoursParts) {
    this.#parts = parts;
  }

  /** Takes up what an earlier process left, and makes hours from then on. Throws FILE_UNAVAILABLE. */
  async start(): Promise<void> {
    const { directory, bytesMax } = this.#parts;
    try {
      await Deno.mkdir(directory, { recursive: true });
      for await (const { name } of Deno.readDir(directory)) {
        const [, bucket] = NAME.exec(name) ?? [];
        if (bucket === undefined || bytesMax === 0) await Deno.remove(`${directory}/${name}`);
        else this.#add(name, { bucket: Number(bucket), bytes: (await Deno.stat(`${directory}/${name}`)).size });
      }
    } catch (error) {
      throw asDirectoryError(error, directory);
    }
    if (bytesMax > 0) this.#lookIn(this.#parts.intervalMs ?? INTERVAL_MS);
  }

  async stop(): Promise<void> {
    this.#pace.stop();
    clearTimeout(this.#timer);
    await this.#work;
  }

  /**
   * The hours that the query's range touches and that are ready, as the snapshot of `connection` has them; in the order of
   * time. Their files are linked to names that begin with `prefix`; whoever asks removes them.
   */
  async take(connection: DuckDBConnection, query: ExportQuery, prefix: string): Promise<ReadyHour[]> {
    if (this.#files.size === 0) return [];
    const { from, to } = minuteRange(query.range);
    const hours = await readHours(connection, "topic_id = $2 AND bucket >= $3 AND bucket < $4", [
      query.topicId,
      Math.floor(from / MINUTES_PER_BUCKET),
      Math.ceil(to / MINUTES_PER_BUCKET),
    ]);
    const taken: ReadyHour[] = [];
    for (const { bucket, name } of hours.toSorted((a, b) => a.bucket - b.bucket)) {
      const file = this.#files.get(name);
      if (file === undefined) continue;
      const path = `${prefix}${bucket}.parquet`;
      const hour = rangeOf(bucket);
      const range = {
        fromMs: Math.max(hour.fromMs, query.range.fromMs),
        toMs: Math.min(hour.toMs, query.range.toMs),
      };
      const isWhole = range.fromMs === hour.fromMs && range.toMs === hour.toMs;
      if (await this.#link(name, path)) taken.push({ range, isWhole, path, bytes: file.bytes, name });
    }
    return taken;
  }

  /** Forgets hours whose files turned out to be unreadable: the next export makes their rows anew. */
  async discard(hours: readonly ReadyHour[]): Promise<void> {
    for (const { name } of hours) await this.#remove(name);
  }

  async #link(name: string, path: string): Promise<boolean> {
    const from = `${this.#parts.directory}/${name}`;
    try {
      await Deno.link(from, path).catch(() => Deno.copyFile(from, path)); // not every file system has links
      return true;
    } catch {
      return false; // somebody removed it: the minutes are there
    }
  }

  #lookIn(delayMs: number): void {
    if (this.#pace.isStopped) return;
    this.#timer = setTimeout(() => {
      this.#work = this.#look().then(() => {
        this.#hasFailed = false;
      }, (error) => {
        if (!this.#pace.isStopped && !this.#hasFailed) this.#parts.onFailure(error);
        this.#hasFailed = true;
      }).finally(() => this.#lookIn(this.#parts.intervalMs ?? INTERVAL_MS));
    }, delayMs);
    Deno.unrefTimer(this.#timer);
  }

  /** Removes what is not of now, and makes what rests, the newest first. */
  async #look(): Promise<void> {
    const hours = await this.#parts.read((connection) => readHours(connection));
    const names = new Set(hours.map(({ name }) => name));
    for (const name of [...this.#files.keys()]) if (!names.has(name)) await this.#remove(name);
    for (const name of this.#small) if (!names.has(name)) this.#small.delete(name);
    const wanted = hours.filter(({ name, isNewest }) =>
      this.#seen.has(name) && !isNewest && !this.#files.has(name) && !this.#small.has(name)
    );
    this.#seen = names;
    for (const hour of wanted.sort((a, b) => b.bucket - a.bucket)) {
      if (this.#pace.isStopped || !this.#hasRoom(hour.bucket)) return;
      await this.#pace.step(async () => {
        if (await this.#isSmall(hour)) this.#small.add(hour.name);
        else await this.#make(hour);
      });
    }
  }

  /** An hour takes the place of an older one, but of no newer one. */
  #hasRoom(bucket: number): boolean {
    return this.#bytes < this.#parts.bytesMax || (this.#oldest()?.bucket ?? bucket) < bucket;
  }

  async #isSmall({ topicId, bucket }: Hour): Promise<boolean> {
    const [row] = await this.#parts.read((connection) =>
      rowsOf(connection, "SELECT count(*) AS rows FROM minutes WHERE topic_id = $1 AND minute >= $2 AND minute < $3", [
        topicId,
        bucket * MINUTES_PER_BUCKET,
        (bucket + 1) * MINUTES_PER_BUCKET,
      ])
    );
    return numberOf(row.rows) < (this.#parts.rowsMin ?? ROWS_MIN);
  }

  async #make({ topicId, bucket }: Hour): Promise<void> {
    const { directory, exportAnew, bytesMax } = this.#parts;
    const range = rangeOf(bucket);
    const query: ExportQuery = { topicId, table: "minutes", format: "parquet", range, where: [], isRaw: true };
    const path = `${directory}/${MAKING}`;
    try {
      using file = await Deno.open(path, { write: true, create: true, truncate: true });
      // It may have changed by now: the name is of what is written.
      const made: Hour[] = [];
      const { stream } = await exportAnew(query, async (connection) => {
        made.push(...await readHours(connection, "topic_id = $2 AND bucket = $3", [topicId, bucket]));
      });
      const bytes = await this.#write(file, stream);
      if (bytes === null) return;
      for (const { name } of made) {
        await Deno.rename(path, `${directory}/${name}`);
        this.#add(name, { bucket, bytes });
      }
    } finally {
      await Deno.remove(path).catch(() => {}); // renamed, unless it failed: a full disk is not to keep it
    }
    for (let old = this.#oldest(); old !== null && this.#bytes - old.bytes >= bytesMax; old = this.#oldest()) {
      await this.#remove(old.name);
    }
  }

  /** Durably; answers its size, or null where the store is to stop. */
  async #write(file: Deno.FsFile, stream: ReadableStream<Uint8Array>): Promise<number | null> {
    let bytes = 0;
    for await (const chunk of stream) {
      if (this.#pace.isStopped) return null;
      await writeAll(file, chunk);
      bytes += chunk.length;
    }
    await file.sync();
    return bytes;
  }

  #oldest(): (File & { readonly name: string }) | null {
    let oldest: (File & { readonly name: string }) | null = null;
    for (const [name, file] of this.#files) {
      if (oldest === null || file.bucket < oldest.bucket) oldest = { ...file, name };
    }
    return oldest;
  }

  #add(name: string, file: File): void {
    this.#bytes += file.bytes - (this.#files.get(name)?.bytes ?? 0);
    this.#files.set(name, file);
  }

  async #remove(name: string): Promise<void> {
    this.#bytes -= this.#files.get(name)?.bytes ?? 0;
    this.#files.delete(name);
    await Deno.remove(`${this.#parts.directory}/${name}`).catch(() => {}); // gone already, or gone at the next start
  }
}

function rangeOf(bucket: number): TimeRange {
  return { fromMs: bucket * HOUR_MS, toMs: (bucket + 1) * HOUR_MS };
}

/**
 * Hours that have units, and the names of their files. Minutes change with their units alone (docs/adr/006): a flush moves
 * `upto`, a replay the writer, retention deletes both.
 */
async function readHours(
  connection: DuckDBConnection,
  where = "true",
  values: (string | number)[] = [],
): Promise<Hour[]> {
  const rows = await rowsOf(
    connection,
    `SELECT topic_id, bucket, bucket = max(bucket) OVER (PARTITION BY topic_id) AS "isNewest",
       md5($1 || topic_id || ' ' || string_agg(part || ':' || upto || ':' || writer, ',' ORDER BY part)) AS version
     FROM units WHERE ${where} GROUP BY topic_id, bucket`,
    [CONTENT, ...values],
  );
  return rows.map(({ topic_id, bucket, isNewest, version }) => ({
    topicId: textOf(topic_id),
    bucket: numberOf(bucket),
    name: `${numberOf(bucket)}-${textOf(version)}.parquet`,
    isNewest: isNewest === true,
  }));
}
