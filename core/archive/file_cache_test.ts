/** Copies of archived files: fetched once, within their room, and whole however many are fetched at once. */
import { expect } from "expect";
import { cachedFetch, type FetchFile } from "./file_cache.ts";
import type { Archive } from "./archive.ts";

/** An archive of files that say their keys, each as long as a number at its end. */
class Keys implements Pick<Archive, "location" | "fetch"> {
  readonly location = "keys";
  readonly fetched: string[] = [];
  /** Awaited once a file is at its path, before anybody is told. */
  after: (key: string) => Promise<void> = () => Promise.resolve();

  async fetch(key: string, path: string): Promise<boolean> {
    if (key === "none") return false;
    this.fetched.push(key);
    await Deno.writeTextFile(path, contentOf(key), { createNew: true });
    await this.after(key);
    return true;
  }
}

function contentOf(key: string): string {
  return key.padEnd(Number(/\d+$/.exec(key)?.[0]), ".");
}

interface Parts {
  readonly archive: Keys;
  readonly cache: string;
  /** Fetches to a path of its own, and answers what is there; null: there is no such key. */
  readonly read: (key: string) => Promise<string | null>;
}

async function withCache(bytesMax: number, check: (parts: Parts) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-file-cache-" });
  try {
    const archive = new Keys();
    const unused = () => {
      throw new Error("not asked for");
    };
    const whole: Archive = {
      ...{ location: archive.location, fetch: (key, path) => archive.fetch(key, path) },
      ...{ put: unused, list: unused, folders: unused, remove: unused, close: unused },
    };
    const cache = `${directory}/cache`;
    const fetch: FetchFile = cachedFetch(whole, cache, bytesMax);
    const read = async (key: string) => {
      const path = `${directory}/${crypto.randomUUID()}`;
      return await fetch(key, path) ? await Deno.readTextFile(path) : null;
    };
    await check({ archive, cache, read });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function bytesIn(directory: string): number {
  return [...Deno.readDirSync(directory)].reduce(
    (sum, { name }) => sum + Deno.statSync(`${directory}/${name}`).size,
    0,
  );
}

Deno.test("a file is fetched once, for as long as there is room for it", async () => {
  await withCache(250, async ({ archive, cache, read }) => {
    for (const key of ["a-100", "b-100", "a-100", "b-100"]) expect(await read(key)).toBe(contentOf(key));
    expect(archive.fetched).toEqual(["a-100", "b-100"]);
    // Clocks of files are coarse: what comes is newer for certain.
    for (const { name } of Deno.readDirSync(cache)) Deno.utimeSync(`${cache}/${name}`, 1, 1);
    expect(await read("c-100")).toBe(contentOf("c-100"));
    expect(bytesIn(cache)).toBeLessThanOrEqual(250);
    expect(await read("c-100")).toBe(contentOf("c-100"));
    expect(archive.fetched).toHaveLength(3);
    // One that there is no room for is read all the same, and not kept.
    for (let times = 0; times < 2; times++) expect(await read("d-300")).toBe(contentOf("d-300"));
    expect(bytesIn(cache)).toBe(0);
  });
});

Deno.test("a key that is not there, or that cannot be fetched, leaves nothing behind", async () => {
  await withCache(1000, async ({ archive, cache, read }) => {
    expect(await read("none")).toBeNull();
    archive.after = () => Promise.reject(new Error("out of reach"));
    await expect(read("a-10")).rejects.toThrow("out of reach");
    expect(bytesIn(cache)).toBe(0);
    archive.after = () => Promise.resolve();
    expect(await read("a-10")).toBe(contentOf("a-10"));
  });
});

Deno.test("a copy that is evicted before it has its name is fetched again", async () => {
  await withCache(50, async ({ archive, cache, read }) => {
    archive.after = async (key) => {
      if (key !== "a-100" || archive.fetched.length > 1) return;
      expect(await read("b-100")).toBe(contentOf("b-100")); // makes room, of which there is none for either
    };
    expect(await read("a-100")).toBe(contentOf("a-100"));
    expect(archive.fetched).toEqual(["a-100", "b-100", "a-100"]);
    expect(bytesIn(cache)).toBe(0);
  });
});
