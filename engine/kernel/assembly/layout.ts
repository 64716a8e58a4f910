/**
 * The layouts of records seen so far, as ../../parsing/json_layout.ts learns them: a tree of the literals between two
 * values. A node is found where its literal follows the value of its parent; 16 bytes are compared at a time.
 */
import { NODES } from "./memory";

/** What follows a literal: a string (its quote is part of the literal), any other value, or the record's end. */
export const STRING: i32 = 0;
export const OTHER: i32 = 1;
export const END: i32 = 2;

// Places in a node, i32 each. Nodes and literals are named by their address, and no node by 0.
export const FIRST_CHILD: usize = 0;
export const NEXT: usize = 4;
export const KIND: usize = 8;
export const LENGTH: usize = 12;
/** Where the literal begins. */
export const LITERAL: usize = 16;
export const FLAGS: usize = 20;
/** Objects that are open after the literal. */
export const DEPTH: usize = 24;
/** The one target of the value, or kind -1 where there are several, or none, or where its field may be set already. */
export const TARGET_KIND: usize = 28;
export const TARGET_SLOT: usize = 32;
export const TARGET_RANK: usize = 36;
/** Power of ten from the value as it is written to the measure's integers. */
export const TARGET_POWER: usize = 40;
const NODE_SHIFT: usize = 6;

/** Flags: an object here has wanted keys; an array here may hold wanted attributes; the value is wanted. */
export const IS_ENTERED: i32 = 1;
export const IS_ATTRIBUTES: i32 = 2;
export const IS_WANTED: i32 = 4;

export function nodeAt(index: i32): usize {
  return NODES + (<usize>index << NODE_SHIFT);
}

export function indexOf(node: usize): i32 {
  return <i32>((node - NODES) >> NODE_SHIFT);
}

/** The child of `parent` whose literal stands at `at`, or 0. */
export function childAt(parent: usize, at: usize, end: usize): usize {
  let node = <usize>load<i32>(parent, FIRST_CHILD);
  while (node != 0) {
    const length = load<i32>(node, LENGTH);
    const stop = at + length;
    if (isLiteral(at, load<usize>(node, LITERAL), length)) {
      const kind = load<i32>(node, KIND);
      if (kind == STRING) {
        if (stop < end) return node;
      } else if (kind == END) {
        if (stop == end) return node;
      } else if (stop < end) {
        const byte = load<u8>(stop);
        if (byte != 0x22 && (byte != 0x7b || (load<i32>(node, FLAGS) & IS_ENTERED) == 0)) return node;
      }
    }
    node = <usize>load<i32>(node, NEXT);
  }
  return 0;
}

/** Literals end in zeros up to a whole vector; the mask leaves out what follows in the record. */
function isLiteral(at: usize, literal: usize, length: i32): bool {
  let left = length;
  let from = at;
  let with_ = literal;
  while (left > 16) {
    if (v128.any_true(v128.xor(v128.load(from), v128.load(with_)))) return false;
    from += 16;
    with_ += 16;
    left -= 16;
  }
  return (i8x16.bitmask(i8x16.ne(v128.load(from), v128.load(with_))) & ((1 << left) - 1)) == 0;
}
