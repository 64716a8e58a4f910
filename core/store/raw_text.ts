/** Records that are not UTF-8, as text to search and to show. */

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The record's text, each byte that is not part of well-formed UTF-8 (RFC 3629) as \xNN. */
export function escapeInvalid(bytes: Uint8Array): string {
  let text = "";
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += decoder.decode(bytes.subarray(start, at)) + `\\x${bytes[at].toString(16).padStart(2, "0")}`;
    start = ++at;
  }
  return text + decoder.decode(bytes.subarray(start));
}

/** Bytes of the well-formed sequence at `at`; 0 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte's bounds leave out overlong forms, surrogates and what is above U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i]; // undefined beyond the end: no comparison holds
    if (!(byte >= (i === 1 ? low : 0x80) && byte <= (i === 1 ? high : 0xbf))) return 0;
  }
  return length;
}
