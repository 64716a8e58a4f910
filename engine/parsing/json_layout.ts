/**
 * The layouts of records seen so far. A service writes its keys in one order, so what stands between two values, such
 * as `,"level":"` or `}},"log":{"level":"`, is nearly always the same bytes again. A layout is a tree of such literals:
 * a node is entered where its literal follows the value of its parent. Its bytes were parsed once, when the node was
 * made, and the path to it fixes which objects are open; equal bytes on an equal path thus need no parsing, only
 * a comparison, and the node knows what the value after it is wanted for.
 */
import type { Kernel } from "../kernel/kernel.ts";
import { isSameField, type NameNode, type Target } from "./json_names.ts";
import { whiteSpaceEnd } from "./json_tokens.ts";
import { isValidUtf8 } from "./utf8.ts";

/** What follows the literal: a string (its quote is part of the literal), any other value, or the record's end. */
const STRING = 0;
const OTHER = 1;
const END = 2;

// A node in the kernel's memory, in words of 4 bytes, and its flags (engine/kernel/assembly/layout.ts).
const NODE_WORDS = 16;
const FIRST_CHILD = 0;
const NEXT = 1;
const IS_ENTERED = 1;
const IS_ATTRIBUTES = 2;
const IS_WANTED = 4;
/** Literals begin at whole vectors, and end in zeros up to the next. */
const VECTOR_BYTES = 16;
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

/** What is known of the value after a literal, and of where it stands. */
export class LayoutNode {
  constructor(
    readonly targets: readonly Target[],
    readonly frame: Frame | null,
    readonly seen: Seen | null,
    /** The one target of the value, where no key before it on the path can have filled its field; null otherwise. */
    readonly soleTarget: Target | null,
  ) {}
}

const ROOT = new LayoutNode(NO_TARGETS, null, null, null);

/** Learns literals into the nodes of a kernel, which finds them again (engine/kernel/assembly/layout.ts). */
export class Layout {
  readonly #kernel: Kernel;
  readonly #names: NameNode;
  /** By index, as the kernel names them; the first stands before the first literal. */
  #nodes: LayoutNode[] = [ROOT];
  #literalsEnd = 0;
  readonly #place: { readonly nodes: number; readonly literals: number };
  readonly #most: { readonly nodes: number; readonly literalBytes: number };

  constructor(names: NameNode, kernel: Kernel) {
    this.#names = names;
    this.#kernel = kernel;
    this.#place = { nodes: kernel.constant("NODES") / 4, literals: kernel.constant("LITERALS") };
    this.#most = { nodes: kernel.constant("NODES_MAX"), literalBytes: kernel.constant("LITERALS_BYTES") };
  }

  node(index: number): LayoutNode {
    return this.#nodes[index];
  }

  /** Adds a child to `parent` for the literal at `start`; false where it is invalid or unusual (JSON.parse decides). */
  learn(parent: number, bytes: Uint8Array, start: number, end: number): boolean {
    const reader = new LiteralReader(this.#nodes[parent], this.#names, bytes, end);
    const literalEnd = reader.read(start, parent === 0);
    if (literalEnd < 0 || literalEnd - start > LONGEST_LITERAL_BYTES) return false;
    if (
      this.#nodes.length === this.#most.nodes || this.#literalsEnd > this.#most.literalBytes - 2 * LONGEST_LITERAL_BYTES
    ) {
      this.#forget();
      return false;
    }
    const name = reader.kind === END ? null : reader.name;
    const node = new LayoutNode(
      name === null || name.targets.length === 0 ? NO_TARGETS : name.targets,
      reader.frame,
      reader.seen,
      name === null ? null : soleTargetOf(name, reader.seen),
    );
    const flags = (name !== null && name.children.size > 0 ? IS_ENTERED : 0) |
      (name !== null && name.isAttributes ? IS_ATTRIBUTES : 0) | (node.targets.length > 0 ? IS_WANTED : 0);
    this.#write(parent, node, reader.kind, flags, bytes.subarray(start, literalEnd));
    return true;
  }

  /** Keys that never repeat must not fill the memory. */
  #forget(): void {
    this.#nodes = [ROOT];
    this.#literalsEnd = 0;
    this.#kernel.words[this.#place.nodes + FIRST_CHILD] = 0;
  }

  /** Puts a node into the kernel's memory, as the first child of its parent. */
  #write(parent: number, node: LayoutNode, kind: number, flags: number, literal: Uint8Array): void {
    const { words, bytes } = this.#kernel;
    const index = this.#nodes.push(node) - 1;
    const at = this.#place.nodes + index * NODE_WORDS;
    const parentAt = this.#place.nodes + parent * NODE_WORDS;
    const target = node.soleTarget;
    words.set([
      0,
      words[parentAt + FIRST_CHILD],
      kind,
      literal.length,
      this.#place.literals + this.#literalsEnd,
      flags,
      node.frame?.depth ?? 0,
      ...(target === null
        ? [-1, 0, 0, 0]
        : [target.kind, target.slot, target.rank, target.decimals + target.unitExponent]),
    ], at);
    words[parentAt + FIRST_CHILD] = 4 * at; // its address
    const literalAt = this.#place.literals + this.#literalsEnd;
    const padded = (literal.length + VECTOR_BYTES - 1) & -VECTOR_BYTES;
    bytes.fill(0, literalAt, literalAt + padded);
    bytes.set(literal, literalAt);
    this.#literalsEnd += padded;
    this.#limitChildren(parentAt);
  }

  #limitChildren(parentAt: number): void {
    const { words } = this.#kernel;
    let last = parentAt + FIRST_CHILD;
    for (let count = 0; words[last] !== 0; count++) {
      if (count === MOST_CHILDREN) {
        words[last] = 0;
        return;
      }
      last = words[last] / 4 + NEXT;
    }
  }
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
    let at = start;
    while (at < this.end && this.bytes[at] >= 0x20 && this.bytes[at] !== 0x22 && this.bytes[at] !== 0x5c) at++;
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
