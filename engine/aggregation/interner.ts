/**
 * Byte strings to small integers. A hit is always confirmed by comparing the bytes: a hash alone would merge two values
 * silently, and whoever writes the logs could forge one. Two steps: a direct-mapped cache on length and end bytes,
 * which the few values of level, method or status always hit, then an open-addressing table on a hash of all bytes.
 */

/** The id of the empty string: an absent value. */
export const EMPTY_ID = 0;

// A byte order mark tells values apart like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const CACHE_SIZE = 256;

export class Interner {
  #arena = new Uint8Array(4096);
  /** Start of each id's bytes in the arena; entry [size] is the end of the last. */
  #starts = new Int32Array(256);
  #hashes = new Int32Array(256);
  /** id + 1 by hash, 0 where free; at most half full. */
  #table = new Int32Array(512);
  /** id + 1 by length and end bytes. */
  readonly #cache = new Int32Array(CACHE_SIZE);
  #size = 0;

  constructor() {
    this.intern(new Uint8Array(0), 0, 0);
  }

  get size(): number {
    return this.#size;
  }

  /** The id of bytes[start, end). */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0 && this.#size > 0) return EMPTY_ID;
    const slot = (length * 31 + bytes[start] * 7 + bytes[end - 1] * 13 + bytes[start + (length >> 1)]) &
      (CACHE_SIZE - 1);
    const cached = this.#cache[slot] - 1;
    if (cached >= 0 && this.#equals(cached, bytes, start, length)) return cached;
    const id = this.#lookUp(bytes, start, end);
    this.#cache[slot] = id + 1;
    return id;
  }

  #equals(id: number, bytes: Uint8Array, start: number, length: number): boolean {
    const from = this.#starts[id];
    if (this.#starts[id + 1] - from !== length) return false;
    const arena = this.#arena;
    for (let i = 0; i < length; i++) if (arena[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #lookUp(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#table.length - 1;
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const id = this.#table[at] - 1;
      if (id < 0) return this.#insert(bytes, start, end, hash, at);
      if (this.#hashes[id] === hash && this.#equals(id, bytes, start, end - start)) return id;
    }
  }

  #insert(bytes: Uint8Array, start: number, end: number, hash: number, at: number): number {
    const id = this.#size++;
    if (id + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts, this.#starts.length * 2);
      this.#hashes = grown(this.#hashes, this.#hashes.length * 2);
    }
    const from = this.#starts[id];
    const to = from + end - start;
    if (to > this.#arena.length) {
      const arena = new Uint8Array(Math.max(to, this.#arena.length * 2));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    for (let i = start; i < end; i++) this.#arena[from + i - start] = bytes[i];
    this.#starts[id + 1] = to;
    this.#hashes[id] = hash;
    this.#table[at] = id + 1;
    if (this.#size * 2 > this.#table.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let id = 0; id < this.#size; id++) {
      let at = this.#hashes[id] & mask;
      while (table[at] !== 0) at = (at + 1) & mask;
      table[at] = id + 1;
    }
    this.#table = table;
  }

  text(id: number): string {
    return decoder.decode(this.#arena.subarray(this.#starts[id], this.#starts[id + 1]));
  }
}

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length);
  copy.set(array);
  return copy;
}
