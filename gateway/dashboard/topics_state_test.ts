import { expect } from "expect";
import { browseParameters, firstFilled, readBrowse, writeBrowse } from "./topics_state.ts";

Deno.test("an address leads back to the records that wrote it", () => {
  const state = { topic: "app-logs", partition: 3, at: "1200", q: "a & b", key: "order 7" };
  expect(readBrowse(writeBrowse(state))).toEqual(state);
  expect(writeBrowse(readBrowse(""))).toBe("");
  expect(readBrowse(writeBrowse({ ...state, partition: 0 })).partition).toBe(0);
  for (const none of ["", "?partition=", "?partition=-1", "?partition=x", "?partition=1.5"]) {
    expect([none, readBrowse(none).partition]).toEqual([none, null]);
  }
});

Deno.test("who chooses no partition sees the first that holds a record", () => {
  const of = (...held: [number, number][]) => held.map(([start, end], partition) => ({ partition, start, end }));
  expect(firstFilled(of([0, 0], [7, 7], [7, 8], [0, 9]))).toBe(2);
  expect(firstFilled(of([0, 1], [0, 9]))).toBe(0);
  expect(firstFilled(of([0, 0], [7, 7]))).toBe(null);
});

Deno.test("what says where to begin is an offset, an end of the log, or a time", () => {
  const asked = (at: string) => Object.fromEntries(browseParameters({ topic: "t", partition: 0, at, q: "", key: "" }));
  expect(asked("")).toEqual({ partition: "0", limit: "200" });
  expect(asked("17")).toMatchObject({ offset: "17" });
  expect(asked("earliest")).toMatchObject({ offset: "earliest" });
  expect(asked("now-5m")).toMatchObject({ time: "now-5m" });
  expect(asked("1795860000000")).toMatchObject({ time: "1795860000000" }); // epoch milliseconds
});
