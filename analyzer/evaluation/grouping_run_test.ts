import { expect } from "expect";
import { groupingOf, runGrouping, templateAccuracy } from "./grouping_run.ts";
import { correctTemplate } from "./template_correction.ts";

Deno.test("a group counts where it has exactly the lines of the truth", () => {
  // By hand: truth {0,1} {2,3} {4}; found {0,1} right, {2} and {3} halves of one, {4} right.
  expect(groupingOf([7, 7, 8, 9, 5], ["a", "a", "b", "b", "c"])).toEqual({
    ga: 3 / 5,
    fga: 2 * 2 / (4 + 3),
    groups: 4,
    trueGroups: 3,
  });
  // Two of the truth in one: none of their lines is right.
  expect(groupingOf([1, 1, 1, 2], ["a", "a", "b", "c"])).toMatchObject({ ga: 1 / 4, fga: 2 * 1 / (2 + 3) });
  expect(groupingOf(["x", "y"], ["a", "b"])).toMatchObject({ ga: 1, fga: 1 });
});

Deno.test("a template counts where all of its lines have it as the truth", () => {
  expect(templateAccuracy(["a <*>", "a <*>", "b", "c"], ["a <*>", "a <*>", "b", "b"])).toBe(2 * 2 / (3 + 2));
  expect(templateAccuracy(["a <*>", "a <*>"], ["a <*>", "a x"])).toBe(0);
});

Deno.test("templates are corrected by the published rules", () => {
  // Examples of the rules' own description: double spaces, paths, booleans, digits, words grown together with values, and
  // values side by side.
  const cases: Readonly<Record<string, string>> = {
    "a  b ": "a b",
    "open /etc/passwd now": "open <*> now",
    "is TRUE and null": "is <*> and <*>",
    "try 3 of 5": "try <*> of <*>",
    "blk_<*> at pod-<*>": "<*> at pod-<*>",
    "<*>.<*>.<*>": "<*>",
    "<*><*>": "<*>",
    "/<*>:<*>": "<*>",
    "<*>/<*>": "<*>",
    "no #<*># of <*>@<*>": "no <*> of <*>",
  };
  for (const [template, corrected] of Object.entries(cases)) {
    expect({ template, corrected: correctTemplate(template) }).toEqual({ template, corrected });
  }
});

Deno.test("what is learned later is not counted as known when a line came", () => {
  const names = ["anna", "bertha", "carl", "dora", "emil"];
  const lines = names.map((name) => ({
    message: `session of ${name} was closed`,
    event: "E1",
    template: "session of <*> was closed",
  }));
  expect(runGrouping(lines, null)).toEqual({
    lines: 5,
    trueGroups: 1,
    groups: 1,
    ga: 1,
    fga: 1,
    pa: 1,
    fta: 1,
    streamingGa: 0,
  });
});
