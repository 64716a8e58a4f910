/** A file that is served as it is: kept in memory, compressed, and not sent again to whoever has it. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

interface Kept {
  /** When its parts were last changed: a bundle that was made anew is served without a restart. */
  readonly changed: string;
  readonly tag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly zipped: Uint8Array<ArrayBuffer>;
}

/** One file, or several after one another. */
export class StaticFile {
  readonly #parts: readonly URL[];
  #kept: Kept | null = null;

  constructor(readonly type: string, ...parts: readonly URL[]) {
    this.#parts = parts;
  }

  /** Answers a request with these headers. Throws where a part cannot be read. */
  async answer(request: Headers): Promise<Response> {
    const { tag, plain, zipped } = await this.#read();
    const headers = {
      "Content-Type": this.type,
      // Whoever has it asks whether it is still the same: after an update nobody has the old script with the new answers.
      "Cache-Control": "no-cache",
      "ETag": tag,
      "Vary": "Accept-Encoding",
    };
    if (request.get("if-none-match")?.split(/,\s*/).includes(tag) === true) {
      return new Response(null, { status: 304, headers });
    }
    const takesGzip = /(^|[\s,])gzip\s*(,|$|;(?!\s*q=0(\.0*)?\s*(,|$)))/.test(request.get("accept-encoding") ?? "");
    return takesGzip
      ? new Response(zipped, { headers: { ...headers, "Content-Encoding": "gzip" } })
      : new Response(plain, { headers });
  }

  async #read(): Promise<Kept> {
    const stats = await Promise.all(this.#parts.map((part) => Deno.stat(part)));
    const changed = stats.map(({ mtime, size }) => `${mtime?.getTime()} ${size}`).join();
    if (this.#kept?.changed === changed) return this.#kept;
    const texts = await Promise.all(this.#parts.map((part) => Deno.readTextFile(part)));
    const plain = new TextEncoder().encode(texts.join("\n"));
    const tag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 16)}"`;
    return this.#kept = { changed, tag, plain, zipped: new Uint8Array(gzipSync(plain)) };
  }
}
