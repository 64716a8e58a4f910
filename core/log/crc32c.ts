/**
 * CRC32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum of Kafka record batches.
 * The native package checks tens of gigabytes a second; where it has no build for a platform, eight table look-ups
 * a step ("slicing by 8", Kounavis and Berry 2005) stand in at about a fiftieth of that.
 */

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** Table k holds the checksum of a byte that is followed by k zero bytes. */
function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: SLICES }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    tables[0][byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const crc = tables[slice - 1][byte];
      tables[slice][byte] = (crc >>> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

let portableTables: Uint32Array[] | undefined;

/** CRC32C of `bytes` in plain TypeScript, 0 to 2^32 - 1. */
export function crc32cPortable(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = portableTables ??= makeTables();
  let crc = 0xffffffff;
  let at = 0;
  for (const whole = bytes.length - 7; at < whole; at += 8) {
    crc = t7[(crc ^ bytes[at]) & 0xff] ^
      t6[((crc >>> 8) ^ bytes[at + 1]) & 0xff] ^
      t5[((crc >>> 16) ^ bytes[at + 2]) & 0xff] ^
      t4[(crc >>> 24) ^ bytes[at + 3]] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

/** Answers the native function where it loads and is right about the standard check value, else null. */
async function loadNative(): Promise<((bytes: Uint8Array) => number) | null> {
  try {
    const { crc32c } = await import("@node-rs/crc32");
    const isRight = crc32c(new TextEncoder().encode("123456789")) === 0xe3069283;
    return isRight ? (bytes) => crc32c(bytes) : null;
  } catch {
    return null;
  }
}

const native = await loadNative();

/** Whether the native package is in use (shown by `deno task doctor` and bench). */
export const isCrc32cNative = native !== null;

/** CRC32C of `bytes`, 0 to 2^32 - 1. */
export const crc32c: (bytes: Uint8Array) => number = native ?? crc32cPortable;
