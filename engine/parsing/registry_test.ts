import { expect } from "expect";
import { detectFormat, findParser, PARSERS } from "./registry.ts";

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  access: [
    '199.72.81.55 - - [01/Jul/1995:00:00:01 -0400] "GET /history/apollo/ HTTP/1.0" 200 6245',
    'h - - [01/Jul/1995:00:00:02 -0400] "GET /?a=b&c=d HTTP/1.1" 404 - "-" "curl/8.0"',
  ],
  json: [
    '{"time":"2024-05-01T10:00:00Z","level":"info","service":"checkout","msg":"level=info a=b"}',
    '{"ts":1714557600.1,"severity":"ERROR","path":"/orders/1"}',
  ],
  payments: [
    '{"event_type":"payment","status":"succeeded","amount":12.5,"currency":"EUR","timestamp":"2024-05-01T10:00:00Z"}',
    '{"event_type":"refund","status":"failed","amount":3,"currency":"USD","timestamp":"2024-05-01T10:00:01Z"}',
  ],
  syslog: [
    "<165>1 2003-10-11T22:14:15.003Z host app 8710 ID47 - level=info a=b",
    "<34>Oct 11 22:14:15 mymachine su[1]: 'su root' failed",
    "Jun 14 15:16:01 combo sshd[19939]: authentication failure; logname= uid=0 euid=0 tty=x ruser= rhost=y",
  ],
  logfmt: [
    'time="2024-05-01T10:00:00Z" level=info msg="request done" duration=12ms',
    "at=info method=GET path=/ status=200",
  ],
};
const bytesOf = (lines: readonly string[]) => lines.map((line) => new TextEncoder().encode(line));

for (const [format, lines] of Object.entries(SAMPLES)) {
  Deno.test(`${format} is detected from its lines, each alone and with a stray one among them`, () => {
    for (const line of lines) expect([line, detectFormat(bytesOf([line]))?.name]).toEqual([line, format]);
    expect(detectFormat(bytesOf([...lines, "Traceback (most recent call last):"]))?.name).toBe(format);
  });
}

Deno.test("no format is detected from nothing, from text, and from a minority", () => {
  expect(detectFormat([])).toBe(null);
  expect(detectFormat(bytesOf(["", " "]))).toBe(null);
  expect(detectFormat(bytesOf(["hello", "world", "level=info msg=x"]))).toBe(null);
  expect(detectFormat([Uint8Array.from([0x00, 0xff, 0x16, 0x03])])).toBe(null);
});

Deno.test("every parser is found by its name, and names are told apart", () => {
  expect(new Set(PARSERS.map((parser) => parser.name)).size).toBe(PARSERS.length);
  for (const name of Object.keys(SAMPLES)) expect(findParser(name)?.name).toBe(name);
  expect(findParser("apache")).toBe(undefined);
});

Deno.test("an empty sample is in no format", () => {
  for (const parser of PARSERS) expect([parser.name, parser.detect([])]).toEqual([parser.name, 0]);
});
