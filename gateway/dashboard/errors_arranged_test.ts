import { expect } from "expect";
import { heldItems } from "./errors_arranged.ts";

Deno.test("a list that is read keeps its order, has the latest of each item, and counts what came", () => {
  const before = [{ id: "a", count: 1 }, { id: "b", count: 1 }, { id: "gone", count: 1 }];
  const now = [{ id: "new", count: 1 }, { id: "b", count: 9 }, { id: "a", count: 2 }];
  expect(heldItems(before, now, ({ id }) => id)).toEqual({
    items: [{ id: "a", count: 2 }, { id: "b", count: 9 }, { id: "gone", count: 1 }],
    fresh: 1,
  });
});
