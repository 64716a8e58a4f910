/**
 * The port of the archive: files by key in a place that outlives the store. A key is a path of folders that reads
 * `events/topic=T/date=2026-01-31/hour=07/NAME`, which DuckDB, Spark and Hive take for partitions.
 */

/** What is to be kept under a key: bytes that can be read again from the start, for another try. */
export interface ArchiveBody {
  readonly bytes: number;
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface ArchivedFile {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, epoch milliseconds. */
  readonly modifiedMs: number;
}

/** One file a place: local.ts, s3.ts, hdfs.ts; registry.ts knows them. Every call may fail, and may be repeated. */
export interface Archive {
  /** For people, without secrets. */
  readonly location: string;
  /** Keeps `body` under `key`, whole or not at all, in place of what was there. Durable when it resolves. */
  put(key: string, body: ArchiveBody): Promise<void>;
  /** Every file whose key begins with `prefix`, in no order. */
  list(prefix: string): AsyncIterable<ArchivedFile>;
  /** Names of the folders right below `folder`, which ends with a slash. */
  folders(folder: string): Promise<string[]>;
  /** Puts a copy at `path`, where nothing may be; false where there is no such key. */
  fetch(key: string, path: string): Promise<boolean>;
  /** Removes keys that are there; others are passed over. */
  remove(keys: readonly string[]): Promise<void>;
  close(): void;
}

/** The parts as a body. */
export function bodyOf(parts: readonly Uint8Array[]): ArchiveBody {
  return { bytes: parts.reduce((sum, { length }) => sum + length, 0), chunks: () => parts };
}

/** A file as a body. */
export async function fileBody(path: string): Promise<ArchiveBody> {
  const { size } = await Deno.stat(path);
  return {
    bytes: size,
    async *chunks() {
      using file = await Deno.open(path, { read: true });
      for (let left = size; left > 0;) {
        const chunk = new Uint8Array(Math.min(left, 1_048_576));
        const read = await file.read(chunk);
        if (read === null) throw new RangeError(`${path} is shorter than it was`);
        left -= read;
        yield chunk.subarray(0, read);
      }
    },
  };
}

/** All of a body in one piece. */
export async function wholeBody(body: ArchiveBody): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(body.bytes);
  let at = 0;
  for await (const chunk of body.chunks()) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
