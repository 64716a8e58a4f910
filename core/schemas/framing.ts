/** Confluent's framing of a value whose schema is registered: a zero byte, the schema's id (big-endian), the payload. */

export const FRAME_BYTES = 5;
const MAGIC = 0;

/** The schema's id of the value in bytes[start, end); -1 where it has no frame. */
export function schemaIdOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < FRAME_BYTES || bytes[start] !== MAGIC) return -1;
  return (bytes[start + 1] << 24 | bytes[start + 2] << 16 | bytes[start + 3] << 8 | bytes[start + 4]) >>> 0;
}

/** Writes the frame at out[at...] and answers its end. */
export function writeFrame(id: number, out: Uint8Array, at: number): number {
  out[at] = MAGIC;
  out[at + 1] = id >>> 24;
  out[at + 2] = id >>> 16;
  out[at + 3] = id >>> 8;
  out[at + 4] = id;
  return at + FRAME_BYTES;
}
