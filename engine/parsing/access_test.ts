import { expect } from "expect";
import { EventFields, MEASURE_SLOT, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { accessParser } from "./access.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Everything that a line gives: present text fields, present measures, the time as ISO; or the reason. */
function parse(line: string | Uint8Array, timeZone = "UTC"): Record<string, string | number> | string {
  const record = typeof line === "string" ? encoder.encode(line) : line;
  const bytes = new Uint8Array(record.length + 7).fill(0x22);
  bytes.set(record, 3);
  const fields = new EventFields();
  const reason = accessParser.compile({ timeZone, mapping: {} }).parse(bytes, 3, 3 + record.length, 0, fields);
  if (reason !== null) return reason;
  const found: Record<string, string | number> = { time: new Date(fields.timestampMicros / 1000).toISOString() };
  TEXT_FIELDS.forEach((name, slot) => {
    if (fields.starts[slot] >= 0) {
      found[name] = decoder.decode(fields.bytes.subarray(fields.starts[slot], fields.ends[slot]));
    }
  });
  for (const [name, slot] of Object.entries(MEASURE_SLOT)) {
    if (!Number.isNaN(fields.measures[slot])) found[name] = fields.measures[slot];
  }
  return found;
}

const CLIENT = "h.example - - [01/Jul/1995:00:00:01 -0400]";
/** What the request and what follows give, without the fields of CLIENT. */
function parseRest(rest: string): unknown {
  const found = parse(`${CLIENT} ${rest}`);
  if (typeof found === "string") return found;
  const { time: _time, host: _host, ...others } = found;
  return others;
}

Deno.test("a Common line gives its fields, and `-` is no value", () => {
  expect(parse('199.72.81.55 - - [01/Jul/1995:00:00:01 -0400] "GET /history/apollo/ HTTP/1.0" 200 6245')).toEqual({
    time: "1995-07-01T04:00:01.000Z",
    host: "199.72.81.55",
    method: "GET",
    endpoint: "/history/apollo/",
    protocol: "HTTP/1.0",
    status: "200",
    level: "INFO",
    content_size: 6245,
  });
  expect(parse('::1 daemon frank [10/Oct/2000:13:55:36 -0700] "POST /a?b=c&d HTTP/2.0" 304 -')).toEqual({
    time: "2000-10-10T20:55:36.000Z",
    host: "::1",
    ident: "daemon",
    user: "frank",
    method: "POST",
    endpoint: "/a?b=c&d",
    protocol: "HTTP/2.0",
    status: "304",
    level: "INFO",
  });
});

Deno.test("a Combined line adds referrer and user agent, absent where `-` or empty", () => {
  const line = `${CLIENT} "GET / HTTP/1.1" 200 5 "http://a.example/?q=1" "Mozilla/5.0 (X11; \\"quoted\\") Gecko"`;
  expect(parse(line)).toMatchObject({
    referrer: "http://a.example/?q=1",
    user_agent: 'Mozilla/5.0 (X11; \\"quoted\\") Gecko',
  });
  for (const rest of ['"-" "-"', '"" ""']) {
    expect(parseRest(`"GET / HTTP/1.1" 200 5 ${rest}`)).toEqual({
      method: "GET",
      endpoint: "/",
      protocol: "HTTP/1.1",
      status: "200",
      level: "INFO",
      content_size: 5,
    });
  }
});

Deno.test("an escaped quote does not end a field, whatever follows it", () => {
  expect(parseRest('"GET / HTTP/1.1" 200 5 "a \\" 1" "b \\" \\"c \\\\" 0.5')).toMatchObject({
    referrer: 'a \\" 1',
    user_agent: 'b \\" \\"c \\\\',
    response_time: 500_000,
  });
});

Deno.test("quotes that a server did not escape stay in the user agent", () => {
  expect(parseRest('"GET / HTTP/1.1" 200 5 "-" "The "best" browser"')).toMatchObject({
    user_agent: 'The "best" browser',
  });
  expect(parseRest('"GET / HTTP/1.1" 200 5 "-" "cut off')).toMatchObject({ user_agent: "cut off" });
});

Deno.test("odd requests are parsed as far as they go", () => {
  const outcome = { status: "404", level: "WARN" };
  expect(parseRest('"GET /finger @net.com HTTP/1.0" 404 -')).toEqual({
    method: "GET",
    endpoint: "/finger @net.com",
    protocol: "HTTP/1.0",
    ...outcome,
  });
  expect(parseRest('"GET /old" 404 -')).toEqual({ method: "GET", endpoint: "/old", ...outcome });
  expect(parseRest('"get /x http/1.0" 404 -')).toEqual({
    method: "get",
    endpoint: "/x",
    protocol: "http/1.0",
    ...outcome,
  });
  expect(parseRest('"HEAD /elv/uncons.htm HTTP/V1.0" 404 -')).toMatchObject({ method: "HEAD", protocol: "HTTP/V1.0" });
  expect(parseRest('"GET /images/"> HTTP/1.0" 404 -')).toMatchObject({ endpoint: '/images/">' });
  expect(parseRest('"GET /x" 200 5 y" HTTP/1.0" 404 -')).toMatchObject({ endpoint: '/x" 200 5 y"', status: "404" });
  expect(parseRest('"GET" 404 -')).toEqual({ method: "GET", ...outcome });
  expect(parseRest('"" 404 -')).toEqual(outcome);
  expect(parseRest('"-" 404 -')).toEqual(outcome);
  expect(parseRest('"\\x16\\x03\\x01 \\x02" 404 -')).toEqual({ message: "\\x16\\x03\\x01 \\x02", ...outcome });
  expect(parseRest('"/no/method" 404 -')).toEqual({ message: "/no/method", ...outcome });
  expect(parseRest('"GET / HTTP/1.0" - -')).toEqual({
    method: "GET",
    endpoint: "/",
    protocol: "HTTP/1.0",
    level: "INFO",
  });
});

Deno.test("a user agent that imitates an outcome does not end the request", () => {
  expect(parseRest('"GET /real HTTP/1.1" 200 5 "-" "x" 404 7 "y"')).toMatchObject({
    endpoint: "/real",
    status: "200",
    content_size: 5,
  });
});

Deno.test("the level follows from the status", () => {
  const level = (status: string) => (parseRest(`"GET / HTTP/1.0" ${status} 1`) as Record<string, string>).level;
  expect(["100", "200", "302", "400", "499", "500", "503"].map(level))
    .toEqual(["INFO", "INFO", "INFO", "WARN", "WARN", "ERROR", "ERROR"]);
});

Deno.test("a response time is taken where nothing else can be meant", () => {
  const request = '"GET / HTTP/1.1" 200 5 "-" "ua"';
  expect(parseRest(`${request} 0.123`)).toMatchObject({ response_time: 123_000 });
  expect(parseRest(`${request} "10.0.0.1" 1.5 0.9`)).toMatchObject({ response_time: 1_500_000 });
  expect(parseRest(`${request} 12 "router" "http://10.0.0.1" 34ms`)).toMatchObject({ response_time: 34_000 });
  expect(parseRest('"GET / HTTP/1.1" 200 5 0.25')).toMatchObject({ response_time: 250_000 });
  for (const other of ["1234", "-", "1.2.3", "x0.1", '"0.5"']) {
    expect(parseRest(`${request} ${other}`)).not.toHaveProperty("response_time");
  }
});

Deno.test("a virtual host with its port may come first", () => {
  expect(parse('www.example:443 10.0.0.1 - Jo Doe [01/Jul/1995:00:00:01 -0400] "GET / HTTP/1.0" 200 1')).toMatchObject({
    service: "www.example",
    host: "10.0.0.1",
    user: "Jo Doe",
  });
  expect(parse('fe80::1 - Jo Doe [01/Jul/1995:00:00:01 -0400] "GET / HTTP/1.0" 200 1')).toMatchObject({
    host: "fe80::1",
    user: "Jo Doe",
  });
});

Deno.test("bytes that are no UTF-8 become \\xNN and the line still counts", () => {
  const line = encoder.encode(`${CLIENT} "GET /caf? HTTP/1.0" 200 1`);
  line[line.indexOf(0x3f)] = 0xe9;
  expect(parse(line)).toMatchObject({ endpoint: "/caf\\xe9", status: "200", level: "INFO" });
  expect(parse(`${CLIENT} "GET /café HTTP/1.0" 200 1`)).toMatchObject({ endpoint: "/café" });
  const nul = encoder.encode(`${CLIENT} "GET /a?b HTTP/1.0" 200 1`);
  nul[nul.indexOf(0x3f)] = 0;
  expect(parse(nul)).toMatchObject({ endpoint: "/a\0b" });
});

Deno.test("carriage returns and blanks around a line do not matter", () => {
  expect(parse(`  ${CLIENT} "GET / HTTP/1.0" 200 12\r`)).toMatchObject({ content_size: 12, host: "h.example" });
});

Deno.test("what is no access line is refused with its reason", () => {
  for (const line of ["", "   ", "\r\n", "\t"]) expect(parse(line)).toBe("empty");
  for (
    const line of [
      "alyssa.p",
      "GET / HTTP/1.0",
      CLIENT,
      `${CLIENT} `,
      `${CLIENT} "GET / HTTP/1.0"`,
      `${CLIENT} "GET / HTTP/1.0" 200`,
      `${CLIENT} "GET / HTTP/1.0" 20 5`,
      `${CLIENT} "GET / HTTP/1.0" 200 5x`,
      'h - [01/Jul/1995:00:00:01 -0400] "GET / HTTP/1.0" 200 5',
      'h - - 01/Jul/1995:00:00:01 "GET / HTTP/1.0" 200 5',
      '{"host":"h"}',
    ]
  ) expect([line, parse(line)]).toEqual([line, "no_match"]);
  expect(parse('h - - [31/Feb/1995:00:00:01 -0400] "GET / HTTP/1.0" 200 5')).toBe("bad_timestamp");
});

Deno.test("a time without a zone is in the topic's", () => {
  expect(parse('h - - [10/Oct/2000:13:55:36] "GET / HTTP/1.0" 200 5', "America/Los_Angeles"))
    .toMatchObject({ time: "2000-10-10T20:55:36.000Z" });
});

Deno.test("detection answers the share of lines in the format, blank ones left out", () => {
  const good = encoder.encode(`${CLIENT} "GET / HTTP/1.0" 200 5`);
  const bad = encoder.encode("level=info msg=hello");
  expect(accessParser.detect([good, bad, encoder.encode(""), good])).toBeCloseTo(2 / 3);
  expect(accessParser.detect([])).toBe(0);
});
