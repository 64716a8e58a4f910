/** Lines of a byte stream, without decoding them. */

/** A line that is longer than allowed. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
  constructor(readonly lineNumber: number) {
    super(`line ${lineNumber} is too long`);
  }
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/**
 * Cuts chunks into lines, hands each to `take` without its line end (CRLF or LF), and waits where `take` answers a
 * promise. Empty lines are passed over; a last line without an end counts. Holds one line at most.
 */
export class LineSplitter {
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #lines = 0;

  constructor(readonly lineBytesMax: number, readonly take: (line: Uint8Array) => void | Promise<void>) {}

  async push(chunk: Uint8Array): Promise<void> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      await this.#line(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    const rest = chunk.slice(start);
    this.#restBytes += rest.length;
    if (this.#restBytes > this.lineBytesMax + 1) throw new LineTooLong(this.#lines + 1);
    this.#rest.push(rest);
  }

  /** The stream has ended. */
  async end(): Promise<void> {
    if (this.#restBytes > 0) await this.#line(new Uint8Array(0));
  }

  async #line(tail: Uint8Array): Promise<void> {
    this.#lines++;
    let line = tail;
    if (this.#restBytes > 0) {
      line = new Uint8Array(this.#restBytes + tail.length);
      let at = 0;
      for (const part of [...this.#rest, tail]) {
        line.set(part, at);
        at += part.length;
      }
      this.#rest = [];
      this.#restBytes = 0;
    }
    if (line[line.length - 1] === CARRIAGE_RETURN) line = line.subarray(0, line.length - 1);
    if (line.length > this.lineBytesMax) throw new LineTooLong(this.#lines);
    if (line.length === 0) return;
    const waiting = this.take(line);
    if (waiting !== undefined) await waiting;
  }
}
