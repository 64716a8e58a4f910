/** Bytes of a record as text that can be shown: what is not UTF-8 becomes \xNN. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of `bytes`; each byte that is in no well-formed UTF-8 sequence is written as \xNN. */
export function rawText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return escaped(bytes);
  }
}

/** Decodes whole well-formed runs: a decoder asked byte by byte took seconds for a megabyte of binary. */
function escaped(bytes: Uint8Array): string {
  const parts: string[] = [];
  let runStart = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      parts.push(strict.decode(bytes.subarray(runStart, at)), `\\x${bytes[at].toString(16).padStart(2, "0")}`);
      runStart = at + 1;
    }
    at += Math.max(1, length);
  }
  parts.push(strict.decode(bytes.subarray(runStart)));
  return parts.join("");
}

/** Length of the well-formed sequence at `at`, or 0 where there is none (Unicode 16, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  // Overlong forms, surrogates and what is beyond U+10FFFF show in the second byte.
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (bytes[at + 1] < low || bytes[at + 1] > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  return length;
}
