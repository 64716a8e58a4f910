/**
 * The writing side of one partition of the embedded log.
 *
 * Appends are committed in groups: written, synced once by the fsync policy, and only then shown to readers and
 * answered. A group that fails is cut off the file, so that readers never see a part of it and its offsets, which
 * nobody has seen, are given out again.
 *
 * After a failed fsync Linux forgets that the pages were dirty, so that a second fsync "succeeds" without having
 * written them (https://lwn.net/Articles/752063). It is therefore never repeated: the group is cut off and fails, and
 * that file is not written again. Where the disk was full, the next append starts a new segment; for any other reason
 * the partition takes no more writes until a restart has checked the file.
 */
import { isDiskFull, messageOf, MillraceError } from "../errors.ts";
import { failedWrite, syncDirectory, writeAll } from "../durable_file.ts";
import type { EncodedBatch } from "./partitioned_log.ts";
import { setBaseOffset } from "./record_batch.ts";
import { listSegments, recoverSegment, segmentPath } from "./segment.ts";

/** The part of the configuration that the log needs (`config.log`). */
export interface LogSettings {
  readonly segmentBytes: number;
  readonly fsync: "always" | "interval" | "never";
  readonly fsyncIntervalMs: number;
  readonly retentionHours: number;
  /** Per partition. */
  readonly retentionBytes: number;
  readonly recordBytesMax: number;
}

/** What the writer asks of a segment file; Deno.FsFile opened to append is one, a test's failing file another. */
export interface SegmentFile {
  write(bytes: Uint8Array): Promise<number>;
  syncData(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): void;
}

/** Opens a segment file to append to, making it where there is none. */
export type OpenSegmentFile = (path: string) => Promise<SegmentFile>;

/** Opens the file on disk. */
export const openSegmentFile: OpenSegmentFile = (path) => Deno.open(path, { create: true, append: true });

export interface PartitionWriterOptions {
  readonly directory: string;
  readonly partition: number;
  readonly settings: LogSettings;
  /** [start, end] at 2 × partition, shared with readers. */
  readonly ends: BigInt64Array;
  readonly openFile: OpenSegmentFile;
  readonly onNotice: (message: string) => void;
}

interface Segment {
  readonly baseOffset: number;
  sizeBytes: number;
}

interface PendingAppend {
  readonly batch: EncodedBatch;
  readonly resolve: (baseOffset: number) => void;
  readonly reject: (reason: unknown) => void;
}

/** A group is not kept waiting for its interval once it has this many bytes. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** Batches smaller than this are copied together, so that many small appends are one write. */
const GATHER_BYTES = 256 * 1024;

/** Batches of a group as few, large pieces in order. */
function gather(batches: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let first = 0; first < batches.length;) {
    let sizeBytes = batches[first].length;
    let next = first + 1;
    while (next < batches.length && sizeBytes + batches[next].length <= GATHER_BYTES) {
      sizeBytes += batches[next++].length;
    }
    if (next === first + 1) {
      pieces.push(batches[first]);
    } else {
      const piece = new Uint8Array(sizeBytes);
      for (let at = 0, index = first; index < next; at += batches[index++].length) piece.set(batches[index], at);
      pieces.push(piece);
    }
    first = next;
  }
  return pieces;
}

/** Appends to one partition; the only writer of its directory. */
export class PartitionWriter {
  readonly #options: PartitionWriterOptions;
  readonly #segments: Segment[];
  #nextOffset: number;
  /** The last segment, open to append; null until the next append opens or starts one. */
  #file: SegmentFile | null = null;
  /** Whether the last segment may be written; else the next append starts a new one. */
  #isLastWritable: boolean;
  /** Why appends are refused once the partition is closed. */
  #closedBy: MillraceError | null = null;
  /** Why nothing may be written until a restart, not even what is queued. */
  #brokenBy: MillraceError | null = null;
  #queue: PendingAppend[] = [];
  #pendingBytes = 0;
  #isCommitting = false;
  /** Ends when the last change of the files asked for is done: commits and jumps take turns. */
  #turn: Promise<void> = Promise.resolve();
  /** Ends the pause that gathers a group. */
  #endPause: (() => void) | null = null;

  private constructor(options: PartitionWriterOptions, segments: Segment[], nextOffset: number) {
    this.#options = options;
    this.#segments = segments;
    this.#nextOffset = nextOffset;
    this.#isLastWritable = segments.length > 0;
    this.#publish(segments.length === 0 ? nextOffset : segments[0].baseOffset, nextOffset);
  }

  /** Opens the partition, checks its last segment (see {@link recoverSegment}) and publishes its ends. */
  static async open(options: PartitionWriterOptions): Promise<PartitionWriter> {
    const { directory, onNotice } = options;
    const segments: Segment[] = listSegments(directory).map((baseOffset) => ({
      baseOffset,
      sizeBytes: Deno.statSync(segmentPath(directory, baseOffset)).size,
    }));
    const last = segments.at(-1);
    if (last === undefined) return new PartitionWriter(options, segments, 0);
    const recovered = await recoverSegment(directory, last.baseOffset, onNotice);
    last.sizeBytes = recovered.sizeBytes;
    return new PartitionWriter(options, segments, recovered.nextOffset);
  }

  /** Bytes taken but not yet durable. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** Queues a checked batch; resolves, once durable, to the offset of its first record. Order of calls is order of offsets. */
  append(batch: EncodedBatch): Promise<number> {
    const refusal = this.#brokenBy ?? this.#closedBy;
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, resolve, reject });
      this.#pendingBytes += batch.bytes.length;
      if (this.#pendingBytes >= GROUP_BYTES) this.#endPause?.();
      if (!this.#isCommitting) {
        this.#isCommitting = true;
        this.#turn = this.#turn.then(() => this.#commitQueue());
      }
    });
  }

  /** See {@link EmbeddedLog.ensureEnd}: a jump starts a segment, so that its name keeps the new end. */
  async ensureEnd(offset: number): Promise<void> {
    const jump = this.#turn.then(async () => {
      if (offset <= this.#nextOffset) return;
      const skippedFrom = this.#nextOffset;
      await this.#startSegment(offset);
      this.#nextOffset = offset;
      this.#publish(this.#segments[0].baseOffset, offset);
      this.#options.onNotice(
        `${this.#options.directory}: the log ended at offset ${skippedFrom}, but the store had seen records up to ` +
          `${offset}: the log goes on at ${offset}`,
      );
    });
    this.#turn = jump.catch(() => {});
    await jump;
  }

  /**
   * Removes the oldest segments while they are too old (by the time of their last write: the times inside of records
   * may be those of a replay) or the partition too large. Never the last segment. Answers how many.
   */
  async applyRetention(nowMs: number, keepFrom: number): Promise<number> {
    const { directory, settings } = this.#options;
    const oldestMs = nowMs - settings.retentionHours * 3_600_000;
    let removed = 0;
    // A segment ends where the next one begins.
    while (this.#segments.length > 1 && this.#segments[1].baseOffset <= keepFrom) {
      const path = segmentPath(directory, this.#segments[0].baseOffset);
      const isTooLarge = this.sizeBytes > settings.retentionBytes;
      if (!isTooLarge && ((await Deno.stat(path)).mtime?.getTime() ?? nowMs) >= oldestMs) break;
      this.#segments.shift();
      // Readers learn first, then the file goes; one that holds it open reads on to its end.
      this.#publish(this.#segments[0].baseOffset, null);
      await Deno.remove(path);
      removed++;
    }
    return removed;
  }

  /** Takes no more appends (they fail with `reason`), commits what is queued and closes the file. */
  async close(reason: MillraceError): Promise<void> {
    this.#closedBy = reason;
    this.#endPause?.();
    await this.#turn;
    const file = this.#file;
    this.#file = null;
    try {
      if (this.#options.settings.fsync === "never") await file?.syncData();
    } finally {
      file?.close();
    }
  }

  #publish(start: number | null, end: number | null): void {
    const { ends, partition } = this.#options;
    if (start !== null) Atomics.store(ends, 2 * partition, BigInt(start));
    if (end !== null) Atomics.store(ends, 2 * partition + 1, BigInt(end));
  }

  async #commitQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      if (this.#options.settings.fsync === "interval") await this.#pause();
      const group = this.#takeGroup();
      const groupBytes = group.reduce((sum, append) => sum + append.batch.bytes.length, 0);
      try {
        const firstOffset = await this.#commit(group.map((append) => append.batch), groupBytes);
        this.#pendingBytes -= groupBytes;
        let offset = firstOffset;
        for (const append of group) {
          append.resolve(offset);
          offset += append.batch.records;
        }
      } catch (error) {
        this.#pendingBytes -= groupBytes;
        for (const append of group) append.reject(error);
      }
    }
    this.#isCommitting = false;
  }

  /** Lets a group gather for the fsync interval, or until it is large. */
  #pause(): Promise<void> {
    if (this.#pendingBytes >= GROUP_BYTES || this.#closedBy !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#endPause?.(), this.#options.settings.fsyncIntervalMs);
      this.#endPause = () => {
        this.#endPause = null;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The appends at the head of the queue that go into one segment: at least one. */
  #takeGroup(): PendingAppend[] {
    const { segmentBytes } = this.#options.settings;
    const firstBytes = this.#queue[0].batch.bytes.length;
    const lastBytes = this.#segments.at(-1)?.sizeBytes ?? 0;
    if (lastBytes > 0 && lastBytes + firstBytes > segmentBytes) this.#isLastWritable = false;
    let room = (this.#isLastWritable ? segmentBytes - lastBytes : segmentBytes) - firstBytes;
    let count = 1;
    while (count < this.#queue.length && this.#queue[count].batch.bytes.length <= room) {
      room -= this.#queue[count++].batch.bytes.length;
    }
    return this.#queue.splice(0, count);
  }

  /** Writes a group, makes it durable, shows it to readers, and answers its first offset. */
  async #commit(batches: readonly EncodedBatch[], groupBytes: number): Promise<number> {
    if (this.#brokenBy !== null) throw this.#brokenBy;
    const firstOffset = this.#nextOffset;
    const file = await this.#writableFile(firstOffset);
    const segment = this.#segments[this.#segments.length - 1];
    let offset = firstOffset;
    for (const batch of batches) {
      setBaseOffset(batch.bytes, offset);
      offset += batch.records;
    }
    let isSyncing = false;
    try {
      for (const piece of gather(batches.map((batch) => batch.bytes))) await writeAll(file, piece);
      isSyncing = this.#options.settings.fsync !== "never";
      if (isSyncing) await file.syncData();
    } catch (error) {
      throw await this.#cutBack(file, segment, error, isSyncing);
    }
    segment.sizeBytes += groupBytes;
    this.#nextOffset = offset;
    this.#publish(null, offset);
    return firstOffset;
  }

  /** Cuts a failed group off its file and answers the error for whoever appended it. */
  async #cutBack(file: SegmentFile, segment: Segment, cause: unknown, isSyncFailure: boolean): Promise<MillraceError> {
    const path = segmentPath(this.#options.directory, segment.baseOffset);
    const isFull = isDiskFull(cause);
    let unsafeBecause = isSyncFailure && !isFull ? `fsync failed (${messageOf(cause)})` : null;
    try {
      await file.truncate(segment.sizeBytes);
    } catch (error) {
      unsafeBecause = `a failed write could not be undone (${messageOf(error)})`;
    }
    if (unsafeBecause !== null) {
      this.#releaseFile();
      return this.#brokenBy = new MillraceError(
        "FILE_UNAVAILABLE",
        `${path}: ${unsafeBecause}; the partition takes no more writes`,
        "check the disk (dmesg shows its errors), then restart: the file is checked at start",
        { cause },
      );
    }
    if (isSyncFailure && segment.sizeBytes > 0) this.#releaseFile();
    return failedWrite(path, cause);
  }

  /** Closes the last segment for good: the next append starts a new one. */
  #releaseFile(): void {
    this.#file?.close();
    this.#file = null;
    this.#isLastWritable = false;
  }

  async #writableFile(nextOffset: number): Promise<SegmentFile> {
    const last = this.#segments.at(-1);
    if (this.#isLastWritable && last !== undefined) {
      return this.#file ??= await this.#openFile(segmentPath(this.#options.directory, last.baseOffset));
    }
    return await this.#startSegment(nextOffset);
  }

  async #startSegment(baseOffset: number): Promise<SegmentFile> {
    const { directory, settings } = this.#options;
    const path = segmentPath(directory, baseOffset);
    const previous = this.#segments.at(-1);
    const isReplacing = previous?.sizeBytes === 0 && previous.baseOffset !== baseOffset;
    // Only the last segment is checked at start, so the ones before it must be durable whatever the policy.
    const finished = this.#file;
    this.#file = null;
    this.#isLastWritable = false;
    try {
      if (settings.fsync === "never") await finished?.syncData();
    } catch (error) {
      throw failedWrite(path, error);
    } finally {
      finished?.close();
    }
    const file = await this.#openFile(path);
    try {
      await file.truncate(0); // left by a start that failed half-way: nothing in it was ever answered
      if (isReplacing) await removeIfThere(segmentPath(directory, previous.baseOffset));
      await syncDirectory(directory);
    } catch (error) {
      file.close();
      throw failedWrite(path, error);
    }
    if (isReplacing) this.#segments.pop();
    if (this.#segments.at(-1)?.baseOffset !== baseOffset) this.#segments.push({ baseOffset, sizeBytes: 0 });
    this.#isLastWritable = true;
    return this.#file = file;
  }

  async #openFile(path: string): Promise<SegmentFile> {
    try {
      return await this.#options.openFile(path);
    } catch (error) {
      throw failedWrite(path, error);
    }
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
