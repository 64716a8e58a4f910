import { expect } from "expect";
import fc from "fast-check";
import type { Mark } from "./chart.ts";
import { groupMarks, membersOf, namesOf } from "./mark_groups.ts";

const MINUTE_MS = 60_000;
/** An hour: marks that begin within two minutes are one. */
const range = { fromMs: 0, toMs: 60 * MINUTE_MS };

const mark = (kind: Mark["kind"], label: string, from: number, to: number | null = null): Mark => ({
  ...{ kind, label, fromMs: from * MINUTE_MS },
  ...{ toMs: to === null ? range.toMs : to * MINUTE_MS, isOver: to !== null, href: `/${label}` },
});

Deno.test("marks of a kind that begin close to one another are one with a count, and no others", () => {
  const lone = mark("alert", "lone", 40);
  const incident = mark("incident", "apart", 10.5, 12);
  expect(groupMarks([
    lone,
    mark("alert", "a", 10, 15),
    mark("alert", "b", 11.9, 20),
    mark("alert", "later", 12),
    incident,
  ], range)).toEqual([
    lone,
    mark("alert", "later", 12),
    incident,
    {
      kind: "alert",
      label: "2 alerts",
      fromMs: 10 * MINUTE_MS,
      toMs: 20 * MINUTE_MS,
      isOver: true,
      members: [mark("alert", "b", 11.9, 20), mark("alert", "a", 10, 15)],
    },
  ]);
});

Deno.test("a group goes on as long as one of it does; what began before the range begins at its edge", () => {
  const [group] = groupMarks([mark("incident", "old", -500), mark("incident", "older", -900, 4)], range);
  expect(group).toMatchObject({ label: "2 incidents", isOver: false, fromMs: -900 * MINUTE_MS, toMs: range.toMs });
  expect(namesOf(membersOf(group))).toBe("old; older");
});

Deno.test("of any marks at most a dozen of a kind are shown, no two closer than a flag, and none is in two", () => {
  const anyMark = fc.record({
    kind: fc.constantFrom("alert" as const, "incident" as const),
    from: fc.integer({ min: -100, max: 59 }),
    id: fc.uuid(),
  });
  fc.assert(fc.property(fc.array(anyMark, { maxLength: 150 }), (given) => {
    const shown = groupMarks(given.map(({ kind, from, id }) => mark(kind, id, from)), range);
    for (const kind of ["alert", "incident"] as const) {
      const groups = shown.filter((each) => each.kind === kind);
      expect(groups.length).toBeLessThanOrEqual(12);
      const starts = groups.map(({ fromMs }) => Math.max(0, fromMs));
      starts.slice(1).forEach((start, i) => expect(starts[i] - start).toBeGreaterThanOrEqual(2 * MINUTE_MS));
      const members = groups.flatMap(membersOf).map(({ label }) => label);
      expect(new Set(members).size).toBe(members.length);
      const all = given.filter((each) => each.kind === kind);
      if (groups.length < 12) expect(members.length).toBe(all.length);
    }
  }));
});

Deno.test("a few of a group are named, the rest counted", () => {
  const members = ["a", "b", "c", "d", "e"].map((label) => mark("alert", label, 1));
  expect(namesOf(members)).toBe("a; b; c and 2 more");
  expect(namesOf(members.slice(0, 3))).toBe("a; b; c");
});
