import { expect } from "expect";
import fc from "fast-check";
import { FINAL_BYTES, needsLargerGroups, planMerge, type SegmentEntry } from "./segment_catalog.ts";

const DAY_MS = 24 * 3_600_000;

function entryOf(rest: Partial<SegmentEntry>): SegmentEntry {
  return {
    file: "a",
    table: "events",
    topicId: "t",
    level: 0,
    rows: 100,
    firstGroup: 0,
    groups: 1,
    fileBytes: 10_000,
    firstMicros: 0,
    lastMicros: 1,
    lastRecordMs: 5,
    ...rest,
  };
}

/** What a merge leaves: one entry for each topic, as large as its parts. */
function merged(entries: readonly SegmentEntry[], file: string): SegmentEntry[] {
  const plan = planMerge(entries);
  if (plan === null) throw new Error("there is nothing to merge");
  const gone = new Set(plan.entries);
  const written = [...Map.groupBy(plan.entries, ({ topicId }) => topicId)].map(([topicId, parts]) =>
    entryOf({
      file: `${file}/${topicId}`,
      table: plan.table,
      topicId,
      level: plan.level,
      rows: parts.reduce((sum, { rows }) => sum + rows, 0),
      fileBytes: parts.reduce((sum, { fileBytes }) => sum + fileBytes, 0),
      lastRecordMs: Math.max(...parts.map(({ lastRecordMs }) => lastRecordMs)),
    })
  );
  return [...entries.filter((entry) => !gone.has(entry)), ...written];
}

const filesOf = (entries: readonly SegmentEntry[]) => new Set(entries.map(({ file }) => file)).size;

Deno.test("however many flushes come, merging keeps files few, and every row is in one entry", () => {
  const size = fc.integer({ min: 100, max: 400_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 400 }), (flushes) => {
      let entries: SegmentEntry[] = [];
      flushes.forEach(([a, b], i) => {
        const shared = { file: `f${i}`, fileBytes: a + b };
        entries.push(entryOf({ ...shared, topicId: "a", rows: a }), entryOf({ ...shared, topicId: "b", rows: b }));
        for (let n = 0; planMerge(entries) !== null; n++) entries = merged(entries, `m${i}.${n}`);
      });
      for (const topic of ["a", "b"]) {
        const expected = flushes.reduce((sum, [a, b]) => sum + (topic === "a" ? a : b), 0);
        const found = entries.filter(({ topicId }) => topicId === topic).reduce((sum, { rows }) => sum + rows, 0);
        expect(found).toBe(expected);
      }
      // Fewer than a merge takes on each of the levels, besides those that are large enough.
      const small = entries.filter(({ fileBytes }) => fileBytes < FINAL_BYTES);
      const levels = Math.max(...entries.map(({ level }) => level));
      expect(filesOf(small)).toBeLessThanOrEqual(16 + 2 * 8 * levels);
    }),
    { numRuns: 30 },
  );
});

Deno.test("merges are of one table, of one level, and above level 0 of one topic", () => {
  const tables = ["events", "quarantine"] as const;
  const entry = fc.record({
    file: fc.integer({ min: 0, max: 60 }).map(String),
    table: fc.constantFrom(...tables),
    topicId: fc.constantFrom("a", "b"),
    level: fc.integer({ min: 0, max: 2 }),
    lastRecordMs: fc.integer({ min: 0, max: 3 * DAY_MS }),
  });
  fc.assert(fc.property(fc.array(entry, { minLength: 16, maxLength: 200 }), (found) => {
    const plan = planMerge(found.map(entryOf));
    if (plan === null) return;
    expect(filesOf(plan.entries)).toBeGreaterThan(1);
    const levels = new Set(plan.entries.map(({ level }) => level));
    expect([...levels]).toEqual([plan.level - 1]);
    expect(new Set(plan.entries.map(({ table }) => table)).size).toBe(1);
    if (plan.level > 1) expect(new Set(plan.entries.map(({ topicId }) => topicId)).size).toBe(1);
    // What is deleted together lies together.
    expect(new Set(plan.entries.map(({ lastRecordMs }) => Math.floor(lastRecordMs / DAY_MS))).size).toBe(1);
  }));
});

Deno.test("large files are left as they are, and a few files of a day are not moved for nothing", () => {
  const large = Array.from({ length: 50 }, (_, i) => entryOf({ file: `f${i}`, fileBytes: FINAL_BYTES }));
  expect(planMerge(large)).toBeNull();
  const daily = Array.from({ length: 50 }, (_, i) => entryOf({ file: `f${i}`, level: 1, lastRecordMs: i * DAY_MS }));
  expect(planMerge(daily)).toBeNull();
  expect(planMerge([])).toBeNull();
});

Deno.test("row groups are made anew only where they are small on the average", () => {
  expect(needsLargerGroups([entryOf({ rows: 10, groups: 1 }), entryOf({ rows: 90, groups: 4 })])).toBe(true);
  expect(needsLargerGroups([entryOf({ rows: 10, groups: 1 }), entryOf({ rows: 9000, groups: 4 })])).toBe(false);
});
