/**
 * The layouts of records seen so far. A service writes its keys in one order, so what stands between two values, such
 * as `,"level":"` or `}},"log":{"level":"`, is nearly always the same bytes again. A layout is a tree of such literals:
 * a node is entered where its literal follows the value of its parent. Its bytes were parsed once, when the node was
 * made, and the path to it fixes which objects are open; equal bytes on an equal path thus need no parsing, only
 * a comparison, and the node knows what the value after it is wanted for.
 */
import { isSameField, type NameNode, type Target } from "./json_names.ts";
import { plainEnd, whiteSpaceEnd } from "./json_tokens.ts";
import { isValidUtf8 } from "./utf8.ts";

/** What follows the literal: a string (its quote is part of the literal), any other value, or the record's end. */
export const STRING = 0;
export const OTHER = 1;
export const END = 2;

/** Beyond these the layouts seen are forgotten: keys that never repeat must not fill the memory. */
const MOST_NODES = 4096;
const MOST_WORDS = 1 << 16;
/** Alternatives after one value; the oldest gives way. */
const MOST_CHILDREN = 8;
const LONGEST_LITERAL_BYTES = 1024;

// A byte order mark is part of a key like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_NAMES: ReadonlyMap<string, NameNode> = new Map();
const NO_TARGETS: readonly Target[] = [];

/** An object that is open where a literal ends. */
interface Frame {
  readonly names: ReadonlyMap<string, NameNode>;
  readonly up: Frame | null;
  readonly depth: number;
}

/** The wanted keys met on the path to a node. */
interface Seen {
  readonly name: NameNode;
  readonly before: Seen | null;
}

export class LayoutNode {
  first: LayoutNode | null = null;
  next: LayoutNode | null = null;

  constructor(
    readonly kind: number,
    /** Bytes of the literal. */
    readonly length: number,
    /** Where its words begin in the layout's pool. */
    readonly words: number,
    readonly targets: readonly Target[],
    /** True where an object here has wanted keys: then the literal goes on into it. */
    readonly isEntered: boolean,
    readonly isAttributes: boolean,
    readonly frame: Frame | null,
    readonly seen: Seen | null,
    /** The one target of the value, where no key before it on the path can have filled its field; null otherwise. */
    readonly soleTarget: Target | null,
  ) {}

  get depth(): number {
    return this.frame?.depth ?? 0;
  }
}

export class Layout {
  /** Stands before the first literal. */
  root: LayoutNode = newRoot();
  /**
   * The literals, as float64 of 8 bytes: the first 8, the last 8, and those between, the last of which may overlap.
   * Equal numbers mean equal bytes, and the other way round: valid UTF-8 without NUL is never NaN or zero. Of literals
   * below 8 bytes it is the first and the last 4 bytes as int32, of an END each byte.
   */
  pool: Float64Array = new Float64Array(1024);
  #poolEnd = 0;
  #nodes = 0;

  constructor(readonly names: NameNode) {}

  /** Adds a child to `parent` for the literal at `start`; null where it is invalid or unusual (JSON.parse decides). */
  learn(parent: LayoutNode, bytes: Uint8Array, view: DataView, start: number, end: number): LayoutNode | null {
    if (this.#nodes >= MOST_NODES || this.#poolEnd >= MOST_WORDS) {
      this.root = newRoot();
      this.#nodes = 0;
      this.#poolEnd = 0;
      return null;
    }
    const reader = new LiteralReader(parent, this.names, bytes, view, end);
    const literalEnd = reader.read(start, parent === this.root);
    if (literalEnd < 0 || literalEnd - start > LONGEST_LITERAL_BYTES) return null;
    const name = reader.kind === END ? null : reader.name;
    const node = new LayoutNode(
      reader.kind,
      literalEnd - start,
      this.#store(reader.kind, bytes, view, start, literalEnd),
      name === null || name.targets.length === 0 ? NO_TARGETS : name.targets,
      name !== null && name.children.size > 0,
      name !== null && name.isAttributes,
      reader.frame,
      reader.seen,
      name === null ? null : soleTargetOf(name, reader.seen),
    );
    this.#nodes++;
    adopt(parent, node);
    return node;
  }

  #store(kind: number, bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const words: number[] = [];
    if (kind === END) words.push(...bytes.subarray(start, end));
    else if (end - start < 8) words.push(view.getInt32(start, true), view.getInt32(end - 4, true));
    else {
      words.push(view.getFloat64(start, true), view.getFloat64(end - 8, true));
      for (let at = start + 8; at < end - 8; at += 8) words.push(view.getFloat64(at, true));
    }
    const from = this.#poolEnd;
    this.#poolEnd += words.length;
    if (this.#poolEnd > this.pool.length) {
      const pool = new Float64Array(Math.max(this.#poolEnd, this.pool.length * 2));
      pool.set(this.pool);
      this.pool = pool;
    }
    this.pool.set(words, from);
    return from;
  }
}

function newRoot(): LayoutNode {
  return new LayoutNode(OTHER, 0, 0, NO_TARGETS, false, false, null, null, null);
}

/** See {@link LayoutNode.soleTarget}: then the value can be noted without a look at what is there already. */
function soleTargetOf(name: NameNode, seen: Seen | null): Target | null {
  if (name.targets.length !== 1) return null;
  const [target] = name.targets;
  for (let earlier = seen; earlier !== null; earlier = earlier.before) {
    if (earlier.name !== name && earlier.name.targets.some((some) => isSameField(some, target))) return null;
  }
  return target;
}

function adopt(parent: LayoutNode, child: LayoutNode): void {
  child.next = parent.first;
  parent.first = child;
  let last = child;
  for (let count = 1; last.next !== null; count++) {
    if (count === MOST_CHILDREN) {
      last.next = null;
      return;
    }
    last = last.next;
  }
}

/** Reads what stands between two values: closing braces, a comma, keys, and opening braces of objects with wanted keys. */
class LiteralReader {
  kind = OTHER;
  /** What is known of the key at the end of the literal. */
  name: NameNode | null = null;
  frame: Frame | null;
  seen: Seen | null;
  #at = 0;

  constructor(
    parent: LayoutNode,
    readonly names: NameNode,
    readonly bytes: Uint8Array,
    readonly view: DataView,
    readonly end: number,
  ) {
    this.frame = parent.frame;
    this.seen = parent.seen;
  }

  /** Where the literal at `start` ends, or -1. */
  read(start: number, isFirst: boolean): number {
    this.#at = start;
    let mayContinue = true;
    if (isFirst) {
      if (!this.#takes(0x7b)) return -1;
      this.#open(this.names);
      mayContinue = false;
    }
    for (;;) {
      if (this.#takes(0x7d)) {
        this.frame = this.frame?.up ?? null;
        if (this.frame === null) return this.#recordEnd();
        mayContinue = true;
        continue;
      }
      if (mayContinue && !this.#takes(0x2c)) return -1;
      if (!this.#readKey()) return -1;
      const byte = this.bytes[this.#at];
      if (this.#at >= this.end) return -1;
      if (byte === 0x7b && this.name !== null && this.name.children.size > 0) {
        this.#at++;
        this.#open(this.name);
        mayContinue = false;
        continue;
      }
      this.kind = byte === 0x22 ? STRING : OTHER;
      return byte === 0x22 ? this.#at + 1 : this.#at;
    }
  }

  #open(name: NameNode): void {
    this.frame = { names: name.children, up: this.frame, depth: (this.frame?.depth ?? 0) + 1 };
  }

  #recordEnd(): number {
    this.kind = END;
    this.#at = whiteSpaceEnd(this.bytes, this.#at, this.end);
    return this.#at === this.end ? this.end : -1;
  }

  /** Skips white space and then `byte`, if it is there. */
  #takes(byte: number): boolean {
    this.#at = whiteSpaceEnd(this.bytes, this.#at, this.end);
    if (this.#at >= this.end || this.bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  /** `"key" :` and white space around it. False where it is invalid, has escapes, or repeats a wanted key. */
  #readKey(): boolean {
    if (!this.#takes(0x22)) return false;
    const start = this.#at;
    let at = plainEnd(this.view, this.bytes, start, this.end);
    while (at < this.end && this.bytes[at] >= 0x80) at = plainEnd(this.view, this.bytes, at + 1, this.end);
    if (at >= this.end || this.bytes[at] !== 0x22 || !isValidUtf8(this.bytes, start, at)) return false;
    this.#at = at + 1;
    if (!this.#takes(0x3a)) return false;
    this.#at = whiteSpaceEnd(this.bytes, this.#at, this.end);
    const names = this.frame?.names ?? NO_NAMES;
    this.name = names.get(decoder.decode(this.bytes.subarray(start, at))) ?? null;
    if (this.name === null) return true;
    for (let seen = this.seen; seen !== null; seen = seen.before) if (seen.name === this.name) return false;
    this.seen = { name: this.name, before: this.seen };
    return true;
  }
}
