/**
 * The embedded partitioned log: topics of segment files under DIR/log, in one process.
 *
 *     log/topics/<topic id>/topic.json                       name, partitions, format; written once
 *     log/topics/<topic id>/<partition>/<base offset>.log    record batches, see segment.ts
 *     log/topics/<topic id>.new, <topic id>.deleted          being made, being removed: finished at start
 *
 * A topic appears and goes by the rename of its directory. The caller holds the data directory's lock (data_lock.ts).
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import { messageOf, MillraceError } from "../errors.ts";
import { failedWrite, syncDirectory, writeFileSynced } from "../durable_file.ts";
import { EmbeddedReader } from "./embedded_reader.ts";
import { type LogSettings, type OpenSegmentFile, openSegmentFile, PartitionWriter } from "./partition_writer.ts";
import type {
  CreateTopicOptions,
  EmbeddedReaderSpec,
  EncodedBatch,
  PartitionedLog,
  PartitionEnds,
  Topic,
} from "./partitioned_log.ts";
import { checkBatch, unknownTopic } from "./appends.ts";

const TOPIC_VERSION = 1;
const topicFile = z.object({
  version: z.literal(TOPIC_VERSION),
  id: z.uuid(),
  name: z.string().min(1),
  partitions: z.int().min(1),
  format: z.string().optional(),
  createdMs: z.int(),
});

export interface EmbeddedLogOptions {
  /** The data directory; the log keeps to its folder `log`, which is made where it is missing. */
  readonly dataDirectory: string;
  /** `config.log`. */
  readonly settings: LogSettings;
  /** Hears what a person should know: a torn tail that was cut, a deletion that was finished. */
  readonly onNotice?: (message: string) => void;
  /** How segment files are opened to append; tests make them fail. */
  readonly openFile?: OpenSegmentFile;
}

/** The first offset that must stay, whatever its age: what is derived from the log does not reflect it yet. */
export type KeepFrom = (topicId: string, partition: number) => number;

interface OpenTopic {
  readonly topic: Topic;
  readonly directory: string;
  readonly ends: SharedArrayBuffer;
  readonly writers: readonly PartitionWriter[];
  /** For {@link EmbeddedLog.timestampAt}, made when first asked. */
  readonly readers: Map<number, EmbeddedReader>;
}

/**
 * Opens the log: finishes what a crash left half-way, checks the last segment of every partition and cuts torn tails.
 * Throws CORRUPT_DATA, NEWER_DATA or FILE_UNAVAILABLE.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const log = new EmbeddedLog(options);
  await log.open();
  return log;
}

export class EmbeddedLog implements PartitionedLog {
  readonly #directory: string;
  readonly #settings: LogSettings;
  readonly #onNotice: (message: string) => void;
  readonly #openFile: OpenSegmentFile;
  readonly #topics = new Map<string, OpenTopic>();
  /** Topics are made, removed and trimmed one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Use {@link openEmbeddedLog}. */
  constructor(options: EmbeddedLogOptions) {
    this.#directory = join(options.dataDirectory, "log", "topics");
    this.#settings = options.settings;
    this.#onNotice = options.onNotice ?? (() => {});
    this.#openFile = options.openFile ?? openSegmentFile;
  }

  /** Called once, by {@link openEmbeddedLog}. */
  async open(): Promise<void> {
    try {
      await Deno.mkdir(this.#directory, { recursive: true });
      for (const entry of [...Deno.readDirSync(this.#directory)]) {
        const path = join(this.#directory, entry.name);
        if (/\.(new|deleted)$/.test(entry.name)) {
          await Deno.remove(path, { recursive: true });
          this.#onNotice(`${path}: removed what a stopped process had left`);
        } else if (entry.isDirectory) {
          const topic = readTopicFile(join(path, "topic.json"));
          this.#topics.set(topic.name, await this.#openTopic(topic, path));
        }
      }
      for (const directory of [this.#directory, dirname(this.#directory), dirname(dirname(this.#directory))]) {
        await syncDirectory(directory);
      }
    } catch (error) {
      await this.close();
      if (error instanceof MillraceError) throw error;
      throw new MillraceError(
        "FILE_UNAVAILABLE",
        `${this.#directory}: cannot be opened: ${messageOf(error)}`,
        "choose a data directory that this user may read and write (--data DIR)",
        { cause: error },
      );
    }
  }

  /** Bytes appended but not yet durable, over all partitions: who feeds the log stops above a limit. */
  get pendingBytes(): number {
    let sum = 0;
    for (const { writers } of this.#topics.values()) for (const writer of writers) sum += writer.pendingBytes;
    return sum;
  }

  listTopics(): Promise<readonly Topic[]> {
    const topics = [...this.#topics.values()].map((open) => open.topic);
    return Promise.resolve(topics.sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  findTopic(name: string): Promise<Topic | undefined> {
    return Promise.resolve(this.#topics.get(name)?.topic);
  }

  createTopic(name: string, options: CreateTopicOptions): Promise<Topic> {
    return this.#inTurn(async () => {
      const existing = this.#topics.get(name);
      if (existing !== undefined) return existing.topic;
      if (this.#isClosed) throw closedLog();
      const topic: Topic = { id: crypto.randomUUID(), name, partitions: options.partitions, format: options.format };
      const content = topicFile.safeParse({ ...topic, version: TOPIC_VERSION, createdMs: Date.now() });
      if (!content.success) throw invalidTopic(name, content.error);
      const directory = join(this.#directory, topic.id);
      await this.#makeTopicDirectory(directory, topic.partitions, JSON.stringify(content.data, null, 2) + "\n");
      this.#topics.set(name, await this.#openTopic(topic, directory));
      return topic;
    });
  }

  /** Removes the topic and its records; no such topic: nothing. Readers that are still open get OffsetOutOfRange. */
  deleteTopic(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const open = this.#topics.get(name);
      if (open === undefined) return;
      this.#topics.delete(name);
      await closeTopic(open, unknownTopic(open.topic));
      const ends = new BigInt64Array(open.ends);
      for (let partition = 0; partition < open.topic.partitions; partition++) {
        Atomics.store(ends, 2 * partition, Atomics.load(ends, 2 * partition + 1));
      }
      const deleted = `${open.directory}.deleted`;
      await Deno.rename(open.directory, deleted);
      await syncDirectory(this.#directory);
      await Deno.remove(deleted, { recursive: true });
    });
  }

  /**
   * See {@link PartitionedLog.append}. The batch's bytes are the log's until this resolves (it fills the offset in).
   * Appends to one partition take effect in the order of the calls. Throws INVALID_INPUT for bytes that are not one
   * whole batch or larger than `log.recordBytesMax` (and room), UNKNOWN_TOPIC, DISK_FULL (nothing was kept; send it
   * again), FILE_UNAVAILABLE. A process that is killed before the answer may or may not have kept the batch.
   */
  async append(topic: Topic, partition: number, batch: EncodedBatch): Promise<number> {
    checkBatch(topic, batch, this.#settings.recordBytesMax, "log.recordBytesMax");
    return await this.#writer(topic, partition).append(batch);
  }

  ends(topic: Topic): Promise<readonly PartitionEnds[]> {
    const open = this.#openedTopic(topic);
    const ends = new BigInt64Array(open.ends);
    return Promise.resolve(open.writers.map((writer, partition) => ({
      partition,
      start: Number(Atomics.load(ends, 2 * partition)),
      end: Number(Atomics.load(ends, 2 * partition + 1)),
      written: Number(Atomics.load(ends, 2 * partition + 1)),
      sizeBytes: writer.sizeBytes,
    })));
  }

  /** Time of the first record of the batch that holds `offset`. */
  timestampAt(topic: Topic, partition: number, offset: number): Promise<number | null> {
    const open = this.#openedTopic(topic);
    let reader = open.readers.get(partition);
    if (reader === undefined) {
      reader = new EmbeddedReader(join(open.directory, String(partition)), partition, open.ends);
      open.readers.set(partition, reader);
    }
    return Promise.resolve(reader.timestampAt(offset));
  }

  readerSpec(topic: Topic, partition: number): EmbeddedReaderSpec {
    const { directory, ends } = this.#openedTopic(topic);
    return { kind: "embedded", directory: join(directory, String(partition)), partition, ends };
  }

  /**
   * Makes sure that the next batch gets `offset` or more, where the store knows of more records than the log kept (a
   * power loss with `fsync: never` or a restored copy): offsets that stand for records in the store must not be given
   * to others. Called at start with each partition's checkpoint, before anything is appended. The offsets jumped over
   * hold no records.
   */
  async ensureEnd(topicId: string, partition: number, offset: number): Promise<void> {
    for (const { topic, writers } of this.#topics.values()) {
      if (topic.id === topicId) await writers[partition]?.ensureEnd(offset);
    }
  }

  /**
   * Removes segments past `log.retentionHours` (since their last write) and `log.retentionBytes` (a partition), never
   * the one being written. Answers how many.
   */
  applyRetention(nowMs: number, keepFrom: KeepFrom = () => Infinity): Promise<number> {
    return this.#inTurn(async () => {
      let removed = 0;
      for (const { topic, writers } of this.#topics.values()) {
        for (const [partition, writer] of writers.entries()) {
          removed += await writer.applyRetention(nowMs, keepFrom(topic.id, partition));
        }
      }
      return removed;
    });
  }

  /** Makes durable what was appended, and lets go of all files. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inTurn(async () => {
      for (const open of this.#topics.values()) await closeTopic(open, closedLog());
      this.#topics.clear();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #makeTopicDirectory(directory: string, partitions: number, content: string): Promise<void> {
    const unfinished = `${directory}.new`;
    try {
      await Deno.mkdir(unfinished);
      for (let partition = 0; partition < partitions; partition++) {
        await Deno.mkdir(join(unfinished, String(partition)));
      }
      await writeFileSynced(join(unfinished, "topic.json"), new TextEncoder().encode(content));
      await syncDirectory(unfinished);
      await Deno.rename(unfinished, directory);
      await syncDirectory(this.#directory);
    } catch (error) {
      await Deno.remove(unfinished, { recursive: true }).catch(() => {});
      throw failedWrite(directory, error);
    }
  }

  async #openTopic(topic: Topic, directory: string): Promise<OpenTopic> {
    const ends = new SharedArrayBuffer(topic.partitions * 2 * BigInt64Array.BYTES_PER_ELEMENT);
    const writers: PartitionWriter[] = [];
    for (let partition = 0; partition < topic.partitions; partition++) {
      writers.push(
        await PartitionWriter.open({
          directory: join(directory, String(partition)),
          partition,
          settings: this.#settings,
          ends: new BigInt64Array(ends),
          openFile: this.#openFile,
          onNotice: this.#onNotice,
        }),
      );
    }
    return { topic, directory, ends, writers, readers: new Map() };
  }

  #openedTopic(topic: Topic): OpenTopic {
    const open = this.#topics.get(topic.name);
    if (open === undefined || open.topic.id !== topic.id) throw this.#isClosed ? closedLog() : unknownTopic(topic);
    return open;
  }

  #writer(topic: Topic, partition: number): PartitionWriter {
    const writer = this.#openedTopic(topic).writers[partition];
    if (writer === undefined) throw new RangeError(`partition ${partition} of ${topic.partitions}`);
    return writer;
  }
}

async function closeTopic(open: OpenTopic, reason: MillraceError): Promise<void> {
  for (const reader of open.readers.values()) reader.close();
  await Promise.all(open.writers.map((writer) => writer.close(reason)));
}

function readTopicFile(path: string): Topic {
  const remedy = "restore the file from a copy, or move its directory out of the data directory";
  let content: unknown;
  try {
    content = JSON.parse(Deno.readTextFileSync(path));
  } catch (cause) {
    throw new MillraceError("CORRUPT_DATA", `${path}: cannot be read as JSON: ${messageOf(cause)}`, remedy, { cause });
  }
  const { version } = z.object({ version: z.number() }).safeParse(content).data ?? { version: 0 };
  if (version > TOPIC_VERSION) {
    const message = `${path}: format version ${version}, this Millrace reads ${TOPIC_VERSION}`;
    throw new MillraceError("NEWER_DATA", message, "use the Millrace that wrote it, or a newer one");
  }
  const parsed = topicFile.safeParse(content);
  if (!parsed.success) throw new MillraceError("CORRUPT_DATA", `${path}: ${z.prettifyError(parsed.error)}`, remedy);
  const { id, name, partitions, format } = parsed.data;
  return { id, name, partitions, format };
}

function invalidTopic(name: string, error: z.ZodError): MillraceError {
  return new MillraceError("INVALID_INPUT", `topic ${name}: ${z.prettifyError(error)}`, "give it 1 or more partitions");
}

function closedLog(): MillraceError {
  return new MillraceError("UNREACHABLE", "the log is closed", "start Millrace again");
}
