import { expect } from "expect";
import { commonText, messageIn, templateParts, variedValues } from "./errors_template.ts";

Deno.test("a template is taken apart into what is the same, what varies and what was redacted", () => {
  expect(templateParts("card <*> of <EMAIL_4819273> was <b>refused</b>")).toEqual([
    { text: "card ", kind: "same" },
    { text: "<*>", kind: "varies" },
    { text: " of ", kind: "same" },
    { text: "<EMAIL_4819273>", kind: "redacted" },
    { text: " was <b>refused</b>", kind: "same" },
  ]);
});

Deno.test("records are searched by the longest text that all have in common, up to what may be escaped", () => {
  expect(commonText("card <*> was refused by <*>")).toBe("was refused by");
  expect(commonText('unknown key "<*>" in the settings')).toBe("in the settings");
  expect(commonText("<*> <*>: <*>")).toBe("");
});

Deno.test("the values at each wildcard are found in the lines, records of JSON and others", () => {
  const lines = [
    '{"level":"ERROR","message":"card 12 was refused by \\"visa\\"  eu"}',
    '{"level":"ERROR","message":"card 13 was refused by amex"}',
    "2026-03-01 ERROR card 12 was refused by amex",
    "something else",
  ];
  expect(variedValues("card <*> was refused by <*>", lines)).toEqual([["12", "13"], ['"visa" eu', "amex"]]);
  expect(variedValues("nothing varies", lines)).toEqual([]);
});

Deno.test("a line says its message, or all of it", () => {
  expect(messageIn('{"msg":"no room"}')).toBe("no room");
  expect(messageIn('{"message":"cut off her')).toBe('{"message":"cut off her');
  expect(messageIn("null")).toBe("null");
});
