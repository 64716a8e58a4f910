/** Parts of the grammar of JSON (RFC 8259) on bytes: from a position to where the token ends, or -1. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The bytes of a word that are not plain ASCII of a string (quotes, backslashes, controls, non-ASCII): their high bits,
 * of which the lowest is exact. x ^ 2 is below 0x21 for controls and the quote alone, x ^ 0x5c is below 1 for the
 * backslash, and a subtraction sets the high bit of a byte that is below; borrows only travel upwards (Mycroft's test).
 */
function specialBits(word: number): number {
  return (word | ((word ^ 0x02020202) - 0x21212121) | ((word ^ 0x5c5c5c5c) - 0x01010101)) & 0x80808080;
}

function lowestByte(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >> 3;
}

/**
 * Where the run of plain ASCII in a string ends: the first quote, backslash, control or non-ASCII byte, or `end`.
 * Two words of four bytes a turn: twice as quick as bytes.
 */
export function plainEnd(view: DataView, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    const low = specialBits(view.getInt32(at, true));
    if (low !== 0) return at + lowestByte(low);
    const high = specialBits(view.getInt32(at + 4, true));
    if (high !== 0) return at + 4 + lowestByte(high);
  }
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20 || byte >= 0x80) break;
    at++;
  }
  return at;
}

/** From after the backslash of an escape to after the escape. */
export function escapeEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  switch (bytes[at]) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75:
      break;
    default:
      return -1;
  }
  if (at + 5 > end) return -1;
  for (let i = at + 1; i < at + 5; i++) {
    const byte = bytes[i];
    const letter = byte | 0x20;
    if ((byte < 0x30 || byte > 0x39) && (letter < 0x61 || letter > 0x66)) return -1;
  }
  return at + 5;
}

export function whiteSpaceEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++;
  return at;
}
