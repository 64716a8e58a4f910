/**
 * Remembers which cell a combination of dimension values led to: in one of two places of 512 bytes that its hash names, of
 * 4096. Of each value there are its length (-1: absent) and its first and last 16 bytes, which is all of it up to 32 bytes;
 * longer ones lie behind as a whole. Vectors are hashed and compared, without a branch that depends on a length: lengths
 * change from record to record, and a branch guessed wrong costs more than what it saves (bench/scan).
 */
import { MASKS, TUPLE_FIELDS, TUPLE_LENGTHS, TUPLE_PLACES, TUPLE_VALUES, TUPLES } from "./memory";

const PLACE_SHIFT: usize = 9;
/** The hash's high bits number the places. */
const HASH_SHIFT: u64 = 64 - ctz<u64>(TUPLE_PLACES);
// Places in a place.
const SERIAL: usize = 0;
const CELL: usize = 4;
const IS_ERROR: usize = 8;
/** Bits of the hash that do not number the place: others' values are hardly ever compared. */
const TAG: usize = 12;
const LENGTHS: usize = 16;
const VALUES: usize = 48;
const BYTES: usize = 304;
const BYTES_MAX: i32 = 512 - 304;
const PLACE_BYTES: usize = 1 << PLACE_SHIFT;
/** Bytes of a vector, and of a value's two. */
const VECTOR: i32 = 16;
const VALUE_BYTES: usize = 32;
// Odd numbers whose bits look random: 2^64 by the golden ratio, and by the square root of 2.
const GOLDEN: u64 = 0x9e3779b97f4a7c15;
const SILVER: u64 = 0xb504f333f9de6485;

// What findTuple was asked for last.
let place: usize = 0;
let tag: u32 = 0;
let starts: usize = 0;
let ends: usize = 0;
let offset: i32 = 0;

function slotOf(field: i32): usize {
  return <usize>load<i32>(TUPLE_FIELDS + (<usize>field << 2), 4) << 2;
}

/**
 * The cell of the tuple's values among the cells `serial`, times two, plus one for an error; or -1. The values' spans are
 * in the arrays `startsAt` and `endsAt` by field; adding `addressOffset` makes addresses of them.
 */
export function findTuple(serial: i32, startsAt: usize, endsAt: usize, addressOffset: i32): i32 {
  starts = startsAt;
  ends = endsAt;
  offset = addressOffset;
  const fields = load<i32>(TUPLE_FIELDS);
  let hash: u64 = 0;
  let longest: i32 = 0;
  for (let i = 0; i < fields; i++) {
    const slot = slotOf(i);
    const start = load<i32>(startsAt + slot);
    const isAbsent = start < 0;
    const length = select(-1, load<i32>(endsAt + slot) - start, isAbsent);
    const at = <usize>select(<i32>MASKS, start + addressOffset, isAbsent);
    longest = max(longest, length);
    // What lies behind a value shorter than a vector is read with it, and cut off.
    const mask = v128.load(MASKS + <usize>(VECTOR - min(max(length, 0), VECTOR)));
    const first = v128.and(v128.load(at), mask);
    const last = v128.and(v128.load(at + <usize>(max(length, VECTOR) - VECTOR)), mask);
    const value = TUPLE_VALUES + (<usize>i << 5);
    v128.store(value, first);
    v128.store(value, last, 16);
    store<i32>(TUPLE_LENGTHS + (<usize>i << 2), length);
    const head = i64x2.extract_lane(first, 0) + length;
    const tail = i64x2.extract_lane(last, 1) ^ i64x2.extract_lane(last, 0);
    hash = rotl<u64>(hash, 7) + (<u64>head * GOLDEN ^ <u64>tail * SILVER);
  }
  hash = (hash ^ (hash >> 32)) * GOLDEN;
  place = TUPLES + (<usize>(hash >> HASH_SHIFT) << PLACE_SHIFT);
  tag = <u32>hash;
  const isLong = longest > 2 * VECTOR;
  if (!isAt(place, serial, fields, isLong)) {
    const other = place ^ PLACE_BYTES;
    if (!isAt(other, serial, fields, isLong)) return -1;
    place = other;
  }
  return (load<i32>(place, CELL) << 1) | load<i32>(place, IS_ERROR);
}

/** Whether a place has the tuple that was asked for. */
function isAt(place: usize, serial: i32, fields: i32, isLong: bool): bool {
  if (load<i32>(place, SERIAL) != serial || load<u32>(place, TAG) != tag) return false;
  let differs = v128.or(
    v128.xor(v128.load(TUPLE_LENGTHS), v128.load(place, LENGTHS)),
    v128.xor(v128.load(TUPLE_LENGTHS, 16), v128.load(place, LENGTHS + 16)),
  );
  const end = TUPLE_VALUES + <usize>fields * VALUE_BYTES;
  for (let value = TUPLE_VALUES, known = place + VALUES; value < end; value += VALUE_BYTES, known += VALUE_BYTES) {
    differs = v128.or(differs, v128.xor(v128.load(value), v128.load(known)));
    differs = v128.or(differs, v128.xor(v128.load(value, 16), v128.load(known, 16)));
  }
  return !v128.any_true(differs) && (!isLong || hasSameLongValues(place, fields));
}

/** Compares the middles of values that are not told by their ends. */
function hasSameLongValues(place: usize, fields: i32): bool {
  let known = place + BYTES;
  for (let i = 0; i < fields; i++) {
    const length = load<i32>(TUPLE_LENGTHS + (<usize>i << 2));
    if (length <= 2 * VECTOR) continue;
    const at = <usize>(load<i32>(starts + slotOf(i)) + offset);
    for (let from = <usize>VECTOR; from < <usize>(length - VECTOR); from += 8) {
      if (load<u64>(at + from) != load<u64>(known + from)) return false;
    }
    known += length;
  }
  return true;
}

/**
 * Remembers the cell of the values that {@link findTuple} was just asked for, and did not find: in the place of what is of
 * other cells, or of every other one.
 */
export function putTuple(serial: i32, cell: i32, isError: i32): void {
  const isFirstTaken = load<i32>(place, SERIAL) == serial;
  const isOtherTaken = load<i32>(place ^ PLACE_BYTES, SERIAL) == serial;
  if (isFirstTaken && (!isOtherTaken || (cell & 1) != 0)) place ^= PLACE_BYTES;
  store<i32>(place, 0, SERIAL);
  const fields = load<i32>(TUPLE_FIELDS);
  let total = 0;
  for (let i = 0; i < fields; i++) {
    const length = load<i32>(TUPLE_LENGTHS + (<usize>i << 2));
    if (length <= 2 * VECTOR) continue;
    if (length > BYTES_MAX - total) return;
    memory.copy(place + BYTES + total, <usize>(load<i32>(starts + slotOf(i)) + offset), length);
    total += length;
  }
  memory.copy(place + LENGTHS, TUPLE_LENGTHS, 32);
  memory.copy(place + VALUES, TUPLE_VALUES, <usize>fields * VALUE_BYTES);
  store<i32>(place, cell, CELL);
  store<i32>(place, isError, IS_ERROR);
  store<u32>(place, tag, TAG);
  store<i32>(place, serial, SERIAL);
}
