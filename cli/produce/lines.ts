/** Cuts a stream of bytes into lines without copying, but for a line that crosses two chunks. */
import { MillraceError } from "../../core/errors.ts";
import { formatBytes } from "../format.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Pull lines out of the chunks pushed in. A carriage return before the line feed is not part of the line, nor is a
 * byte order mark before the first; every other byte is. Memory is one chunk and one unfinished line.
 *
 *     lines.push(chunk);
 *     while (lines.next()) use(lines.bytes, lines.start, lines.end);
 *     // after the last chunk:
 *     if (lines.finish()) use(lines.bytes, lines.start, lines.end);
 */
export class LineSplitter {
  /** The line is bytes[start, end); valid until the next call. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Number of that line, from 1. */
  lineNumber = 0;
  /** Lines without a byte so far: `next` steps over them. */
  emptyLines = 0;

  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #carry: Uint8Array = new Uint8Array(0);
  #carried = 0;

  constructor(private readonly lineBytesMax: number) {}

  /** Hands in the next chunk; the one before must be used up. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Goes to the next whole line that isn't empty. False: more bytes are needed. Throws INVALID_INPUT for one too long. */
  next(): boolean {
    for (;;) {
      const feed = this.#chunk.indexOf(LINE_FEED, this.#at);
      if (feed < 0) {
        this.#carryOver();
        return false;
      }
      if (this.#takeLine(feed)) return true;
    }
  }

  /** After the last chunk: true where a last line had no line feed. */
  finish(): boolean {
    this.#chunk = new Uint8Array(0);
    this.#at = 0;
    return this.#carried > 0 && this.#takeLine(0);
  }

  /** Makes the line that ends at `lineEnd` of the chunk the current one; false where it is empty. */
  #takeLine(lineEnd: number): boolean {
    if (this.#carried > 0) {
      this.#append(this.#chunk.subarray(this.#at, lineEnd));
      this.#set(this.#carry, 0, this.#carried);
      this.#carried = 0;
    } else {
      this.#set(this.#chunk, this.#at, lineEnd);
    }
    this.#at = lineEnd + 1;
    if (this.end - this.start > this.lineBytesMax) throw this.#tooLong();
    if (this.end > this.start) return true;
    this.emptyLines++;
    return false;
  }

  #set(bytes: Uint8Array, start: number, end: number): void {
    this.lineNumber++;
    this.bytes = bytes;
    const isMarked = this.lineNumber === 1 && BYTE_ORDER_MARK.every((byte, index) => bytes[start + index] === byte);
    this.start = isMarked ? start + BYTE_ORDER_MARK.length : start;
    this.end = end > this.start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
  }

  #carryOver(): void {
    this.#append(this.#chunk.subarray(this.#at));
    this.#at = this.#chunk.length;
  }

  #append(piece: Uint8Array): void {
    const length = this.#carried + piece.length;
    // The carriage return and the mark that may still go do not count.
    if (length > this.lineBytesMax + 1 + BYTE_ORDER_MARK.length) {
      this.lineNumber++;
      throw this.#tooLong();
    }
    if (length > this.#carry.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#carry.length));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(piece, this.#carried);
    this.#carried = length;
  }

  #tooLong(): MillraceError {
    return new MillraceError(
      "INVALID_INPUT",
      `line ${this.lineNumber} is longer than ${formatBytes(this.lineBytesMax)}`,
      "raise log.recordBytesMax, or check that the file is one of lines of text",
    );
  }
}
