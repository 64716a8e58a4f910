/** An archive in a directory, on this machine or mounted. */
import { dirname, join } from "node:path";
import { syncDirectory, writeAll } from "../durable_file.ts";
import type { Archive, ArchiveBody, ArchivedFile } from "./archive.ts";

/** Files under this name are being written; a killed process leaves them, and a later one removes them. */
const TEMPORARY = ".writing";
/** Older ones are nobody's any more. */
const STALE_MS = 24 * 3_600_000;

export class LocalArchive implements Archive {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get location(): string {
    return this.#directory;
  }

  #path(key: string): string {
    return join(this.#directory, key);
  }

  async put(key: string, body: ArchiveBody): Promise<void> {
    const path = this.#path(key);
    const parent = dirname(path);
    const folder = join(this.#directory, TEMPORARY);
    await Deno.mkdir(folder, { recursive: true });
    const temporary = join(folder, `${crypto.randomUUID()}.parquet`);
    try {
      {
        using file = await Deno.open(temporary, { write: true, createNew: true });
        for await (const chunk of body.chunks()) await writeAll(file, chunk);
        await file.sync();
      }
      await this.#makeFolders(parent);
      await Deno.rename(temporary, path);
      await syncDirectory(parent);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
  }

  /** Also their names have to outlive a power loss. */
  async #makeFolders(path: string): Promise<void> {
    if (await Deno.stat(path).then(() => true, () => false)) return;
    const parent = dirname(path);
    if (parent !== path && path !== this.#directory) await this.#makeFolders(parent);
    await Deno.mkdir(path, { recursive: true });
    if (parent !== path) await syncDirectory(parent);
  }

  async *list(prefix: string): AsyncGenerator<ArchivedFile> {
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    for await (const key of this.#walk(folder)) {
      if (!key.startsWith(prefix)) continue;
      const info = await Deno.stat(this.#path(key)).catch(absentAsNull);
      if (info !== null) yield { key, bytes: info.size, modifiedMs: info.mtime?.getTime() ?? 0 };
    }
  }

  async *#walk(folder: string): AsyncGenerator<string> {
    for (const { name, isDirectory } of await entriesOf(this.#path(folder))) {
      if (folder + name === TEMPORARY) continue;
      if (isDirectory) yield* this.#walk(`${folder}${name}/`);
      else yield folder + name;
    }
  }

  async folders(folder: string): Promise<string[]> {
    const entries = await entriesOf(this.#path(folder));
    return entries.filter(({ isDirectory, name }) => isDirectory && folder + name !== TEMPORARY).map(({ name }) =>
      name
    );
  }

  /** A second name for the same file, where the file system can. */
  async fetch(key: string, path: string): Promise<boolean> {
    try {
      await Deno.link(this.#path(key), path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
    }
    try {
      await Deno.copyFile(this.#path(key), path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Folders that become empty go, too. */
  async remove(keys: readonly string[]): Promise<void> {
    const folders = new Set<string>();
    for (const key of keys) {
      await Deno.remove(this.#path(key)).catch(absentAsNull);
      folders.add(dirname(key));
    }
    for (const folder of folders) {
      for (let at = folder; at !== "." && at !== ""; at = dirname(at)) {
        if (!await Deno.remove(this.#path(at)).then(() => true, () => false)) break; // not empty
      }
    }
    await this.#removeStale();
  }

  async #removeStale(): Promise<void> {
    for (const { name } of await entriesOf(join(this.#directory, TEMPORARY))) {
      const path = join(this.#directory, TEMPORARY, name);
      const info = await Deno.stat(path).catch(absentAsNull);
      if (info?.mtime && Date.now() - info.mtime.getTime() > STALE_MS) await Deno.remove(path).catch(absentAsNull);
    }
  }

  close(): void {}
}

function absentAsNull(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}

async function entriesOf(path: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
