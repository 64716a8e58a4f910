/** Strict UTF-8 (RFC 3629) over a span of bytes, quick where the text is ASCII. */

// A view is made once a buffer, not once a record: a fetched batch holds thousands of records in one buffer.
let viewed: ArrayBufferLike | null = null;
let view: DataView = new DataView(new ArrayBuffer(0));

/** A view of the whole buffer, the same one for as long as the buffer is. Positions are the buffer's, not a span's. */
export function viewOf(buffer: ArrayBufferLike): DataView {
  if (buffer !== viewed) {
    view = new DataView(buffer);
    viewed = buffer;
  }
  return view;
}

/** The first position in bytes[start, end) that is not ASCII, or `end`. */
export function asciiEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (end - start >= 16) {
    const words = viewOf(bytes.buffer);
    const base = bytes.byteOffset;
    const last = end - 16;
    while (at <= last) {
      const from = base + at;
      const any = words.getUint32(from) | words.getUint32(from + 4) | words.getUint32(from + 8) |
        words.getUint32(from + 12);
      if ((any & 0x80808080) !== 0) break;
      at += 16;
    }
  }
  while (at < end && bytes[at] < 0x80) at++;
  return at;
}

/**
 * Length in bytes of the well-formed sequence that begins at `at` (1 to 4), or 0 where there is none: overlong forms,
 * surrogates, code points above U+10FFFF and sequences cut off by `end` are not well-formed (RFC 3629, section 4).
 */
export function utf8SequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  const second = bytes[at + 1];
  // Only the second byte's range depends on the first: it excludes overlong forms, surrogates and what is too large.
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  if (length > 2 && (bytes[at + 2] & 0xc0) !== 0x80) return 0;
  if (length > 3 && (bytes[at + 3] & 0xc0) !== 0x80) return 0;
  return length;
}

/** True where bytes[start, end) is well-formed UTF-8. */
export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = asciiEnd(bytes, start, end);
  while (at < end) {
    if (bytes[at] < 0x80) {
      at = asciiEnd(bytes, at, end);
      continue;
    }
    const length = utf8SequenceLength(bytes, at, end);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
