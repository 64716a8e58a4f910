import { expect } from "expect";
import fc from "fast-check";
import { WordIndex } from "./word_index.ts";

const isPlace = (token: string): boolean => token !== ";";
const tokens = fc.oneof(
  fc.array(fc.constantFrom("a", "b", "c", ";"), { minLength: 1, maxLength: 4 }),
  // Only the first 64 places are looked at.
  fc.tuple(fc.constantFrom("a", "b"), fc.nat(69)).map(([word, at]) =>
    Array.from({ length: 70 }, (_, place) => place === at ? word : "a")
  ),
);

Deno.test("found are exactly those that are listed and differ in one word, as a look at each of them finds", () => {
  fc.assert(fc.property(fc.array(fc.tuple(tokens, fc.boolean()), { maxLength: 40 }), tokens, (steps, asked) => {
    const index = new WordIndex<{ tokens: string[] }>(isPlace);
    const listed = new Map<string, { tokens: string[] }>();
    for (const [words, isAdded] of steps) {
      const key = words.join(" ");
      const known = listed.get(key) ?? { tokens: words };
      if (isAdded) {
        listed.set(key, known);
        index.add(known);
      } else {
        listed.delete(key);
        index.delete(known);
      }
    }
    const expected = asked.flatMap((token, place) => {
      if (!isPlace(token) || place >= 64) return [];
      const members = [...listed.keys()].filter((key) => {
        const words = key.split(" ");
        return words.length === asked.length && isPlace(words[place]) &&
          words.every((word, at) => at === place || word === asked[at]);
      });
      return members.length < 2 ? [] : [{ place, members: members.sort() }];
    });
    const found = [...index.differingInOne(asked)].map(({ place, members }) => ({
      place,
      members: members.map(({ tokens }) => tokens.join(" ")).sort(),
    }));
    expect(found).toEqual(expected);
  }));
});
