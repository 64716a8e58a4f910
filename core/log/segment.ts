/**
 * Segment files of the embedded log: whole record batches back to back, named by the offset of their first record
 * (20 digits, so that names sort as numbers do). Offsets run on within a segment without a gap.
 */
import { join } from "node:path";
import { MillraceError } from "../errors.ts";
import { BATCH_HEADER_BYTES, BatchHeader, CorruptBatch, isCrcValid, readBatchHeader } from "./record_batch.ts";

export function segmentPath(directory: string, baseOffset: number): string {
  return join(directory, `${String(baseOffset).padStart(20, "0")}.log`);
}

/** The base offsets of the segments in `directory`, ascending. Other files are left alone. */
export function listSegments(directory: string): number[] {
  const baseOffsets: number[] = [];
  for (const entry of Deno.readDirSync(directory)) {
    const match = /^(\d{20})\.log$/.exec(entry.name);
    if (match !== null && entry.isFile) baseOffsets.push(Number(match[1]));
  }
  return baseOffsets.sort((a, b) => a - b);
}

/** What the file handle of a window must be able to do; Deno.FsFile is one. */
export interface ReadableFile {
  readSync(into: Uint8Array): number | null;
  seekSync(offset: number, whence: Deno.SeekMode): number;
}

/** Reads as many bytes as there are into `into`, from `position` on. */
function readAt(file: ReadableFile, position: number, into: Uint8Array): number {
  file.seekSync(position, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < into.length) {
    const read = file.readSync(into.subarray(filled));
    if (read === null || read === 0) break;
    filled += read;
  }
  return filled;
}

/** A window that slides over a file, so that header hops over small batches don't cost a system call each. */
export class FileWindow {
  bytes: Uint8Array;
  #start = 0;
  #length = 0;

  constructor(private readonly file: ReadableFile, windowBytes = 64 * 1024) {
    this.bytes = new Uint8Array(windowBytes);
  }

  /** Where in `bytes` the byte at `position` is, with `needBytes` from it on, or -1 where the file ends before that. */
  locate(position: number, needBytes: number): number {
    const isInside = position >= this.#start && position + needBytes <= this.#start + this.#length;
    if (isInside) return position - this.#start;
    if (needBytes > this.bytes.length) this.bytes = new Uint8Array(needBytes);
    this.#start = position;
    this.#length = readAt(this.file, position, this.bytes);
    return this.#length >= needBytes ? 0 : -1;
  }

  /** Bytes from `position` on that are in the window after {@link locate} found it. */
  availableFrom(position: number): number {
    return this.#start + this.#length - position;
  }
}

/** What is sound in a segment. */
export interface ScannedSegment {
  /** Length of the whole, checked batches that it begins with. */
  readonly soundBytes: number;
  /** One past their last record. */
  readonly nextOffset: number;
  /** Why the first bytes after them are no batch; null where the file ends there. */
  readonly tornBy: string | null;
}

/** No batch is larger: the largest record that the configuration allows, and room. A damaged length must not fill the memory. */
const BATCH_BYTES_MAX = 160 * 1024 * 1024;

/** The length of the sound batch at `position`, or why there is none. */
function checkBatch(window: FileWindow, position: number, sizeBytes: number, header: BatchHeader): number | string {
  const leftBytes = sizeBytes - position;
  const prefixAt = leftBytes < BATCH_HEADER_BYTES ? -1 : window.locate(position, BATCH_HEADER_BYTES);
  if (prefixAt < 0) return "the file ends within a batch header";
  try {
    // The window may hold only a part of the batch yet: its header is there, and tells how much to locate.
    readBatchHeader(window.bytes, prefixAt, header);
  } catch (error) {
    if (error instanceof CorruptBatch) return error.message;
    throw error;
  }
  const length = header.recordsEnd - prefixAt;
  if (length > leftBytes) return "the file ends within a batch";
  if (length > BATCH_BYTES_MAX) return `batch of ${length} bytes`;
  const at = window.locate(position, length);
  if (at < 0) return "the file ends within a batch";
  return isCrcValid(window.bytes, at, length) ? length : "wrong checksum";
}

/** Checks every batch of a segment: header, offsets and checksum. Stops at the first that is not sound. */
export function scanSegment(file: ReadableFile, sizeBytes: number, baseOffset: number): ScannedSegment {
  const window = new FileWindow(file, 1024 * 1024);
  const header = new BatchHeader();
  let position = 0;
  let nextOffset = baseOffset;
  while (position < sizeBytes) {
    const checked = checkBatch(window, position, sizeBytes, header);
    if (typeof checked === "string") return { soundBytes: position, nextOffset, tornBy: checked };
    if (header.baseOffset !== nextOffset) {
      const tornBy = `base offset ${header.baseOffset}, expected ${nextOffset}`;
      return { soundBytes: position, nextOffset, tornBy };
    }
    position += checked;
    nextOffset += header.lastOffsetDelta + 1;
  }
  return { soundBytes: position, nextOffset, tornBy: null };
}

/**
 * The position of the first sound batch after the damage at `scanned.soundBytes`, or -1. Every byte is tried, as damage
 * may have hit a length. What passes must have a right checksum and an offset that this place of the file can hold
 * (a record takes 7 bytes or more), so that batches quoted inside of a record's value are hardly taken for one.
 */
export function findSoundBatchAfter(file: ReadableFile, sizeBytes: number, scanned: ScannedSegment): number {
  const window = new FileWindow(file, 1024 * 1024);
  const header = new BatchHeader();
  const checker = new FileWindow(file);
  let position = scanned.soundBytes + 1;
  while (position + BATCH_HEADER_BYTES <= sizeBytes) {
    const at = window.locate(position, BATCH_HEADER_BYTES);
    const candidates = window.availableFrom(position) - BATCH_HEADER_BYTES + 1;
    // The magic byte, 2, is rare in text: the native search skips most of the file.
    const magicAt = window.bytes.subarray(0, at + candidates + 16).indexOf(2, at + 16);
    if (magicAt < 0) {
      position += candidates;
      continue;
    }
    position += magicAt - 16 - at;
    const view = new DataView(window.bytes.buffer, window.bytes.byteOffset + magicAt - 16);
    const baseOffset = Number(view.getBigInt64(0));
    const isPlausible = baseOffset >= scanned.nextOffset && baseOffset < scanned.nextOffset + sizeBytes &&
      view.getInt32(8) >= 49 && view.getInt32(8) + 12 <= sizeBytes - position;
    if (isPlausible && typeof checkBatch(checker, position, sizeBytes, header) === "number") return position;
    position++;
  }
  return -1;
}

/**
 * Whether the damage is surely a batch that was not written to its end: its header is there, and its records, followed
 * by their lengths, run past the end of the file. Whatever looks like a sound batch in the rest is then quoted in one of
 * them; else whoever writes logs could forge one, and keep the log from starting after a power loss.
 */
export function isCutShort(file: ReadableFile, sizeBytes: number, scanned: ScannedSegment): boolean {
  const leftBytes = sizeBytes - scanned.soundBytes;
  if (leftBytes < BATCH_HEADER_BYTES) return true;
  if (leftBytes > BATCH_BYTES_MAX) return false;
  const window = new FileWindow(file, leftBytes);
  const header = new BatchHeader();
  const start = window.locate(scanned.soundBytes, leftBytes);
  if (start < 0) return false;
  try {
    const isWhole = readBatchHeader(window.bytes, start, header) >= 0;
    if (isWhole || header.baseOffset !== scanned.nextOffset || header.codec !== 0) return false;
  } catch (error) {
    if (error instanceof CorruptBatch) return false;
    throw error;
  }
  let at = start + BATCH_HEADER_BYTES;
  for (let record = 0; record < header.recordCount; record++) {
    let zigZagged = 0;
    let shift = 0;
    for (; shift < 35; shift += 7) {
      if (at >= leftBytes) return true;
      const byte = window.bytes[at++];
      zigZagged += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (zigZagged % 2 !== 0 || zigZagged === 0 || shift === 35) return false;
    at += zigZagged / 2;
    if (at > leftBytes) return true;
  }
  return false;
}

/** A last segment made fit for appending. */
export interface RecoveredSegment {
  readonly sizeBytes: number;
  readonly nextOffset: number;
}

/**
 * Checks the last segment of a partition and cuts a torn tail off: bytes that no sound batch follows were being written
 * when the process or the power went. Damage that sound batches follow is another thing, and nothing is cut.
 * Throws CORRUPT_DATA then. `onNotice` hears what was cut.
 */
export async function recoverSegment(
  directory: string,
  baseOffset: number,
  onNotice: (message: string) => void,
): Promise<RecoveredSegment> {
  const path = segmentPath(directory, baseOffset);
  using file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  const scanned = scanSegment(file, size, baseOffset);
  if (scanned.tornBy !== null) {
    const soundAt = isCutShort(file, size, scanned) ? -1 : findSoundBatchAfter(file, size, scanned);
    if (soundAt >= 0) {
      throw new MillraceError(
        "CORRUPT_DATA",
        `${path}: damaged at byte ${scanned.soundBytes} (${scanned.tornBy}), and sound batches follow from byte ${soundAt}`,
        `restore the file from a copy, or give up its records from offset ${scanned.nextOffset} on: ` +
          `truncate -s ${scanned.soundBytes} ${path}`,
      );
    }
    await file.truncate(scanned.soundBytes);
    onNotice(
      `${path}: cut ${size - scanned.soundBytes} bytes of an unfinished write at byte ${scanned.soundBytes} ` +
        `(${scanned.tornBy}); the log goes on at offset ${scanned.nextOffset}`,
    );
  }
  // What a killed process wrote may be in the system's memory only: it must be durable before readers see it.
  await file.sync();
  return { sizeBytes: scanned.soundBytes, nextOffset: scanned.nextOffset };
}
