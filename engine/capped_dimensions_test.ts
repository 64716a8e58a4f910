import { expect } from "expect";
import { OTHER } from "../core/minutes/fields.ts";
import { CappedDimensions } from "./capped_dimensions.ts";

const HOUR_MS = 3_600_000;
const rows = {
  rows: 4,
  dimensions: {
    level: { dictionary: ["INFO"], ids: Uint32Array.of(0, 0, 0, 0) },
    endpoint: { dictionary: ["/a", OTHER, "/b"], ids: Uint32Array.of(1, 0, 1, 2) },
    // Known by name, and in no row.
    service: { dictionary: [OTHER, "cart"], ids: Uint32Array.of(1, 1, 1, 1) },
  },
};

Deno.test("cells beyond a cap are counted by topic and dimension, and told of once an hour", () => {
  const capped = new CappedDimensions();
  expect(capped.figures).toEqual([]);
  expect(capped.see("shop", rows, 0)).toEqual(["endpoint"]);
  expect(capped.see("shop", rows, HOUR_MS - 1)).toEqual([]);
  expect(capped.see("other", rows, HOUR_MS - 1)).toEqual(["endpoint"]);
  expect(capped.see("shop", rows, HOUR_MS)).toEqual(["endpoint"]);
  expect(capped.figures).toEqual([
    { topic: "shop", dimension: "endpoint", cells: 6 },
    { topic: "other", dimension: "endpoint", cells: 2 },
  ]);
});
