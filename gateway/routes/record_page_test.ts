import { expect } from "expect";
import fc from "fast-check";
import { Problem } from "../problem.ts";
import { decodeCursor, encodeCursor, type Position, readPage } from "./record_page.ts";

interface Row {
  readonly offset: number;
  readonly raw: Uint8Array;
}

/** A store of rows of these sizes, newest (largest offset) first, that notes how much it was asked to hold at a time. */
function sourceOf(sizes: readonly number[]) {
  const rows = sizes.map((size, i): Row => ({ offset: sizes.length - i, raw: new Uint8Array(size) }));
  const heldBytes: number[] = [];
  return {
    rows,
    heldBytes,
    read: (limit: number, bytesMax: number, after: Position | null) => {
      const found: Row[] = [];
      let bytes = 0;
      for (const row of rows) {
        if (after !== null && row.offset >= after[2]) continue;
        if (found.length === limit || bytes >= bytesMax) break;
        found.push(row);
        bytes += row.raw.length;
      }
      heldBytes.push(bytes);
      return Promise.resolve(found);
    },
    positionOf: ({ offset }: Row): Position => [0, 0, offset],
  };
}

Deno.test("pages put together are all records, once, in order, whatever their sizes and the limit", async () => {
  const size = fc.oneof({ weight: 8, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat(3_000_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(size, { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), async (sizes, limit) => {
      const source = sourceOf(sizes);
      const seen: number[] = [];
      let after: Position | null = null;
      do {
        const page: { records: readonly Row[]; next: Position | null } = await readPage(source, limit, after);
        expect(page.records.length).toBeLessThanOrEqual(limit);
        seen.push(...page.records.map(({ offset }) => offset));
        after = page.next;
      } while (after !== null);
      expect(seen).toEqual(source.rows.map(({ offset }) => offset));
    }),
    { numRuns: 50 },
  );
});

Deno.test("a page of large records ends early, before many of them are held", async () => {
  const source = sourceOf(new Array(1000).fill(1024 * 1024));
  const { records, next } = await readPage(source, 1000, null);
  expect(records.length).toBeLessThanOrEqual(4);
  expect(next).not.toBeNull();
  expect(Math.max(...source.heldBytes)).toBeLessThanOrEqual(8 * 1024 * 1024);
});

Deno.test("a cursor brings back range and position, and fits into a URL as it is", () => {
  const ms = fc.integer({ min: -1e14, max: 1e14 });
  const position = fc.tuple(
    fc.integer({ min: -9e15, max: 9e15 }),
    fc.nat(2 ** 31 - 1),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  );
  fc.assert(fc.property(ms, ms, position, (fromMs, toMs, after) => {
    const cursor = encodeCursor("events", { range: { fromMs, toMs }, after });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeCursor("events", cursor)).toEqual({ range: { fromMs, toMs }, after });
    expect(() => decodeCursor("quarantine", cursor)).toThrow(Problem);
  }));
});

Deno.test("what is no cursor is refused, never an error inside", () => {
  const almost = fc.json().map((text) => btoa(unescape(encodeURIComponent(text))));
  fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary" }), almost), (text) => {
    expect(() => decodeCursor("events", text)).toThrow(Problem);
  }));
});
