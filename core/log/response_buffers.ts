/**
 * Memory for large responses that is filled again once nobody reads it any more. Megabytes that become garbage at every
 * fetch make the collector run for each few of them, over everything else that a thread holds.
 */

/** Smaller ones are made anew: the collector of young objects takes them along. */
const POOLED_MIN = 65_536;
/** What lies unused at most. */
const UNUSED_BYTES_MAX = 16 * 1_048_576;

export class ResponseBuffers {
  /** By size, which is a power of two. */
  readonly #unused = new Map<number, Uint8Array[]>();
  #unusedBytes = 0;

  /** `length` bytes with any content: the start of a buffer that {@link give} takes back. */
  take(length: number): Uint8Array {
    if (length < POOLED_MIN) return new Uint8Array(length);
    const size = 2 ** Math.ceil(Math.log2(length));
    const buffer = this.#unused.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(size), 0, length);
    this.#unusedBytes -= size;
    return new Uint8Array(buffer.buffer, 0, length);
  }

  /**
   * Takes back what {@link take} gave, whose bytes nobody is to read any more. Smaller ones make room for it: hundreds of
   * partitions that have begun leave many, and what is read on from each is large.
   */
  give({ buffer }: Uint8Array): void {
    const size = buffer.byteLength;
    if (size < POOLED_MIN || !this.#makesRoom(size)) return;
    const same = this.#unused.get(size);
    if (same === undefined) this.#unused.set(size, [new Uint8Array(buffer)]);
    else same.push(new Uint8Array(buffer));
    this.#unusedBytes += size;
  }

  #makesRoom(size: number): boolean {
    const smaller = [...this.#unused.keys()].filter((other) => other < size).sort((a, b) => a - b);
    for (const other of smaller) {
      const buffers = this.#unused.get(other) ?? [];
      while (this.#unusedBytes + size > UNUSED_BYTES_MAX && buffers.pop() !== undefined) this.#unusedBytes -= other;
    }
    return this.#unusedBytes + size <= UNUSED_BYTES_MAX;
  }
}
