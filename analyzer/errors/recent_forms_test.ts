import { expect } from "expect";
import fc from "fast-check";
import { RecentForms } from "./recent_forms.ts";

/** As the scanner has it: in a longer buffer, with whatever stood there before. */
function formOf(text: string): { pairs: Uint32Array; size: number } {
  const codes = new Uint16Array(4_000).fill(0x5858);
  for (let at = 0; at < text.length; at++) codes[at] = text.charCodeAt(at);
  if (text.length % 2 === 1) codes[text.length] = 0;
  return { pairs: new Uint32Array(codes.buffer), size: text.length };
}

Deno.test("a form is found as it was remembered last, or not at all", () => {
  // Few letters and any: forms that share a beginning, an end, a length, and all but their last character.
  const form = fc.oneof(fc.string({ unit: fc.constantFrom("a", "b", "\0", "日"), maxLength: 5 }), fc.string());
  fc.assert(fc.property(fc.array(fc.tuple(form, fc.nat()), { maxLength: 300 }), (remembered) => {
    const forms = new RecentForms<number>();
    const truth = new Map<string, number>();
    for (const [text, value] of remembered) {
      forms.remember(formOf(text), value);
      truth.set(text, value);
      expect(forms.find(formOf(text))).toBe(value);
      for (const [other, known] of truth) expect([undefined, known]).toContain(forms.find(formOf(other)));
    }
  }));
});

Deno.test("forms that push each other out are told apart, whatever their hash", () => {
  const forms = new RecentForms<number>();
  const texts = Array.from({ length: 5_000 }, (_, n) => `order <*> of customer ${n.toString(36)}`);
  texts.forEach((text, n) => forms.remember(formOf(text), n));
  const found = texts.map((text) => forms.find(formOf(text)));
  const wrong = found.filter((value, n) => value !== undefined && value !== n);
  expect(wrong).toEqual([]);
  // Spread over its places: hardly any stays empty where there are five times as many forms.
  expect(found.filter((value) => value !== undefined).length).toBeGreaterThan(900);
  forms.clear();
  expect(texts.filter((text) => forms.find(formOf(text)) !== undefined)).toEqual([]);
});

Deno.test("a form of any length may be asked for; very long ones are not kept", () => {
  const forms = new RecentForms<number>();
  for (const length of [0, 1, 999, 1_000, 1_001, 3_000]) {
    forms.remember(formOf("x".repeat(length)), length);
    expect(forms.find(formOf("x".repeat(length)))).toBe(length <= 1_000 ? length : undefined);
  }
});
