import { expect } from "expect";
import fc from "fast-check";
import { MESSAGE_CHARS_MAX, tokenize, WILDCARD } from "./tokens.ts";

const tokensOf = (text: string): string => tokenize(text).tokens.join(" ");

Deno.test("what varies from one message to the next is a wildcard, everything else stays", () => {
  const cases: Readonly<Record<string, string>> = {
    "Failed password for root from 183.62.140.253 port 53116 ssh2": "Failed password for <*> from <*> port <*>",
    "session opened for user anna by (uid=0)": "session opened for user <*> by ( uid = <*> )",
    "session closed for user anna": "session closed for user <*>",
    "check pass; user unknown": "check pass ; user unknown",
    "no user authentication at all": "no user authentication at all",
    "init() ok (12)": "init ( ) ok",
    "Waiting... now!": "Waiting ... now !",
    "Invalid user webmaster from 2001:db8::1": "Invalid user <*> from <*>",
    "PacketResponder 1 for block blk_-6952295868487656571 terminating": "PacketResponder <*> for block <*> terminating",
    "request 0a3f2e1b-33c4-4d5e-8f60-718293a4b5c6 took 12.5 ms": "request <*> took <*> ms",
    "read /var/log/app/current.log and /etc": "read <*> and /etc",
    "GET https://example.org/a?b=c failed": "GET <*> failed",
    "mail from anna.b@example.org refused": "mail from <*> refused",
    "could not resolve db.internal.example.com": "could not resolve <*>",
    "wpad:80 error : no answer": "<*> error : no answer",
    "AssignedMaps:10 left": "AssignedMaps : <*> left",
    "at Sun Jul 17 09:21:05 2005": "at <*>",
    "since Mar 3, 2026 10:00:00.123": "since <*> , <*>",
    "sent 1024 bytes (1.0 KB), done": "sent <*> bytes , done",
    "uid=0 euid=0 tty=NODEV": "uid = <*> euid = <*> tty = NODEV",
    "values 1, 2 and 3": "values <*> , <*> and <*>",
    "took 5 seconds": "took <*> seconds",
    "GET /v2/a?b=c&d=1 failed": "GET <*> failed",
    "The end.": "The end .",
    "com.example.mail.sync told me to run": "<*> told me to run",
    "yarn.scheduler.max-wait is deprecated": "<*> is deprecated",
    "caused by java.io.FileNotFoundException": "caused by java.io.FileNotFoundException",
    "on android.intent.action.SCREEN_OFF": "on android.intent.action.SCREEN_OFF",
    "called config.update() twice, e.g. there": "called config.update ( ) twice , e.g . there",
    "cache threshold......7": "cache threshold ...... <*>",
    "trap instruction.........no": "trap instruction ......... no",
    'lock=7, tag="View of all", name=a': 'lock = <*> , tag = " <*> " , name = a',
    "reason='', text='it": "reason = ' ' , text = ' it",
    "opened for user anna by root(uid=0)": "opened for user <*> by <*> ( uid = <*> )",
    "GET http://db.example:80/a: connection refused": "GET <*> : connection refused",
    "": "",
  };
  for (const [text, tokens] of Object.entries(cases)) {
    expect({ text, tokens: tokensOf(text) }).toEqual({ text, tokens });
  }
});

Deno.test("other numbers of the same shape give the same tokens", () => {
  const number = fc.oneof(
    fc.nat(1e9).map(String),
    fc.ipV4(),
    fc.uuid(),
    fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String),
  );
  fc.assert(fc.property(number, number, number, number, (a, b, c, d) => {
    const said = (x: string, y: string) => tokensOf(`order ${x} of customer ${y} is late`);
    expect(said(a, b)).toBe(said(c, d));
    expect(said(a, b)).toBe(`order ${WILDCARD} of customer ${WILDCARD} is late`);
  }));
});

Deno.test("any text has tokens, each with its space or none, and never more than a text of that length can", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: "binary", maxLength: 300 })), (text) => {
      const { tokens, spaced } = tokenize(text);
      expect(spaced).toHaveLength(tokens.length);
      expect(tokens.length).toBeLessThanOrEqual(text.length);
      expect(tokens.every((token) => token !== "")).toBe(true);
      expect(tokenize(text)).toMatchObject({ tokens, spaced });
    }),
  );
});

Deno.test("a message of a megabyte is cut, whatever it is made of", () => {
  for (const part of ["a", "(", "1.", "://", "a:1", " ", "((((1))))", "\u{1F600}"]) {
    const long = tokenize(part.repeat(1_000_000 / part.length));
    const cut = tokenize(part.repeat(MESSAGE_CHARS_MAX));
    expect(long.tokens.length).toBeLessThanOrEqual(256);
    expect(long.tokens).toEqual(cut.tokens);
  }
});
