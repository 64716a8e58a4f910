import { expect } from "expect";
import fc from "fast-check";
import { piecesOf } from "./marked_text.ts";

Deno.test("what was searched for is marked wherever it is, and the text stays what it was", () => {
  expect(piecesOf("Timeout after timeout", "TIMEOUT")).toEqual(["", "Timeout", " after ", "timeout", ""]);
  expect(piecesOf("nothing", "x")).toEqual(["nothing"]);
  expect(piecesOf("nothing", "")).toEqual(["nothing"]);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.string({ maxLength: 2 }), (text, wanted) => {
    const pieces = piecesOf(text, wanted);
    expect(pieces.join("")).toBe(text);
    expect(pieces.filter((_, i) => i % 2 === 1).every((piece) => piece.toLowerCase() === wanted.toLowerCase()))
      .toBe(true);
  }));
});
