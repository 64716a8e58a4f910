import { blobValue, DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import { randomFrom } from "../../tests/simulation/delivery_simulator.ts";
import { Sketch } from "../minutes/sketch.ts";
import { mergeSketches } from "./duckdb_sketches.ts";
import { integerLiteral } from "./duckdb_values.ts";

const GROUPS = 7;

/** Merges rows of [id, minute, values], and expects what adding all values one by one gives. */
async function expectMerged(list: readonly (readonly [number, number, readonly number[]])[]): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  try {
    await connection.run("CREATE TABLE rows (id INTEGER, minute INTEGER, sketch BLOB)");
    const appender = await connection.createAppender("rows");
    const expected = Array.from({ length: GROUPS }, () => new Sketch());
    for (const [id, minute, values] of list) {
      const sketch = new Sketch();
      for (const value of values) {
        sketch.add(value);
        expected[id].add(value);
      }
      appender.appendInteger(id);
      appender.appendInteger(minute);
      appender.appendValue(blobValue(sketch.encode()));
      appender.endRow();
    }
    appender.closeSync();
    const merged = await mergeSketches(
      connection,
      { from: -100, to: 100 },
      GROUPS,
      ({ from, to }) =>
        `SELECT id, minute, sketch FROM rows WHERE minute >= ${integerLiteral(from)} AND minute < ${
          integerLiteral(to)
        }`,
    );
    expect(merged.map((sketch) => sketch.encode())).toEqual(expected.map((sketch) => sketch.encode()));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const numbers = (random: () => number, count: number) =>
  Array.from({ length: count }, () => Math.round((random() < 0.1 ? -1 : 1) * Math.exp(30 * random() - 1)));

Deno.test("sketches of a group are merged over minutes, those of others kept apart", async () => {
  const random = randomFrom(5);
  await expectMerged(Array.from({ length: 500 }, (_, n) => [n % 5, n % 90 - 40, numbers(random, n % 9)] as const));
});

Deno.test("there may be no row at all", () => expectMerged([]));

Deno.test("more than is held at once, and a minute that is more by itself, are merged whole", async () => {
  const random = randomFrom(6);
  const large = () => numbers(random, 2_000); // some 3 KB each
  await expectMerged([
    ...Array.from({ length: 900 }, (_, n) => [n % 3, n % 6, large()] as const),
    ...Array.from({ length: 1_200 }, (_, n) => [n % GROUPS, 50, large()] as const),
    ...Array.from({ length: 300 }, (_, n) => [n % 2, 51 + n % 3, large()] as const),
  ]);
});
