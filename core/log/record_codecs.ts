/**
 * Kafka's codecs of record batches, decompressed within a limit: a few kilobytes must not be able to exhaust a worker.
 * gzip (RFC 1952), snappy (raw, or framed as the Java client does: xerial), lz4 (frames), zstd (RFC 8878).
 */
import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from "@platformatic/wasm-utils";

/** What a compressed batch may become. */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** Codec numbers of the batch attributes. */
export const CODEC = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export const CODEC_NAMES = ["none", "gzip", "snappy", "lz4", "zstd"];

/** Throws a RangeError beyond {@link DECOMPRESSED_BYTES_MAX}, and whatever the codec does for what it cannot read. */
export function decompress(codec: number, bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = decompressed(codec, bytes);
  return new Uint8Array(buffer, byteOffset, length); // not the libraries' class, whose slices are views
}

function decompressed(codec: number, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case CODEC.gzip:
      return gunzipSync(bytes, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
    case CODEC.zstd:
      return zstdDecompressSync(bytes, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
    case CODEC.snappy:
      return unsnappy(bytes);
    case CODEC.lz4:
      checkSize(lz4BytesMax(bytes));
      return lz4Decompress(asBuffer(bytes));
    default:
      throw new RangeError(`there is no codec ${codec}`);
  }
}

/** The bytes in a codec of {@link CODEC}. */
export function compress(codec: number, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case CODEC.gzip:
      return gzipSync(bytes);
    case CODEC.zstd:
      return zstdCompressSync(bytes);
    case CODEC.snappy:
      return snappyCompress(asBuffer(bytes));
    case CODEC.lz4:
      return lz4Compress(asBuffer(bytes));
    default:
      return bytes;
  }
}

/** The same bytes as the class that the library asks for. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function checkSize(bytes: number): void {
  if (bytes > DECOMPRESSED_BYTES_MAX) {
    throw new RangeError(`records of up to ${bytes} bytes, more than ${DECOMPRESSED_BYTES_MAX}`);
  }
}

const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0);
/** Magic, version, oldest compatible version. */
const XERIAL_HEADER_BYTES = 16;

function unsnappy(bytes: Uint8Array): Uint8Array {
  if (XERIAL_MAGIC.some((byte, i) => bytes[i] !== byte)) {
    checkSize(snappyBytes(bytes));
    return snappyDecompress(asBuffer(bytes));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: Uint8Array[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const end = at + 4 + view.getUint32(at);
    if (end > bytes.length) throw new RangeError("a chunk of snappy is cut short");
    chunks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  checkSize(chunks.reduce((sum, chunk) => sum + snappyBytes(chunk), 0));
  return Buffer.concat(chunks.map((chunk) => snappyDecompress(asBuffer(chunk))));
}

/** A raw block of snappy begins with its length when decompressed, as a varint. */
function snappyBytes(block: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i] & 0x7f) * 2 ** (7 * i);
    if (block[i] < 0x80) return length;
  }
  throw new RangeError("a block of snappy without its length");
}

const LZ4_MAGIC = 0x184d2204;
/** Two bits of the frame's flags: bytes that a block may become. */
const LZ4_BLOCK_BYTES = [0, 0, 0, 0, 65_536, 262_144, 1_048_576, 4_194_304];
/** A byte of a block becomes at most so many: a run of 255 for each byte of its length. */
const LZ4_EXPANSION = 255;

/**
 * What the blocks of an lz4 frame may become at most, by their sizes: the frame need not say what it does become.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
function lz4BytesMax(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 7 || view.getUint32(0, true) !== LZ4_MAGIC) throw new RangeError("no frame of lz4");
  const flags = frame[4];
  const blockBytes = LZ4_BLOCK_BYTES[frame[5] >> 4 & 7];
  const hasBlockChecksum = (flags & 0x10) !== 0;
  let at = 6 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0) + 1;
  let bytes = 0;
  while (at + 4 <= frame.length) {
    const size = view.getUint32(at, true);
    if (size === 0) return bytes;
    const stored = size & 0x7fff_ffff;
    bytes += (size & 0x8000_0000) !== 0 ? stored : Math.min(blockBytes, stored * LZ4_EXPANSION);
    at += 4 + stored + (hasBlockChecksum ? 4 : 0);
  }
  throw new RangeError("a frame of lz4 without its end");
}
