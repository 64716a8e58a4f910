import { expect } from "expect";
import fc from "fast-check";
import { plainText } from "./plain_text.ts";

const plain = (text: string): string => plainText(text, 300);

Deno.test("links are left out in every form that somebody could follow", () => {
  const left = "See (address left out) now";
  for (
    const link of [
      "https://heron.example/x?y=1#z",
      "HTTP://HERON.EXAMPLE",
      "www.heron.org",
      "heron.com",
      "heron.com/login",
      "heron.internal/login",
      "sub.heron.co.uk",
      "//heron.com/x",
      "ftp://heron/x",
      "slack://channel",
      "javascript:alert(1)",
      "data:text/html,x",
      "tel:+123456",
      "hxxps://heron.org/x",
      "heron[.]org",
      "heron (dot) org",
      "heron。com",
      "ｈｅｒｏｎ．ｃｏｍ",
      "h\u200bttps://heron.example/x",
      "https:&#47;&#47;heron.example/x",
      "10.0.0.1/admin",
      "10.0.0.1:8080/admin?x",
    ]
  ) expect({ link, plain: plain(`See ${link} now`) }).toEqual({ link, plain: left });
});

Deno.test("what is read as a host is left out, though it can be none", () => {
  for (const host of ["_.com", "-_.org"]) {
    expect(plain(`see ${host} now`)).toBe("see (address left out) now");
  }
  expect(plain("not java.net.URL or com.example.FooRunner")).toBe("not java.net.URL or com.example.FooRunner");
});

Deno.test("mentions and e-mail addresses are left out", () => {
  expect(plain("ask @here, <!channel>, <@U024BE7LH>, @bob.smith and bob@example.com"))
    .toBe("ask (name left out), (name left out), (name left out), (name left out) and (name left out)");
  expect(plain("＠channel")).toBe("(name left out)");
  expect(plain("<#C024|general>")).toBe("(name left out)");
});

Deno.test("markup is taken off, its words stay", () => {
  expect(plain("# **Disk** `sda` is _full_ ~~now~~")).toBe("Disk sda is full now");
  expect(plain("- > read [the docs](docs/x.md) ![x](y)")).toBe("read the docs x");
  expect(plain("<b>bold</b> <script>x</script> &lt;i&gt;it&lt;/i&gt; &amp;lt;u&amp;gt;")).toBe("bold x it");
  expect(plain(":rotating_light: down :fire:")).toBe("down");
  expect(plain("one\ntwo\r\n\tthree")).toBe("one two three");
});

Deno.test("what systems are called stays as it is", () => {
  for (
    const text of [
      "payments-db:5432 refused the connection at 12:30:45",
      "java.net.ConnectException in com.example.FooRunner, app.py and node.js",
      "GET /api/v1/orders took 3.5 s; user_id and order-id are null",
      "redis.svc.cluster.local:6379 timed out (10.0.0.1)",
      "read/write, and/or, n/a, v1.2.3, e.g. this",
      "Foo@1a2b3c is not null; 5 + 3 = 8",
      "Die Datenbank antwortet nicht; база данных недоступна; 数据库无响应",
    ]
  ) expect(plain(text)).toBe(text);
  expect(plain("the account of <EMAIL_4819273> is locked")).toBe("the account of EMAIL_4819273 is locked");
});

Deno.test("tricks with Unicode are undone", () => {
  expect(plain("pay\u200bments \u202edesrever\u202c \u{e0041}\u{e0042}x")).toBe("payments desrever x");
  expect(plain("p\u0430ypal is down")).toBe("(word left out) is down");
  expect(plain("𝐝𝐢𝐬𝐤 ﬁle")).toBe("disk file");
  expect(plain(`z${"\u0301\u0302\u0303".repeat(9)}x`).length).toBeLessThan(6);
  expect(plain("\ud800 lone")).toBe("lone");
  expect(plain("of \u0600\u0891\u{110bd}5 marks, ht\u0890tp:\u08e2//evil.example")).toBe(
    "of 5 marks, (address left out)",
  );
});

Deno.test("a long text ends with a whole word", () => {
  const long = plainText(`${"word ".repeat(50)}heron.commerce`, 254);
  expect(long.endsWith("word ...")).toBe(true);
  expect(long.length).toBeLessThanOrEqual(254);
  expect(plainText("x".repeat(500), 100)).toBe("");
});

/** Pieces that make trouble when they come together. */
const piece = fc.constantFrom(
  ..."http: // https:// . com www. @ <! > < [ ] ( ) ` * _ ~ # & lt; &lt; &#60; &amp; | \\ {{ }} : heron evil.com channel here \u200b \u202e \ufeff а a e"
    .split(" "),
  " ",
  "\n",
  "…",
);
const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(piece, { maxLength: 30 }).map((all) => all.join("")),
);

Deno.test("whatever goes in: no address, mention, markup or invisible character comes out, and no more than asked for", () => {
  fc.assert(
    fc.property(nasty, fc.integer({ min: 10, max: 100 }), (text, max) => {
      const out = plainText(text, max);
      expect(out.length).toBeLessThanOrEqual(max);
      expect(out).not.toMatch(/:\/\/|\bwww\.\w|\b[\w-]+\.(?:com|org|net)\b(?!\.)/i);
      expect(out).not.toMatch(/(?<![\p{L}\p{N}_])@[\p{L}\p{N}]/u);
      expect(out).not.toMatch(/[<>`*|\\[\]{}~\n\r\t]/);
      expect(out).not.toMatch(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u);
      expect(plainText(out, max)).toBe(out);
    }),
    { numRuns: 3000 },
  );
});
