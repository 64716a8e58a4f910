/** An export's files, each written whole before it is read, as one stream. */
import { ParquetMerger } from "../parquet/merge.ts";
import type { ExportFormat } from "./ports.ts";

const CHUNK_BYTES = 256 * 1024;

/** A file that is, or will be, written. */
export interface ExportFile {
  readonly path: string;
  /** Settles when it is complete, or never will be. */
  readonly written: Promise<void>;
}

/**
 * Streams files one after the other, each when it has been written; resolves when the first one has, and rejects where it
 * was not. Where a later one was not the stream errors. `stop` is called at the end of reading, whichever it is, and
 * answers when nobody writes any more; all files are removed then.
 */
export async function streamFiles(
  files: readonly ExportFile[],
  format: ExportFormat,
  stop: () => Promise<void>,
): Promise<ReadableStream<Uint8Array>> {
  const release = async (): Promise<void> => {
    await stop();
    for (const { path } of files) await Deno.remove(path).catch(() => {}); // read already, or never made
  };
  try {
    await files[0].written;
  } catch (error) {
    await release();
    throw error;
  }
  const chunks = format === "parquet" ? mergedChunks(files) : joinedChunks(files);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        await release();
        return controller.error(error);
      }
      await release();
      controller.close();
    },
    async cancel() {
      const released = release(); // what is being waited for is never written then
      await chunks.return().catch(() => {});
      await released;
    },
  }, { highWaterMark: 0 });
}

type Chunks = AsyncGenerator<Uint8Array, void, void>;

async function* joinedChunks(files: readonly ExportFile[]): Chunks {
  for (const { path, written } of files) {
    await written;
    using file = await Deno.open(path, { read: true });
    yield* chunksOf(file, Infinity);
    await Deno.remove(path);
  }
}

async function* mergedChunks(files: readonly ExportFile[]): Chunks {
  const merger = new ParquetMerger();
  yield merger.head;
  for (const { path, written } of files) {
    await written;
    using file = await Deno.open(path, { read: true });
    const { start, end } = await merger.add(file);
    await file.seek(start, Deno.SeekMode.Start);
    yield* chunksOf(file, end - start);
    await Deno.remove(path);
  }
  yield merger.end();
}

/** The next bytes of a file: so many, or all that there are. */
async function* chunksOf(file: Deno.FsFile, length: number): Chunks {
  for (let left = length; left > 0;) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
    const read = await file.read(chunk);
    if (read === null) {
      if (left === Infinity) return;
      throw new RangeError("an exported file is shorter than it was");
    }
    left -= read;
    yield chunk.subarray(0, read);
  }
}
