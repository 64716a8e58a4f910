/** Collections of documents, in every store. */
import { expect } from "expect";
import { promise } from "./store_fixtures.ts";

promise("a collection begins empty, and changes as a whole where its version is as expected", async (store) => {
  expect(await store.readDocuments("1a")).toEqual({ version: 0, entries: new Map() });
  expect(await store.documentsVersion("1a")).toBe(0);
  expect(await store.commitDocuments("1a", 1, [["k", "never"]])).toBe(false);
  expect(await store.commitDocuments("1a", 0, [["k", "1"], ["l", "2"]])).toBe(true);
  expect(await store.commitDocuments("1a", 0, [["k", "late"], ["m", "late"]])).toBe(false);
  expect(await store.readDocuments("1a")).toEqual({ version: 1, entries: new Map([["k", "1"], ["l", "2"]]) });
  expect(await store.commitDocuments("1a", 1, [["k", null], ["m", "3"], ["l", "4"]])).toBe(true);
  expect(await store.readDocuments("1a")).toEqual({ version: 2, entries: new Map([["l", "4"], ["m", "3"]]) });
  expect(await store.documentsVersion("1a")).toBe(2);
  expect(await store.readDocuments("1A")).toEqual({ version: 0, entries: new Map() });
});

promise("a version may move without a put, and documents may go while it stays", async (store) => {
  expect(await store.commitDocuments("2a", 0, [])).toBe(true);
  expect(await store.readDocuments("2a")).toEqual({ version: 1, entries: new Map() });
  expect(await store.commitDocuments("2a", 1, [["k", "v"]])).toBe(true);
  expect(await store.commitDocuments("2a", 2, [["k", null]])).toBe(true);
  expect(await store.readDocuments("2a")).toEqual({ version: 3, entries: new Map() });
});

promise("keys and documents may be any text, and thousands", async (store) => {
  const texts = [
    "",
    " ",
    "'; --",
    "a\0b",
    "\\",
    '"',
    "\u{1F600}",
    "ä",
    "a\u0308",
    "\uFEFFbom",
    "null",
    "x".repeat(100_000),
  ];
  const puts = texts.map((text, i): [string, string] => [text.slice(0, 1_000), `${i}${text}`]);
  expect(await store.commitDocuments("any", 0, puts)).toBe(true);
  expect((await store.readDocuments("any")).entries).toEqual(new Map(puts));
  const many = Array.from({ length: 3_000 }, (_, i): [string, string] => [`key ${i}`, `text ${i}`]);
  expect(await store.commitDocuments("many", 0, many)).toBe(true);
  expect((await store.readDocuments("many")).entries).toEqual(new Map(many));
});

promise(
  "of many that race for a version of a collection exactly one puts, and nothing of the others is left",
  async (store) => {
    for (let version = 0; version < 5; version++) {
      const won = await Promise.all(
        Array.from(
          { length: 10 },
          (_, i) => store.commitDocuments("race", version, [["who", `${i}`], [`by ${i}`, "x"]]),
        ),
      );
      expect(won.filter((isWon) => isWon)).toHaveLength(1);
      const { version: now, entries } = await store.readDocuments("race");
      expect(now).toBe(version + 1);
      const winner = won.indexOf(true);
      expect(entries.get("who")).toBe(`${winner}`);
      expect(await store.commitDocuments("race", now, [])).toBe(true);
      version = now;
      expect([...entries.keys()].filter((key) => key === `by ${winner}`)).toHaveLength(1);
    }
  },
);

promise("a collection that was dropped begins anew, and others stay", async (store) => {
  expect(await store.commitDocuments("5a", 0, [["k", "1"]])).toBe(true);
  expect(await store.commitDocuments("5b", 0, [["k", "1"]])).toBe(true);
  await store.dropDocuments("5a");
  await store.dropDocuments("never");
  expect(await store.readDocuments("5a")).toEqual({ version: 0, entries: new Map() });
  expect(await store.commitDocuments("5a", 0, [["l", "2"]])).toBe(true);
  expect(await store.readDocuments("5a")).toEqual({ version: 1, entries: new Map([["l", "2"]]) });
  expect((await store.readDocuments("5b")).version).toBe(1);
});
