import { expect } from "expect";
import { inert } from "./inert.ts";

Deno.test("escape sequences and characters that reorder text are seen, and do nothing", () => {
  expect(inert("\u001b[31mred\u001b[0m")).toBe("\\u001b[31mred\\u001b[0m");
  expect(inert("user\u202egnp.exe")).toBe("user\\u202egnp.exe");
  expect(inert("a\u0000b\u007fc\u009bd\re")).toBe("a\\u0000b\\u007fc\\u009bd\\u000de");
});

Deno.test("all other text stays as it is, markup too: the page never takes it for any", () => {
  for (const text of ["<script>alert(1)</script>", "tab\tand\nline", "Grüße 日本語 🦊 שלום"]) {
    expect(inert(text)).toBe(text);
  }
});
