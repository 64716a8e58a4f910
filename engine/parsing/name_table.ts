/** Wanted names found by their bytes, so that keys of lines cost no string each. */
import type { NameNode, Target } from "./json_names.ts";

/** What is known of a name: the fields that its value fills, and the names inside it (`sd-id.param`), if any. */
export interface NameEntry {
  readonly name: Uint8Array;
  readonly targets: readonly Target[];
  readonly inner: NameTable | null;
}

export class NameTable {
  readonly #buckets: NameEntry[][];
  readonly #mask: number;

  constructor(node: NameNode) {
    const size = 2 ** Math.ceil(Math.log2(node.children.size * 4 + 2));
    this.#mask = size - 1;
    this.#buckets = Array.from({ length: size }, () => []);
    const encoder = new TextEncoder();
    for (const [key, child] of node.children) {
      const name = encoder.encode(key);
      const inner = child.children.size > 0 ? new NameTable(child) : null;
      this.#buckets[this.#hash(name, 0, name.length)].push({ name, targets: child.targets, inner });
    }
  }

  /** The entry of the name bytes[start, end), or null. */
  find(bytes: Uint8Array, start: number, end: number): NameEntry | null {
    const bucket = this.#buckets[this.#hash(bytes, start, end)];
    for (let i = 0; i < bucket.length; i++) {
      if (isSame(bucket[i].name, bytes, start, end)) return bucket[i];
    }
    return null;
  }

  /** Length, first and last letters: the table is small and fixed, and a bucket is compared anyway. */
  #hash(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    const middle = bytes[start + (length >> 1)];
    return (bytes[start] * 31 + bytes[end - 1] * 7 + middle * 131 + length * 17) & this.#mask;
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}
