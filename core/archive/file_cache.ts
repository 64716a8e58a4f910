/** Copies of archived files on this machine, so that the next page of the same hour fetches nothing. */
import { join } from "node:path";
import type { Archive } from "./archive.ts";
import { LocalArchive } from "./local.ts";

/** Fetches as an archive does: a file of a key never changes what it says, so that a copy stays good. */
export type FetchFile = Archive["fetch"];

/** Copies are kept in `directory` up to `bytesMax`, those used last. Files that are here anyway are not copied. */
export function cachedFetch(archive: Archive, directory: string, bytesMax: number): FetchFile {
  if (archive instanceof LocalArchive) return (key, path) => archive.fetch(key, path);
  const cache = new FileCache(archive, directory, bytesMax);
  return (key, path) => cache.fetch(key, path);
}

class FileCache {
  readonly #archive: Archive;
  readonly #directory: string;
  readonly #bytesMax: number;

  constructor(archive: Archive, directory: string, bytesMax: number) {
    this.#archive = archive;
    this.#directory = directory;
    this.#bytesMax = bytesMax;
  }

  async fetch(key: string, path: string): Promise<boolean> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${this.#archive.location}\n${key}`));
    const copy = join(this.#directory, `${new Uint8Array(digest, 0, 16).toHex()}.parquet`);
    if (await linked(copy, path)) {
      await Deno.utime(copy, new Date(), new Date()).catch(() => {}); // evicted in between: `path` has it all the same
      return true;
    }
    await Deno.mkdir(this.#directory, { recursive: true });
    const temporary = `${copy}.${crypto.randomUUID()}`;
    try {
      if (!await this.#archive.fetch(key, temporary)) return false;
      await Deno.rename(temporary, copy);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      if (!(error instanceof Deno.errors.NotFound)) throw error; // else another evicted it already
    }
    const isThere = await linked(copy, path);
    await this.#evict();
    return isThere || await this.#archive.fetch(key, path);
  }

  /** Removes copies, those used longest ago first: whoever reads one has a name of its own for it. */
  async #evict(): Promise<void> {
    const files: { path: string; size: number; usedMs: number }[] = [];
    for await (const { name } of Deno.readDir(this.#directory)) {
      const path = join(this.#directory, name);
      const info = await Deno.stat(path).catch(() => null);
      if (info !== null) files.push({ path, size: info.size, usedMs: info.mtime?.getTime() ?? 0 });
    }
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (bytes <= this.#bytesMax) return;
      await Deno.remove(path).catch(() => {}); // by another process
      bytes -= size;
    }
  }
}

/** False where there is no such file. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await Deno.link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
