import { expect } from "expect";
import { browseParameters, readBrowse, writeBrowse } from "./topics_state.ts";

Deno.test("an address leads back to the records that wrote it", () => {
  const state = { topic: "app-logs", partition: 3, at: "1200", q: "a & b", key: "order 7" };
  expect(readBrowse(writeBrowse(state))).toEqual(state);
  expect(writeBrowse(readBrowse(""))).toBe("");
  expect(readBrowse("?partition=-1").partition).toBe(0);
  expect(readBrowse("?partition=x").partition).toBe(0);
});

Deno.test("what says where to begin is an offset, an end of the log, or a time", () => {
  const asked = (at: string) => Object.fromEntries(browseParameters({ topic: "t", partition: 0, at, q: "", key: "" }));
  expect(asked("")).toEqual({ partition: "0", limit: "200" });
  expect(asked("17")).toMatchObject({ offset: "17" });
  expect(asked("earliest")).toMatchObject({ offset: "earliest" });
  expect(asked("now-5m")).toMatchObject({ time: "now-5m" });
  expect(asked("1795860000000")).toMatchObject({ time: "1795860000000" }); // epoch milliseconds
});
