/** What DuckDB's store promises about its files: after a kill, a torn write, and from another version. */
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import type { Store } from "../../core/store/ports.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import { cellOf, eventOf, EVER, flushOf, START_BUCKET, START_MS, storedCounts, TOPIC } from "./store_fixtures.ts";

const open = (directory: string) => openDuckDbStore({ directory, memoryBytes: 192 * 1_048_576, threads: 2 });

/** Runs `check` in a directory of its own; it opens stores with `opened`, which are closed at the end. */
async function inDirectory(
  check: (directory: string, opened: (directory: string) => Promise<Store>) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-duckdb-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  await check(directory, async (where) => {
    const store = await open(where);
    stack.defer(() => store.close());
    return store;
  });
}

const EVENTS_A_FLUSH = 10;

/** The n-th flush of partition 0: ten events, in a unit of its own and in the first. */
function nthFlush(n: number) {
  const from = n * EVENTS_A_FLUSH;
  return flushOf({
    expectCheckpoint: from,
    at: from + EVENTS_A_FLUSH,
    cells: [cellOf(0, "cart", 4, { fromOffset: from }), cellOf(60 * (n + 1), "cart", 6, { fromOffset: from })],
    units: [{ bucket: START_BUCKET, expect: from }, { bucket: START_BUCKET + n + 1, expect: 0 }],
    events: Array.from({ length: EVENTS_A_FLUSH }, (_, i) => eventOf(from + i, n)),
    totals: { consumed: EVENTS_A_FLUSH, events: EVENTS_A_FLUSH, unparsed: 0, late: 0, clockBad: 0 },
  });
}

/** The files as a kill would leave them now. */
async function copyFiles(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const name of ["store.duckdb", "store.duckdb.wal"]) {
    const bytes = await Deno.readFile(`${from}/${name}`).catch(() => null);
    if (bytes !== null) await Deno.writeFile(`${to}/${name}`, bytes);
  }
  await Deno.mkdir(`${to}/segments`, { recursive: true });
  for await (const { name } of Deno.readDir(`${from}/segments`)) {
    await Deno.copyFile(`${from}/segments/${name}`, `${to}/segments/${name}`);
  }
}

/** Checkpoint, which rows, units and events must agree with: a flush is there whole, or not at all. */
async function consistentCheckpoint(store: Store): Promise<number> {
  const { checkpoint, totals } = await store.readPartition(TOPIC, 0);
  const flushes = checkpoint / EVENTS_A_FLUSH;
  const found = {
    consumed: totals.consumed,
    counted: (await store.countStored(TOPIC)).reduce((sum, { count }) => sum + count, 0),
    events: (await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10_000 })).length,
    uptos: (await store.readUnits(TOPIC, 0, [START_BUCKET, START_BUCKET + flushes, START_BUCKET + flushes + 1]))
      .map(({ upto }) => upto),
  };
  expect(found).toEqual({
    consumed: checkpoint,
    counted: checkpoint,
    events: checkpoint,
    uptos: [checkpoint, checkpoint, 0],
  });
  return checkpoint;
}

Deno.test("duckdb store: a flush that was answered is there after a kill", async () => {
  await inDirectory(async (directory, opened) => {
    const store = await opened(`${directory}/first`);
    for (let n = 0; n < 5; n++) {
      expect(await store.flush(nthFlush(n))).toEqual({ kind: "applied" });
      await copyFiles(`${directory}/first`, `${directory}/kill${n}`);
    }
    for (let n = 0; n < 5; n++) {
      const survivor = await opened(`${directory}/kill${n}`);
      expect(await consistentCheckpoint(survivor)).toBe((n + 1) * EVENTS_A_FLUSH);
      expect(await survivor.flush(nthFlush(n + 1))).toEqual({ kind: "applied" });
      await survivor.close();
    }
  });
});

Deno.test("duckdb store: where its last write is torn, a flush is there whole or not at all", async () => {
  await inDirectory(async (directory, opened) => {
    const store = await opened(`${directory}/first`);
    for (let n = 0; n < 4; n++) await store.flush(nthFlush(n));
    await copyFiles(`${directory}/first`, `${directory}/torn`);
    const { size } = await Deno.stat(`${directory}/torn/store.duckdb.wal`);
    const reached: number[] = [];
    for (const lost of [0, 1, 7, 100, 1000, Math.floor(size / 3), Math.floor(size * 0.7)]) {
      await copyFiles(`${directory}/first`, `${directory}/torn`);
      await Deno.truncate(`${directory}/torn/store.duckdb.wal`, Math.max(0, size - lost));
      const survivor = await opened(`${directory}/torn`);
      reached.push(await consistentCheckpoint(survivor));
      await survivor.close();
    }
    expect(reached).toEqual([...reached].sort((a, b) => b - a));
    expect(reached[0]).toBe(4 * EVENTS_A_FLUSH);
    expect(reached[1]).toBeLessThan(4 * EVENTS_A_FLUSH);
  });
});

Deno.test("duckdb store: data of a newer Millrace are refused with a remedy, and left as they are", async () => {
  await inDirectory(async (directory, opened) => {
    const store = await opened(directory);
    await store.flush(nthFlush(0));
    await store.close();
    const setVersion = async (version: number) => {
      const instance = await DuckDBInstance.create(`${directory}/store.duckdb`);
      const connection = await instance.connect();
      await connection.run("UPDATE meta SET value = $1 WHERE name = 'schema_version'", [String(version)]);
      connection.closeSync();
      instance.closeSync();
    };
    await setVersion(999);
    const error: unknown = await open(directory).catch((thrown) => thrown);
    if (!(error instanceof MillraceError)) throw new Error(`expected a MillraceError, found ${error}`);
    expect(error.code).toBe("NEWER_DATA");
    expect(error.message).toContain("999");
    expect(error.remedy).toContain("newer Millrace");
    // It was given back: another process may open it now.
    for (const older of [1, 3]) {
      await setVersion(older);
      const again = await opened(directory);
      expect(await storedCounts(again)).toEqual({ "0|cart": 4, "60|cart": 6 });
      expect(await consistentCheckpoint(again)).toBe(EVENTS_A_FLUSH);
      await again.close();
    }
  });
});

Deno.test("duckdb store: what a killed process left among the exports is removed", async () => {
  await inDirectory(async (directory, opened) => {
    await Deno.mkdir(`${directory}/exports`, { recursive: true });
    await Deno.writeTextFile(`${directory}/exports/half.csv`, "half");
    await opened(directory);
    expect([...Deno.readDirSync(`${directory}/exports`)]).toEqual([]);
  });
});

Deno.test("duckdb store: a store of the first version is brought up to this one, and keeps all it has", async () => {
  await inDirectory(async (directory, opened) => {
    const store = await opened(directory);
    const quarantine = [{ offset: 3, recordTimeMs: START_MS, reason: "no_match", raw: Uint8Array.of(1, 255) }];
    await store.flush({ ...nthFlush(0), quarantine: flushOf({ quarantine }).quarantine });
    await store.close();
    const instance = await DuckDBInstance.create(`${directory}/store.duckdb`);
    const connection = await instance.connect();
    // There the rows were in the tables themselves, without their width.
    for (const table of ["events", "quarantine"]) {
      const listed = await connection.runAndReadAll(`SELECT file FROM segments WHERE "table" = '${table}'`);
      for (const [file] of listed.getRows()) {
        await connection.run(`INSERT INTO ${table} SELECT * FROM read_parquet('${directory}/segments/${file}')`);
        await Deno.remove(`${directory}/segments/${file}`);
      }
      await connection.run(`ALTER TABLE ${table} DROP COLUMN width_bytes`);
    }
    await connection.run("DROP TABLE segments");
    await connection.run("UPDATE meta SET value = '1' WHERE name = 'schema_version'");
    connection.closeSync();
    instance.closeSync();
    for (let n = 1; n < 3; n++) { // the second time there is nothing to bring up
      const again = await opened(directory);
      expect(await again.flush(nthFlush(n))).toEqual({ kind: "applied" });
      expect(await consistentCheckpoint(again)).toBe((n + 1) * EVENTS_A_FLUSH);
      const offsets = (await exported(again, exportQuery({ format: "ndjson" }))).map(({ offset }) => offset);
      expect(offsets).toEqual([...Array((n + 1) * EVENTS_A_FLUSH).keys()]);
      expect(await exported(again, exportQuery({ table: "quarantine" }))).toHaveLength(1);
      expect(await again.quarantine({ topicId: TOPIC, range: EVER, limit: 5 })).toHaveLength(1);
      await again.close();
    }
  });
});
