/** No secret is left, whatever stands around it; and no text makes redaction slow. */
import { expect } from "expect";
import fc from "fast-check";
import { createRedactor } from "../../analyzer/errors/redaction.ts";
import { SeededRandom } from "../../analyzer/evaluation/seeded_random.ts";
import { isLeaked, plainLine, secretLines, SELF_EVIDENT } from "../../analyzer/evaluation/seeded_secrets.ts";

const redactor = createRedactor("a key of the tests");

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(
    fc.constantFrom(
      "password",
      "token",
      "=",
      ":",
      '"',
      "\\",
      "'",
      "{",
      "}",
      "[",
      "]",
      "://",
      "@",
      "%20",
      "%3D",
      "<",
      ">",
      ",",
      ";",
      " ",
      "\n",
      "Bearer ",
      "cookie: ",
      "-----BEGIN ",
      "eyJ",
      "sk-",
      "AKIA",
      "1",
      "4111",
      "::",
      `/${"home"}/`,
      "\u200b",
      "ü",
      "😀",
      "a.b",
      "-u ",
      "</",
      "&",
    ),
    { maxLength: 12 },
  ).map((parts) => parts.join("")),
);
/** What divides a value from the text around it. */
const divider = fc.constantFrom(" ", "\n", "\t", '"', "'", "(", ")", "[", "]", "{", "}", "<", ">", ",", ";", "|", "=");

/** What stands before the user's name in a URL, or before the password after it. */
const IN_URL = /(?:(?:https?|s?ftp|ssh):\/\/|:\/\/[^\s"'<>`]*[:@])[^\s"'<>`]*$/i;

Deno.test("a secret that says what it is does not survive, whatever is written around it", () => {
  const kinds = Object.entries(SELF_EVIDENT);
  fc.assert(
    fc.property(fc.nat(1e9), text, divider, divider, text, (seed, before, left, right, after) => {
      const [kind, make] = kinds[seed % kinds.length];
      const line = plainLine(kind, make(new SeededRandom(seed)), "{}");
      const redacted = redactor.redact(`${before}${left}${line.text}${right}${after}`);
      for (const secret of line.secrets) {
        if (`${before}${after}`.includes(secret)) continue;
        // As the user, or the password, and the host of a URL: hosts stay, and what names a person must be gone.
        const isInUrl = kind === "email" && IN_URL.test(before + left);
        const hidden = isInUrl ? secret.slice(0, secret.indexOf("@")) : secret;
        expect([kind, isLeaked(hidden, redacted)]).toEqual([kind, false]);
      }
    }),
    { numRuns: 1_500 },
  );
});

Deno.test("a secret that its name gives away does not survive in lines with others before and after", () => {
  fc.assert(
    fc.property(fc.nat(1e9), text, text, (seed, before, after) => {
      const line = secretLines(seed, 160)[seed % 160];
      const redacted = redactor.redact(`${before}\n${line.text}\n${after}`).replace(/_\d{7}>/g, ">");
      for (const secret of line.secrets) expect([line.text, isLeaked(secret, redacted)]).toEqual([line.text, false]);
    }),
    { numRuns: 600 },
  );
});

Deno.test("redacting what is redacted changes nothing", () => {
  fc.assert(
    fc.property(fc.nat(1e9), text, text, (seed, before, after) => {
      const line = secretLines(seed, 160)[(seed >> 8) % 160];
      const once = redactor.redact(`${before} ${line.text} ${after}`);
      expect(redactor.redact(once)).toBe(once);
    }),
    { numRuns: 800 },
  );
});

Deno.test("equal values have equal pseudonyms wherever they stand", () => {
  const pseudonym = (line: string): string | undefined => redactor.redact(line).match(/<[A-Z_]+_\d{7}>/)?.[0];
  for (const [kind, make] of Object.entries(SELF_EVIDENT)) {
    const secret = make(new SeededRandom(kind.length));
    const first = pseudonym(secret);
    expect([kind, first]).toEqual([kind, expect.stringMatching(/^<[A-Z_]+_\d{7}>$/)]);
    for (const form of ["for {}: gone", '{"a":"{}"}', "[{}]"]) {
      expect([kind, form, pseudonym(form.replace("{}", () => secret))]).toEqual([kind, form, first]);
    }
  }
});

Deno.test("half a megabyte of what finders look for is over in seconds, where a square of it would take hours", () => {
  const parts = [
    "a",
    "1.",
    "1.1.1.1.",
    "a@",
    "://a:",
    "password",
    'password="',
    "token=[",
    "sig=/a",
    'sig=\\"',
    "\\",
    "eyJ",
    "eyJaaaaaaaaaa.",
    "-----BEGIN ",
    "sk-",
    "AKIA",
    "%41",
    "%2525",
    "aA1/",
    "::",
    "1:",
    "aa:",
    "DE89 ",
    "4111 ",
    "+1(",
    `/${"home"}/a`,
    "cookie: a=b; ",
    "authorization: digest ",
    "<password>",
    "<A_1234567>",
    "-u a:",
    "thin:a/",
    "pass is ",
    "--token ",
    "123-45-",
    "\u001b[",
    "\u200b",
  ];
  for (const part of parts) {
    const startMs = performance.now();
    const redacted = redactor.redact(part.repeat(500_000 / part.length) + "!");
    // What grows with the square takes 10^11 steps and more.
    expect({ part, seconds: (performance.now() - startMs) / 1_000 < 60 }).toEqual({ part, seconds: true });
    expect(redacted.length).toBeLessThan(4 * 500_000);
  }
});
