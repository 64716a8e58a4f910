import { expect } from "expect";
import fc from "fast-check";
import { cutText, inert, inertLine, mixesScripts, plainLine, visible } from "./shown_text.ts";

Deno.test("what is not seen goes, and what people write stays", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a\u202Etxt.exe", "atxt.exe"],
    ["pass\u200Bword", "password"],
    ["\uFEFFa\u00ADb\u2060c\u{E0041}", "abc"],
    ["a\u0000b\u007Fc\u009Bd", "abc"],
    ["\u001b[1;31mred\u001b[0m, \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007", "red, link"],
    ["one\r\ntwo\rthree\u2028four\vfive", "one\ntwo\nthree\nfour\nfive"],
    ["half \uD83D of a pair", "half \uFFFD of a pair"],
    [`z${"\u0335".repeat(50)}algo`, "z\u0335\u0335algo"],
    ["tab\tand line\n", "tab\tand line\n"],
    ["né 漢字 العربية עברית हिन्दी 😀 \u0600\u0661", "né 漢字 العربية עברית हिन्दी 😀 \u0600\u0661"],
  ];
  for (const [text, shown] of cases) expect(visible(text)).toBe(shown);
});

Deno.test("what is inert makes no link by itself", () => {
  expect(inert("see https://evil.example, www.evil.example or mailto:a@b.c")).toBe(
    "see https[:]//evil.example, www[.]evil.example or mailto[:]a@b.c",
  );
  expect(inert("ht\u200Btps:/\u200B/evil.example")).toBe("https[:]//evil.example");
  expect(inertLine(" a\n\tb  c ")).toBe("a b c");
});

Deno.test("plain words are what they seem to be", () => {
  expect(plainLine("\uFF49\uFF47\uFF4E\uFF4F\uFF52\uFF45 \u{1D41A}ll\u00A0of\n it\uE000\u2800")).toBe(
    "ignore all of it",
  );
  expect(plainLine("ig\uD800nore")).toBe("ignore");
  expect(mixesScripts("p\u0430ypal")).toBe(true);
  expect(mixesScripts("платёж")).toBe(false);
});

Deno.test("a text is cut between characters, and says so", () => {
  expect(cutText("abcdef", 6)).toBe("abcdef");
  expect(cutText("abcdefg", 6)).toBe("abcde…");
  expect(cutText("abcdefg", 6, "...")).toBe("abc...");
  expect(cutText("ab😀cd", 4)).toBe("ab…");
  expect(cutText("abc", 0)).toBe("");
});

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), { maxLength: 40 }).map((all) =>
    all.join("")
  ),
  fc.array(
    fc.constantFrom("\u001b[", "\u001b]", "\u0007", "31m", "://", "www.", "\u0301", "\u200d", "a", "\uD83D", "\n"),
    {
      maxLength: 30,
    },
  ).map((all) => all.join("")),
);

Deno.test("whatever goes in: nothing hidden comes out, and applied again it changes nothing", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const make of [visible, inert, inertLine, plainLine]) {
        const made = make(text);
        expect(make(made)).toBe(made);
        expect(made.isWellFormed()).toBe(true);
        for (const sign of made) {
          const code = sign.codePointAt(0) ?? 0;
          const isControl = (code < 0x20 && sign !== "\n" && sign !== "\t") || (code >= 0x7f && code < 0xa0);
          const isUnseen = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
            (code >= 0x2060 && code <= 0x206f) || code === 0xfeff || code === 0xad ||
            (code >= 0xe0000 && code < 0xe1000);
          expect([sign, isControl || isUnseen]).toEqual([sign, false]);
        }
      }
      expect(inert(text)).not.toMatch(/:\/\/|\bwww\./i);
    }),
    { numRuns: 1_000 },
  );
});
