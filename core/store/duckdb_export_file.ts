/** A file that is being written, as a stream: it ends well only when the writing has. */
const CHUNK_BYTES = 256 * 1024;
/** Wait for the writer where everything written so far has been read. */
const POLL_MS = 10;

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, POLL_MS));

/**
 * Streams what grows at `path` until `written` settles; resolves with the first bytes, or at the end of an empty file.
 * Rejects where the writing fails before, and the stream errors where it fails later. `stop` is called when the reader
 * cancels. The file is removed in every case.
 */
export async function streamWhileWritten(
  path: string,
  written: Promise<void>,
  stop: () => void,
): Promise<ReadableStream<Uint8Array>> {
  let outcome: { readonly error?: unknown } | null = null;
  const settled = written.then(() => outcome = {}, (error) => outcome = { error });
  const hasFailed = () => outcome !== null && "error" in outcome;

  let file: Deno.FsFile | null = null;
  const release = async (): Promise<void> => {
    file?.close();
    file = null;
    await settled;
    await Deno.remove(path).catch(() => {}); // where it was never made
  };
  const fail = async (): Promise<unknown> => {
    await release();
    return outcome?.error;
  };

  while (outcome === null && (await sizeOf(path)) === 0) await pause();
  if (hasFailed()) throw await fail();
  file = await Deno.open(path, { read: true });

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        // Asked for before reading: what was written last is then read, too.
        const isComplete = outcome !== null;
        if (hasFailed()) return controller.error(await fail());
        const chunk = new Uint8Array(CHUNK_BYTES);
        const read = await file?.read(chunk) ?? null;
        if (read !== null) return controller.enqueue(chunk.subarray(0, read));
        if (isComplete) {
          await release();
          return controller.close();
        }
        await pause();
      }
    },
    async cancel() {
      if (outcome === null) stop();
      await release();
    },
  }, { highWaterMark: 0 });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
