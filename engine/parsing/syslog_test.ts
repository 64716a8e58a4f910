import { expect } from "expect";
import type { FieldMapping } from "../../core/config/schema.ts";
import { EventFields, MEASURE_SLOT, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { syslogParser } from "./syslog.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const RECORD_MS = Date.UTC(2026, 10, 1);

function parse(line: string | Uint8Array, mapping: FieldMapping = {}, timeZone = "UTC"): unknown {
  const record = typeof line === "string" ? encoder.encode(line) : line;
  const bytes = new Uint8Array(record.length + 6).fill(0x3a);
  bytes.set(record, 2);
  const fields = new EventFields();
  const parser = syslogParser.compile({ timeZone, mapping });
  const reason = parser.parse(bytes, 2, 2 + record.length, RECORD_MS, fields);
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

Deno.test("the examples of RFC 5424 are read", () => {
  expect(
    parse(
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed for lonvick on /dev/pts/8",
    ),
  ).toEqual({
    time: "2003-10-11T22:14:15.003Z",
    level: "FATAL",
    host: "mymachine.example.com",
    service: "su",
    message: "'su root' failed for lonvick on /dev/pts/8",
  });
  expect(parse("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts."))
    .toEqual({
      time: "2003-08-24T12:14:15.000Z",
      level: "INFO",
      host: "192.0.2.1",
      service: "myproc",
      message: "%% It's time to make the do-nuts.",
    });
  expect(
    parse(
      '<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application"][examplePriority@32473 class="high"]',
    ),
  ).toEqual({ time: "2003-10-11T22:14:15.003Z", level: "INFO", host: "host", service: "evntslog" });
});

Deno.test("`-` in an RFC 5424 header is no value", () => {
  expect(parse("<191>1 - - - - - -")).toEqual({ level: "DEBUG" });
  expect(parse("<191>1 - - - - - - -")).toEqual({ level: "DEBUG", message: "-" });
});

Deno.test("structured data fills usual and mapped fields, with its escapes resolved", () => {
  const head = "<14>1 2024-05-01T10:00:00Z h app 1 -";
  expect(parse(`${head} [req@1 method="GET" path="/orders/1" status="503" duration="12.5ms" trace_id="a1"] done`))
    .toEqual({
      time: "2024-05-01T10:00:00.000Z",
      level: "INFO",
      host: "h",
      service: "app",
      method: "GET",
      endpoint: "/orders/1",
      status: "503",
      response_time: 12_500,
      trace_id: "a1",
      message: "done",
    });
  expect(parse(`${head} [a b="\\"x\\" \\\\ \\] \\n"] m`, { user: ["b"] })).toMatchObject({
    user: '"x" \\ ] \\n',
    message: "m",
  });
  expect(parse(`${head} [a b="1"][c b="2"] m`, { user: ["c.b"] })).toMatchObject({ user: "2" });
});

Deno.test("a mapping goes before the header", () => {
  const line = '<14>1 2024-05-01T10:00:00Z h app 1 - [m svc="checkout" sev="error" at="1714557601"] m';
  expect(parse(line, { service: ["svc"], level: ["sev"], timestamp: ["at"] })).toMatchObject({
    service: "checkout",
    level: "ERROR",
    time: "2024-05-01T10:00:01.000Z",
  });
});

Deno.test("broken or missing structured data is part of the message", () => {
  expect(parse('<14>1 - h app 1 - [a b="unclosed')).toMatchObject({ message: '[a b="unclosed' });
  expect(parse("<40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed")).toMatchObject({
    service: "app",
    message: "State changed",
  });
});

Deno.test("every severity has its level", () => {
  const level = (priority: number) => (parse(`<${priority}>1 - h a - - - m`) as { level: string }).level;
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((severity) => level(16 * 8 + severity)))
    .toEqual(["FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"]);
});

Deno.test("RFC 3164 records are read with and without their parts", () => {
  const time = "2026-10-11T22:14:15.000Z";
  expect(parse("<34>Oct 11 22:14:15 mymachine su: 'su root' failed")).toEqual({
    time,
    level: "FATAL",
    host: "mymachine",
    service: "su",
    message: "'su root' failed",
  });
  expect(parse("<13>Oct 11 22:14:15 su[231]: x: y")).toEqual({ time, level: "INFO", service: "su", message: "x: y" });
  expect(parse("<13>app[1]: no time")).toEqual({ level: "INFO", service: "app", message: "no time" });
  expect(parse("<13>hello there")).toEqual({ level: "INFO", message: "hello there" });
  expect(parse("<11>2024-05-01T10:00:00.5+02:00 web nginx[7]: hi")).toEqual({
    time: "2024-05-01T08:00:00.500Z",
    level: "ERROR",
    host: "web",
    service: "nginx",
    message: "hi",
  });
  expect(parse("<189>Oct 11 2025 22:14:15: %SYS-5-CONFIG_I: Configured")).toEqual({
    time: "2025-10-11T22:14:15.000Z",
    level: "INFO",
    service: "%SYS-5-CONFIG_I",
    message: "Configured",
  });
});

Deno.test("lines of /var/log/messages need a timestamp, a host and a tag, and have no level", () => {
  expect(parse("Jun  4 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown \r")).toEqual({
    time: "2026-06-04T15:16:01.000Z",
    host: "combo",
    service: "sshd(pam_unix)",
    message: "check pass; user unknown",
  });
  expect(parse("2024-05-01T10:00:00+02:00 fe80::1 systemd[1]: Started.")).toMatchObject({
    host: "fe80::1",
    service: "systemd",
  });
  expect(parse("Jun 26 04:04:31 combo syslogd 1.4.1: restart.")).toMatchObject({
    service: "syslogd",
    message: "syslogd 1.4.1: restart.",
  });
  expect(parse("Jun 26 04:04:31 combo  -- root[2421]: ROOT LOGIN")).toMatchObject({ service: "root" });
  expect(parse("Jun 26 04:04:31 combo last message repeated 2 times")).toMatchObject({ host: "combo" });
});

Deno.test("a local time is in the topic's zone", () => {
  expect(parse("<13>Oct 11 22:14:15 h a: m", {}, "America/New_York")).toMatchObject({
    time: "2026-10-12T02:14:15.000Z",
  });
});

Deno.test("what is no syslog is refused with its reason", () => {
  for (
    const line of [
      "hello world",
      "<192>1 - - - - - -",
      "<>1 - - - - - -",
      "<1234>x",
      "<34",
      "<34>1 2003-10-11T22:14:15Z host",
      "Oct 11 22:14:15 host no tag here",
      "Oct 11 22:14:15 tag: but no host",
      "Oct 11 22:14:15",
      "2015-10-18 18:01:47,978 INFO [main] org.example.App: Created",
      "2015-07-29 17:41:44,747 - INFO  [Quorum:FastLeaderElection@774] - Notification",
      "[Sun Dec 04 04:47:44 2005] [notice] ok",
      "17/06/09 20:10:40 INFO spark.SecurityManager: Changing view acls",
      'h - - [01/Jul/1995:00:00:01 -0400] "GET / HTTP/1.0" 200 5',
      "level=info msg=x",
      '{"a":"b"}',
    ]
  ) expect([line, parse(line)]).toEqual([line, "no_match"]);
  expect(parse(" \r\n")).toBe("empty");
  expect(parse("<34>1 2003-13-11T22:14:15Z host app - - - m")).toBe("bad_timestamp");
  expect(parse("<34>Feb 30 22:14:15 host app: m")).toBe("bad_timestamp");
});

Deno.test("bytes that are no UTF-8 become \\xNN", () => {
  const line = encoder.encode("<13>Oct 11 22:14:15 h app: caf? é");
  line[line.indexOf(0x3f)] = 0xe9;
  expect(parse(line)).toMatchObject({ message: "caf\\xe9 é", level: "INFO" });
});

Deno.test("a record does not see the one before", () => {
  const parser = syslogParser.compile({ timeZone: "UTC", mapping: { timestamp: ["at"] } });
  const fields = new EventFields();
  const micros = (line: string) => {
    const bytes = encoder.encode(line);
    expect(parser.parse(bytes, 0, bytes.length, RECORD_MS, fields)).toBe(null);
    return fields.timestampMicros;
  };
  expect(micros('<14>1 2024-05-01T10:00:00Z h a - - [m at="5"] x')).toBe(5_000_000);
  expect(micros("<14>1 2024-05-01T10:00:00Z h a - - - x")).toBe(Date.UTC(2024, 4, 1, 10) * 1000);
  expect(micros("<14>1 - h a - - - x")).toBe(NaN);
  expect(micros('<14>1 - h a - - [m at="7"] x')).toBe(7_000_000);
});
