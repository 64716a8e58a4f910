import { expect } from "expect";
import type { FieldMapping } from "../../core/config/schema.ts";
import { EventFields, MEASURE_SLOT, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { logfmtParser } from "./logfmt.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function parse(line: string | Uint8Array, mapping: FieldMapping = {}): unknown {
  const record = typeof line === "string" ? encoder.encode(line) : line;
  const bytes = new Uint8Array(record.length + 6).fill(0x3d);
  bytes.set(record, 2);
  const fields = new EventFields();
  const reason = logfmtParser.compile({ timeZone: "UTC", mapping }).parse(bytes, 2, 2 + record.length, 0, fields);
  if (reason !== null) return reason;
  const found: Record<string, string | number> = {};
  if (!Number.isNaN(fields.timestampMicros)) found.time = new Date(fields.timestampMicros / 1000).toISOString();
  TEXT_FIELDS.forEach((name, slot) => {
    const start = fields.starts[slot];
    if (start >= 0) found[name] = decoder.decode(fields.bytes.subarray(start, fields.ends[slot]));
  });
  for (const [name, slot] of Object.entries(MEASURE_SLOT)) {
    if (!Number.isNaN(fields.measures[slot])) found[name] = fields.measures[slot];
  }
  return found;
}

Deno.test("a line gives the fields of its usual names", () => {
  expect(
    parse(
      'time="2024-05-01T10:00:00.25Z" level=info msg="request done" service=checkout method=GET path=/orders/1?x=2 status=200 duration=12.3ms trace_id=4bf9 dyno=web.1',
    ),
  ).toEqual({
    time: "2024-05-01T10:00:00.250Z",
    level: "INFO",
    message: "request done",
    service: "checkout",
    method: "GET",
    endpoint: "/orders/1?x=2",
    status: "200",
    response_time: 12_300,
    trace_id: "4bf9",
  });
});

Deno.test("durations count in their units", () => {
  const took = (duration: string) => (parse(`duration=${duration}`) as { response_time?: number }).response_time;
  expect(["12.3ms", "1.2s", "350µs", "350us", "1500ns", "7"].map(took)).toEqual([12_300, 1_200_000, 350, 350, 2, 7000]);
  expect(took("soon")).toBe(undefined);
});

Deno.test("levels are normalised", () => {
  const level = (word: string) => (parse(`lvl=${word}`) as { level: string }).level;
  expect(["warning", "eror", "crit", "dbg", "INFO"].map(level)).toEqual(["WARN", "ERROR", "FATAL", "DEBUG", "INFO"]);
});

Deno.test("quoted values may hold blanks, equals signs and escapes", () => {
  expect(parse('msg="a=b c" level=info')).toEqual({ message: "a=b c", level: "INFO" });
  expect(parse('msg="say \\"hi\\"\\n\\tcaf\\u00e9 \\\\"')).toEqual({ message: 'say "hi"\n\tcafé \\' });
  expect(parse('msg="\\ud83d\\ude00 \\x1b[0m \\a \\U0001F600 \\q"')).toEqual({ message: "😀 \x1b[0m \x07 😀 \\q" });
  expect(parse('msg="cut off level=info')).toEqual({ message: "cut off level=info" });
});

Deno.test("bare keys, empty values and null fill nothing", () => {
  expect(parse('debug msg= level="" service=null "stray = quote" =x user=jo')).toEqual({ user: "jo" });
});

Deno.test("the first name in order of preference wins, wherever it stands", () => {
  expect(parse("msg=second message=first")).toEqual({ message: "first" });
  expect(parse("message=first msg=second")).toEqual({ message: "first" });
  expect(parse("ts=nonsense time=2024-05-01T10:00:00Z")).toEqual({ time: "2024-05-01T10:00:00.000Z" });
});

Deno.test("a mapping goes before the usual names", () => {
  expect(parse("app=a unit.name=b", { service: ["unit.name"] })).toEqual({ service: "b" });
});

Deno.test("lines without a pair are refused", () => {
  for (const line of ["hello world", "GET /a?b=c HTTP/1.0", '"a=b"', "=x", "see http://x/?a=b"]) {
    expect([line, parse(line)]).toEqual([line, "no_match"]);
  }
  for (const line of ["", "  ", "\r\n"]) expect(parse(line)).toBe("empty");
});

Deno.test("bytes that are no UTF-8 become \\xNN", () => {
  const line = encoder.encode("level=info msg=caf? user=é\r");
  line[line.indexOf(0x3f)] = 0xe9;
  expect(parse(line)).toEqual({ level: "INFO", message: "caf\\xe9", user: "é" });
});

Deno.test("detection leaves lines of other formats alone", () => {
  const share = (line: string) => logfmtParser.detect([encoder.encode(line)]);
  expect(share('time="2024-05-01 10:00:00" level=info msg="hello there"')).toBe(1);
  expect(share("level=info")).toBe(1);
  for (
    const line of [
      '{"a":"b=c d=e"}',
      'h - - [01/Jul/1995:00:00:01 -0400] "GET /?a=b HTTP/1.0" 200 5',
      "Jun 14 15:16:01 combo sshd[19939]: authentication failure; logname= uid=0 euid=0 tty=x ruser= rhost=y",
      "a=b and then a great deal of text that is no pair at all",
      "",
    ]
  ) expect([line, share(line)]).toEqual([line, 0]);
});
