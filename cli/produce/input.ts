/** What `produce` reads: a file or standard input, unpacked where its first bytes say gzip. */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf, MillraceError } from "../../core/errors.ts";

const CHUNK_BYTES = 256 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b];

export interface Input {
  /** For messages: the path, or "standard input". */
  readonly name: string;
  /** Size as stored; null where it isn't known (a pipe). */
  readonly sizeBytes: number | null;
  /** Bytes read so far, as stored. */
  readonly readBytes: () => number;
  /** The content, unpacked. Chunks are the reader's to keep. Throws FILE_UNAVAILABLE or CORRUPT_DATA. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): void;
}

/** Opens `path`, or standard input for "-". Throws FILE_UNAVAILABLE where that is no readable file. */
export async function openInput(path: string): Promise<Input> {
  if (path === "-") return await inputOf("standard input", Deno.stdin, null);
  let file: Deno.FsFile;
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
    if (info.isDirectory) throw unavailable(path, "is a directory", "name one file, or send several: cat DIR/*.log |");
    file = await Deno.open(path);
  } catch (error) {
    throw error instanceof MillraceError ? error : reasonOf(path, error);
  }
  return await inputOf(path, file, info.isFile ? info.size : null);
}

function reasonOf(path: string, cause: unknown): unknown {
  if (cause instanceof Deno.errors.NotFound) {
    return unavailable(path, "no such file", "check the name; relative paths start at the current directory", cause);
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return unavailable(path, "this user may not read it", "change its permissions, or read it as another user", cause);
  }
  if (cause instanceof Deno.errors.NotCapable) return cause;
  return unavailable(path, messageOf(cause), "check that the file can be read", cause);
}

function unavailable(path: string, why: string, remedy: string, cause?: unknown): MillraceError {
  return new MillraceError("FILE_UNAVAILABLE", `${path}: ${why}`, remedy, { cause });
}

interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
  close(): void;
}

async function inputOf(name: string, source: ByteSource, sizeBytes: number | null): Promise<Input> {
  let readBytes = 0;
  const read = async (): Promise<Uint8Array | null> => {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const length = await source.read(buffer).catch((error) => {
      throw unavailable(name, messageOf(error), "check that the file can be read", error);
    });
    if (length === null) return null;
    readBytes += length;
    return buffer.subarray(0, length);
  };
  const head = await readHead(read);
  const stored = async function* (): AsyncGenerator<Uint8Array> {
    yield* head;
    for (let chunk = await read(); chunk !== null; chunk = await read()) yield chunk;
  };
  const isGzip = GZIP_MAGIC.every((byte, index) => byteAt(head, index) === byte);
  return {
    name,
    sizeBytes,
    readBytes: () => readBytes,
    chunks: isGzip ? unpacked(name, stored()) : stored(),
    close: () => source.close(),
  };
}

/** Enough chunks to tell gzip: a pipe may give one byte at a time. */
async function readHead(read: () => Promise<Uint8Array | null>): Promise<Uint8Array[]> {
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < GZIP_MAGIC.length) {
    const chunk = await read();
    if (chunk === null) break;
    head.push(chunk);
    length += chunk.length;
  }
  return head;
}

function byteAt(chunks: readonly Uint8Array[], index: number): number | undefined {
  let at = index;
  for (const chunk of chunks) {
    if (at < chunk.length) return chunk[at];
    at -= chunk.length;
  }
  return undefined;
}

// zlib of node: it reads files of several members, as rotated logs are, which DecompressionStream refuses.
async function* unpacked(name: string, stored: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const source = Readable.from(stored);
  let sourceError: unknown = null;
  source.on("error", (error) => {
    sourceError = error;
    gunzip.destroy(error);
  });
  try {
    for await (const chunk of source.pipe(gunzip)) yield chunk;
  } catch (error) {
    if (sourceError !== null) throw sourceError;
    throw new MillraceError(
      "CORRUPT_DATA",
      `${name}: not a whole gzip file: ${messageOf(error)}`,
      "copy the file again; the lines up to the damage were read",
      { cause: error },
    );
  }
}
