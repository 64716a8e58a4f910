/** What every kind of archive promises (core/archive/archive.ts). */
import { expect } from "expect";
import { type Archive, bodyOf, fileBody } from "../../core/archive/archive.ts";
import { openArchive } from "../../core/archive/registry.ts";
import { configSchema } from "../../core/config/schema.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { archiveTest, s3AccessForTests } from "./archives_for_tests.ts";

const KEY = "events/topic=shop/date=2026-01-31/hour=07/id-00000-0-1.parquet";

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function read(archive: Archive, key: string): Promise<Uint8Array | null> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/copy`;
    return await archive.fetch(key, path) ? await Deno.readFile(path) : null;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function keysIn(archive: Archive, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(archive.list(prefix))).map(({ key }) => key).sort();
}

function noise(bytes: number, seed: number): Uint8Array {
  const random = randomFrom(seed);
  return Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
}

archiveTest("what is put is there, whole, and can be put anew", async (under) => {
  const archive = await under.open();
  expect(await read(archive, KEY)).toBeNull();
  expect(await keysIn(archive, "")).toEqual([]);
  expect(await archive.folders("events/topic=shop/")).toEqual([]);
  const begunMs = Date.now();
  await archive.put(KEY, bodyOf([bytesOf("one "), bytesOf("two")]));
  expect(await read(archive, KEY)).toEqual(bytesOf("one two"));
  const [file] = await Array.fromAsync(archive.list("events/"));
  expect(file).toMatchObject({ key: KEY, bytes: 7 });
  expect(Math.abs(file.modifiedMs - begunMs)).toBeLessThan(60_000);
  await archive.put(KEY, bodyOf([bytesOf("other")]));
  expect(await read(archive, KEY)).toEqual(bytesOf("other"));
  archive.close();
  // Another process sees the same.
  const again = await under.open();
  expect(await read(again, KEY)).toEqual(bytesOf("other"));
  expect(again.location).not.toContain("secret");
  again.close();
});

archiveTest("a body of many parts arrives byte for byte, from memory and from a file", async (under) => {
  const archive = await under.open();
  const bytes = noise(19 * 1_048_576 + 13, 5);
  const parts = [bytes.subarray(0, 9_000_000), bytes.subarray(9_000_000, 9_000_001), bytes.subarray(9_000_001)];
  await archive.put("large.parquet", bodyOf(parts));
  const read1 = await read(archive, "large.parquet");
  expect(read1?.length).toBe(bytes.length);
  expect(read1?.every((byte, i) => byte === bytes[i])).toBe(true);
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, bytes);
  await archive.put("file.parquet", await fileBody(path));
  await Deno.remove(path);
  const read2 = await read(archive, "file.parquet");
  expect(read2?.length).toBe(bytes.length);
  expect(read2?.every((byte, i) => byte === bytes[i])).toBe(true);
  archive.close();
});

archiveTest("keys are listed by what they begin with, folders by what lies below them", async (under) => {
  const archive = await under.open();
  const keys = [
    "events/topic=shop/date=2026-01-31/hour=07/a-1.parquet",
    "events/topic=shop/date=2026-01-31/hour=07/a-2.parquet",
    "events/topic=shop/date=2026-01-31/hour=07/b-1.parquet",
    "events/topic=shop/date=2026-02-01/hour=00/a-3.parquet",
    "events/topic=shop-2/date=2026-02-01/hour=00/a-3.parquet",
    "quarantine/topic=a b+c%20=ä/date=2026-02-01/hour=00/a-4.parquet",
  ];
  for (const key of keys) await archive.put(key, bodyOf([bytesOf(key)]));
  expect(await keysIn(archive, "")).toEqual(keys.toSorted());
  expect(await keysIn(archive, "events/topic=shop/")).toEqual(keys.slice(0, 4));
  expect(await keysIn(archive, "events/topic=shop/date=2026-01-31/hour=07/a-")).toEqual(keys.slice(0, 2));
  expect(await keysIn(archive, "events/topic=sho")).toEqual(keys.slice(0, 5).toSorted());
  expect(await keysIn(archive, "nothing/")).toEqual([]);
  expect((await archive.folders("events/topic=shop/")).sort()).toEqual(["date=2026-01-31", "date=2026-02-01"]);
  expect((await archive.folders("events/")).sort()).toEqual(["topic=shop", "topic=shop-2"]);
  for (const key of keys) expect(await read(archive, key)).toEqual(bytesOf(key));
  archive.close();
});

archiveTest("more keys than a page of a listing has are all listed", async (under) => {
  const archive = await under.open();
  const keys = Array.from({ length: under.manyKeys }, (_, n) => `many/${String(n).padStart(5, "0")}.parquet`);
  for (let at = 0; at < keys.length; at += 50) {
    await Promise.all(keys.slice(at, at + 50).map((key) => archive.put(key, bodyOf([bytesOf("x")]))));
  }
  expect(await keysIn(archive, "many/")).toEqual(keys);
  await archive.remove(keys);
  expect(await keysIn(archive, "many/")).toEqual([]);
  archive.close();
});

archiveTest(
  "what is removed is gone, with folders that are empty then; what is not there is passed over",
  async (under) => {
    const archive = await under.open();
    const other = KEY.replace("hour=07", "hour=08");
    await archive.put(KEY, bodyOf([bytesOf("a")]));
    await archive.put(other, bodyOf([bytesOf("b")]));
    await archive.remove([KEY, "events/topic=shop/date=1999-01-01/hour=00/none.parquet"]);
    expect(await keysIn(archive, "")).toEqual([other]);
    expect(await archive.folders("events/topic=shop/date=2026-01-31/")).toEqual(["hour=08"]);
    await archive.remove([other]);
    expect(await archive.folders("")).toEqual([]);
    archive.close();
  },
);

archiveTest("of two who put the same key at once one is there whole", async (under) => {
  const [first, second] = [await under.open(), await under.open()];
  const bodies = [noise(300_000, 1), noise(300_000, 2)];
  for (let round = 0; round < 5; round++) {
    const key = `race/${round}.parquet`;
    // A service may refuse one of two writers; it writes again then.
    const put = async (archive: Archive, body: Uint8Array) => {
      await archive.put(key, bodyOf([body])).catch(() => archive.put(key, bodyOf([body])));
    };
    await Promise.all([put(first, bodies[0]), put(second, bodies[1])]);
    const kept = await read(first, key);
    expect(bodies.some((body) => body.every((byte, i) => byte === kept?.[i]))).toBe(true);
    expect(await keysIn(first, "race/")).toHaveLength(round + 1);
  }
  first.close();
  second.close();
});

for (const service of ["moto", "s3proxy"] as const) {
  const access = await s3AccessForTests(service);
  Deno.test({
    name: `${service}: a bucket that is missing is made where that may be, and told of where not`,
    ignore: access === null,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const open = async (createBucket: boolean, location: string) => {
        const archive = await openArchive(configSchema.parse({ archive: { ...access, location, createBucket } }));
        if (archive === null) throw new Error("no archive");
        return archive;
      };
      const location = `s3://made-${crypto.randomUUID()}/logs`;
      const careful = await open(false, location);
      await expect(careful.put(KEY, bodyOf([bytesOf("a")]))).rejects.toThrow(
        /cannot write .* in bucket made-.*NoSuchBucket/,
      );
      const maker = await open(true, location);
      expect(await keysIn(maker, "events/")).toEqual([]);
      await maker.put(KEY, bodyOf([bytesOf("a")]));
      expect(await read(careful, KEY)).toEqual(bytesOf("a"));
      const other = await open(true, location); // the bucket is there already
      expect(await keysIn(other, "events/")).toEqual([KEY]);
      for (const archive of [careful, maker, other]) archive.close();
    },
  });
}
