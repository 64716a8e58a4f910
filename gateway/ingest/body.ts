/** The body of a request as chunks of bytes, taken apart where it is compressed. */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../core/errors.ts";
import { Problem } from "../problem.ts";

const CHUNK_BYTES = 64 * 1024;

/** The sender's stream failed or is no gzip: told apart from what the log throws. */
export class UnreadableBody extends Error {
  override readonly name = "UnreadableBody";
}

/** Whether the body is gzip; refuses any other Content-Encoding with 415. */
export function isCompressed(headers: Headers): boolean {
  const encoding = (headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return false;
  if (encoding === "gzip" || encoding === "x-gzip") return true;
  throw new Problem(415, "Unknown encoding", `Content-Encoding is ${encoding}: send gzip, or nothing`);
}

/** The chunks as they come, decompressed. Whoever stops early drops the rest. Throws {@link UnreadableBody}. */
export async function* bodyChunks(request: Request, isGzip: boolean): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  try {
    if (isGzip) yield* decompressed(request.body);
    else yield* request.body;
  } catch (cause) {
    throw new UnreadableBody(messageOf(cause), { cause });
  }
}

// zlib of node: several members after one another are one gzip stream (RFC 1952), which DecompressionStream refuses.
async function* decompressed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(body);
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  source.on("error", (error) => gunzip.destroy(error));
  try {
    for await (const chunk of source.pipe(gunzip)) yield chunk;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}
