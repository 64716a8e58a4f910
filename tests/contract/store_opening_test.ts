/** What DuckDB's store says of files that it cannot open or read. */
import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import { eventOf, EVER, flushOf, TOPIC } from "./store_fixtures.ts";

const open = (directory: string) => openDuckDbStore({ directory, memoryBytes: 128 * 1_048_576, threads: 2 });

async function inDirectory(check: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-opening-" });
  try {
    await check(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The error of `run`, which names the file and says what to do. */
async function refusalOf(run: Promise<unknown>, path: string): Promise<MillraceError> {
  const error: unknown = await run.then(() => null, (thrown) => thrown);
  if (!(error instanceof MillraceError)) throw new Error(`expected a MillraceError, found ${error}`);
  expect(error.message).toContain(path);
  expect(error.message).not.toContain("\n");
  expect(error.remedy.length).toBeGreaterThan(20);
  return error;
}

/** A store with 60 values of 20 000 random characters, closed; answers the path of its file. */
async function makeStore(directory: string): Promise<string> {
  const store = await open(directory);
  for (let i = 0; i < 60; i++) {
    await store.putIfAbsent(`key ${i}`, Array.from({ length: 1000 }, () => crypto.randomUUID().slice(0, 20)).join(""));
  }
  await store.close();
  return `${directory}/store.duckdb`;
}

Deno.test("duckdb store: a file that is no database, empty or cut short is told as damaged, and left as it is", async () => {
  await inDirectory(async (directory) => {
    const path = await makeStore(directory);
    const whole = await Deno.readFile(path);
    const damaged = [
      new Uint8Array(0),
      new Uint8Array(50_000).fill(7),
      whole.slice(0, 5000),
      whole.slice(0, whole.length >> 1),
    ];
    for (const bytes of damaged) {
      await Deno.writeFile(path, bytes);
      const error = await refusalOf(open(directory), path);
      expect(error.code).toBe("CORRUPT_DATA");
      expect(await Deno.readFile(path)).toEqual(bytes);
    }
    await Deno.writeFile(path, whole);
    await (await open(directory)).close();
  });
});

Deno.test("duckdb store: a block that does not pass its checksum is told as damage by the read that needs it", async () => {
  await inDirectory(async (directory) => {
    const path = await makeStore(directory);
    const whole = await Deno.readFile(path);
    let found = 0;
    // One bit of each block in turn: some are needed to open, others only to read a value.
    for (let at = 12_288 + 5000; at < whole.length; at += 262_144) {
      const bytes = whole.slice();
      bytes[at] ^= 1;
      await Deno.writeFile(path, bytes);
      const store = await open(directory).catch(async (error) => {
        expect((await refusalOf(Promise.reject(error), path)).code).toBe("CORRUPT_DATA");
        return null;
      });
      if (store === null) continue;
      const reads = Array.from({ length: 60 }, (_, i) => store.get(`key ${i}`));
      const failed = (await Promise.allSettled(reads)).flatMap((read) => read.status === "rejected" ? [read] : []);
      for (const { reason } of failed) {
        expect((await refusalOf(Promise.reject(reason), path)).code).toBe("CORRUPT_DATA");
        found++;
      }
      await store.close();
    }
    expect(found).toBeGreaterThan(0);
  });
});

Deno.test("duckdb store: a directory or a file in its place is told as such", async () => {
  await inDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/a/store.duckdb`, { recursive: true });
    expect((await refusalOf(open(`${directory}/a`), `${directory}/a/store.duckdb`)).code).toBe("FILE_UNAVAILABLE");
    await Deno.writeTextFile(`${directory}/file`, "");
    for (const path of [`${directory}/file`, `${directory}/file/store`]) {
      expect((await refusalOf(open(path), path)).code).toBe("FILE_UNAVAILABLE");
    }
  });
});

Deno.test("duckdb store: a text of a user that reads like damage is none", async () => {
  await inDirectory(async (directory) => {
    const store = await open(directory);
    await store.flush(flushOf({ events: [eventOf(0, 0)] }));
    const timeZone = "Corrupt database file";
    const error: unknown = await store.accessReport({ topicId: TOPIC, range: EVER, where: [], timeZone, limit: 1 })
      .then(() => null, (thrown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(MillraceError);
    await store.close();
  });
});

Deno.test("duckdb store: a file that is no write-ahead log is told of, and one that a kill left is not", async () => {
  await inDirectory(async (directory) => {
    const path = `${await makeStore(directory)}.wal`;
    const notices: string[] = [];
    const openAndClose = async () => {
      const store = await openDuckDbStore({
        directory,
        memoryBytes: 128 * 1_048_576,
        threads: 2,
        onNotice: (text) => notices.push(text),
      });
      expect((await store.get("key 1"))?.length).toBeGreaterThan(1000);
      await store.putIfAbsent(crypto.randomUUID(), "1");
      const log = await Deno.readFile(path);
      await store.close();
      return log;
    };
    const log = await openAndClose();
    for (const kept of [0, 1, 10, log.length >> 1, log.length]) {
      await Deno.writeFile(path, log.subarray(0, kept));
      await openAndClose();
    }
    expect(notices).toEqual([]);
    await Deno.writeFile(path, new Uint8Array(50_000).fill(9));
    await openAndClose();
    expect(notices).toEqual([expect.stringContaining(path)]);
    await openAndClose();
    expect(notices).toHaveLength(1);
  });
});
