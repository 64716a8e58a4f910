import { expect } from "expect";
import { panelOrder, PANELS } from "./panels.ts";

Deno.test("panels are in the order that is wanted, and every one is there once", () => {
  const names = Object.keys(PANELS);
  expect(panelOrder([])).toEqual(names);
  const order = panelOrder(["events", "levels", "no_more"]);
  expect(order.slice(0, 2)).toEqual(["alerts", "events"]); // the first by itself was not known when that was wanted
  expect(order.indexOf("levels")).toBeGreaterThan(order.indexOf("events"));
  expect([...order].sort()).toEqual([...names].sort());
  const reversed = names.toReversed();
  expect(panelOrder(reversed)).toEqual(reversed);
});
