import { expect } from "expect";
import { EventFields, MEASURES, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import type { FieldMapping } from "../../core/config/schema.ts";
import { json } from "./json.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Fields = Record<string, string | number>;

/** The fields of an event by name, or the reason why there is none. */
function read(record: string | object | Uint8Array, mapping: FieldMapping = {}): Fields | string {
  const bytes = record instanceof Uint8Array
    ? record
    : encoder.encode(typeof record === "string" ? record : JSON.stringify(record));
  const out = new EventFields();
  const parser = json.compile({ timeZone: "UTC", mapping });
  let fields: Fields | string = "";
  // The second time from the layout that the first left behind.
  for (const _ of [1, 2]) {
    const reason = parser.parse(bytes, 0, bytes.length, 0, out);
    const again = reason ?? fieldsOf(out);
    if (fields !== "") expect(again).toEqual(fields);
    fields = again;
  }
  return fields;
}

function fieldsOf(out: EventFields): Fields {
  const fields: Fields = {};
  TEXT_FIELDS.forEach((field, slot) => {
    if (out.starts[slot] >= 0) fields[field] = decoder.decode(out.bytes.subarray(out.starts[slot], out.ends[slot]));
  });
  MEASURES.forEach(({ name }, slot) => {
    if (!Number.isNaN(out.measures[slot])) fields[name] = out.measures[slot];
  });
  if (!Number.isNaN(out.timestampMicros)) fields.timestamp = out.timestampMicros;
  return fields;
}

const MARCH = Date.UTC(2026, 2, 1, 10) * 1000;

Deno.test("a plain application record is read", () => {
  expect(read({
    "@timestamp": "2026-03-01T10:00:00.123Z",
    level: "INFO",
    service: "checkout",
    host: "web-1",
    method: "GET",
    path: "/api/orders/7?full=1",
    status: 200,
    response_time_ms: 12.3455,
    trace_id: "4bf9",
    message: "served",
  })).toEqual({
    timestamp: MARCH + 123_000,
    level: "INFO",
    service: "checkout",
    host: "web-1",
    method: "GET",
    endpoint: "/api/orders/7?full=1",
    status: "200",
    response_time: 12_346,
    trace_id: "4bf9",
    message: "served",
  });
});

Deno.test("ECS is read, nested and flat", () => {
  const expected = {
    timestamp: MARCH,
    level: "ERROR",
    service: "pay",
    method: "POST",
    endpoint: "/pay",
    status: "502",
    response_time: 1235,
    content_size: 77,
    host: "h1",
    message: "boom",
    trace_id: "t",
    event_type: "charge",
  };
  expect(read({
    "@timestamp": "2026-03-01T10:00:00Z",
    log: { level: "error", logger: "x" },
    service: { name: "pay" },
    http: { request: { method: "POST" }, response: { status_code: 502, body: { bytes: 77 } } },
    url: { path: "/pay" },
    event: { duration: 1234567, action: "charge" },
    host: { hostname: "h1" },
    message: "boom",
    trace: { id: "t" },
  })).toEqual(expected);
  expect(read({
    "@timestamp": "2026-03-01T10:00:00Z",
    "log.level": "error",
    "service.name": "pay",
    "http.request.method": "POST",
    "http.response.status_code": 502,
    "http.response.body.bytes": 77,
    "url.path": "/pay",
    "event.duration": 1234567,
    "event.action": "charge",
    "host.hostname": "h1",
    message: "boom",
    "trace.id": "t",
  })).toEqual(expected);
});

Deno.test("pino's numbers, times and nested request are read", () => {
  expect(read(
    '{"level":50,"time":1772359200000,"pid":7,"hostname":"h","name":"api","req":{"method":"GET","url":"/a"},' +
      '"res":{"statusCode":500},"responseTime":3,"msg":"request errored"}\n',
  )).toEqual({
    level: "ERROR",
    timestamp: MARCH,
    host: "h",
    service: "api",
    method: "GET",
    endpoint: "/a",
    status: "500",
    response_time: 3000,
    message: "request errored",
  });
});

Deno.test("OpenTelemetry's attributes are read as arrays and as objects", () => {
  const record = (attributes: unknown, resource: unknown) => ({
    timeUnixNano: "1772359200000000123",
    severityNumber: 13,
    body: { stringValue: "slow" },
    attributes,
    resource: { attributes: resource },
    traceId: "ab",
  });
  const expected = {
    timestamp: MARCH,
    level: "WARN",
    message: "slow",
    method: "GET",
    status: "200",
    service: "s",
    trace_id: "ab",
  };
  expect(read(record(
    [{ key: "http.request.method", value: { stringValue: "GET" } }, {
      key: "http.status_code",
      value: { intValue: "200" },
    }],
    [{ key: "service.name", value: { stringValue: "s" } }],
  ))).toEqual(expected);
  expect(read(record({ "http.request.method": "GET", "http.status_code": 200 }, { "service.name": "s" }))).toEqual(
    expected,
  );
});

Deno.test("Fluent Bit's record keeps its log as the message, JSON or not", () => {
  expect(
    read(
      '{"date":1772359200.123,"log":"{\\"level\\":\\"error\\"}\\n","stream":"stdout","kubernetes":{"labels":{"app":"shop"}}}',
    ),
  )
    .toEqual({ timestamp: MARCH + 123_000, message: '{"level":"error"}\n', service: "shop" });
});

Deno.test("the first name in order of preference wins, not the first in the record", () => {
  expect(read('{"msg":"second","message":"first","lvl":"WARN","level":"INFO"}')).toEqual({
    message: "first",
    level: "INFO",
  });
  expect(read('{"message":"first","msg":"second"}')).toEqual({ message: "first" });
});

Deno.test("a name without a usable value gives way to the next", () => {
  expect(
    read('{"message":null,"msg":"second","status":true,"code":7,"level":"","lvl":"error","path":{"a":1},"uri":"/u"}'),
  )
    .toEqual({ message: "second", status: "7", level: "ERROR", endpoint: "/u" });
  expect(read('{"timestamp":"no date","time":"2026-03-01T10:00:00Z"}')).toEqual({ timestamp: MARCH });
});

Deno.test("the mapping goes before the usual names, and a literal key before descending", () => {
  const mapping: FieldMapping = {
    service: ["app.id"],
    response_time: ["stats.wall_us"],
    timestamp: ["when"],
    host: ["@m.h"],
  };
  expect(read('{"service":"usual","app":{"id":"nested"},"app.id":"literal","stats":{"wall_us":"850"}}', mapping))
    .toEqual({ service: "literal", response_time: 850 });
  expect(read('{"service":"usual","app":{"id":"nested"},"when":1772359200,"@m":{"h":"x"}}', mapping))
    .toEqual({ service: "nested", timestamp: MARCH, host: "x" });
  expect(read('{"service":"usual"}', mapping)).toEqual({ service: "usual" });
});

Deno.test("names differ by case", () => {
  expect(read('{"MESSAGE":"journald","Level":"INFO","Status":1}')).toEqual({ message: "journald" });
});

Deno.test("the unit of a duration comes from its name or its text", () => {
  const cases: [string, number][] = [
    ['"duration":1.5', 1500],
    ['"duration_us":850', 850],
    ['"latency_us":850.4', 850],
    ['"duration_seconds":0.0125', 12_500],
    ['"request_time":0.25', 250_000],
    ['"duration_ns":1500', 2],
    ['"took":"12.3ms"', 12_300],
    ['"elapsed":"1.2s"', 1_200_000],
    ['"latency":"850µs"', 850],
    ['"duration":9.5e-1', 950],
    ['"duration":0', 0],
    ['"duration":-1', -1000],
  ];
  for (const [member, micros] of cases) {
    expect([member, read(`{${member}}`)]).toEqual([member, { response_time: micros }]);
  }
  for (const member of ['"duration":1e300', '"duration":"soon"', '"duration":[1]']) {
    expect(read(`{${member}}`)).toEqual({});
  }
});

Deno.test("numbers in text fields are printed as JSON.stringify prints them", () => {
  const cases = {
    "2e2": "200",
    "200.0": "200",
    "-0": "0",
    "1E21": "1e+21",
    "0.0000001": "1e-7",
    "12345678901234567890": "12345678901234567000",
  };
  for (const [number, status] of Object.entries(cases)) expect(read(`{"status":${number}}`)).toEqual({ status });
});

Deno.test("escapes are decoded, and what is not ASCII is kept", () => {
  expect(read('{"message":"a\\n\\"b\\" \\u00e9\\ud83d\\ude00 \\/ \\\\","path":"\\/x","service":"grün","host":"h"}'))
    .toEqual({ message: 'a\n"b" é😀 / \\', endpoint: "/x", service: "grün", host: "h" });
  expect(read('{"message":"\\ud800"}')).toEqual({ message: "\ufffd" });
  expect(read('{"mess\\u0061ge":"by an escaped key"}')).toEqual({ message: "by an escaped key" });
});

Deno.test("of duplicate keys the last counts", () => {
  expect(read('{"level":"INFO","level":"WARN"}')).toEqual({ level: "WARN" });
  expect(read('{"level":"INFO","level":null}')).toEqual({});
  expect(read('{"http":{"method":"GET"},"http":{"status_code":200}}')).toEqual({ status: "200" });
  expect(read('{"x":1,"x":2}')).toEqual({});
});

Deno.test("every field has room in one buffer, and stays right beside a rewritten one", () => {
  const long = "x".repeat(10_000);
  expect(read({ level: "warn", service: long, message: `${long}\n`, host: "h", status: 7 }))
    .toEqual({ level: "WARN", service: long, message: `${long}\n`, host: "h", status: "7" });
});

Deno.test("a record that is no JSON object says why", () => {
  const cases: Record<string, string[]> = {
    empty: ["", " \r\n\t"],
    not_an_object: ["[]", "1", '"x"', "null", "true", '[{"level":"INFO"}]'],
    invalid_json: [
      "{",
      '{"a":1,}',
      "{'a':1}",
      '{"a":01}',
      '{"a":1.}',
      '{"a":.5}',
      '{"a":+1}',
      '{"a":1}x',
      '{"a":1}{"a":1}',
      '{"a":tru}',
      '{"a":NaN}',
      '{"a":"\x01"}',
      '{"a":"\t"}',
      '{"a":"\\x"}',
      '{"a":"\\u12g4"}',
      '{"a":"b',
      '{"a" 1}',
      '\ufeff{"a":1}',
      '{"a":1}\0',
      '\v{"a":1}',
      "level=info",
      '{"x":[1}}',
      '{"x":{"a":1]}',
      '{"x":[1,]}',
      '{"x":[,1]}',
      '{"x":[1 2]}',
      '{"x":{"a"}}',
      '{"x":{1:2}}',
      '{"x":{"a":1,}}',
      '{"x":[1]',
    ],
  };
  for (const [reason, records] of Object.entries(cases)) {
    for (const record of records) expect([record, read(record)]).toEqual([record, reason]);
  }
});

Deno.test("bytes that are no UTF-8 are refused wherever they stand", () => {
  for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]]) {
    for (
      const [before, after] of [['{"a":"', '"}'], ['{"message":"', '"}'], ['{"', '":1}'], ['{"a":1}', ""], [
        '{"a":["',
        '"]}',
      ]]
    ) {
      expect(read(Uint8Array.from([...encoder.encode(before), ...bad, ...encoder.encode(after)]))).toBe("invalid_utf8");
    }
  }
});

Deno.test("nesting is taken to 512 levels, in whatever it lies", () => {
  const nested = (levels: number, key = "x") =>
    `{"${key}":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)},"level":"INFO"}`;
  const objects = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
  for (const key of ["x", "level", "attributes", "x\\n"]) {
    expect(typeof read(nested(512, key))).toBe("object");
    expect(read(nested(513, key))).toBe("too_deep");
  }
  expect(typeof read(objects(512))).toBe("object");
  expect(read(objects(513))).toBe("too_deep");
  expect(read(nested(100_000))).toBe("too_deep");
  expect(read(`{"n":${"[".repeat(1000)}12345678901234567890${"]".repeat(1000)}}`)).toBe("too_deep");
  expect(read("[".repeat(100_000))).toBe("invalid_json");
  expect(read({ text: "[".repeat(2000) })).toEqual({ message: "[".repeat(2000) });
});

Deno.test("a megabyte in one value, and keys that never repeat, are read like any other", () => {
  expect(read({ blob: "x".repeat(1 << 20), level: "WARN" })).toEqual({ level: "WARN" });
  const parser = json.compile({ timeZone: "UTC", mapping: {} });
  const out = new EventFields();
  for (let i = 0; i < 6000; i++) {
    const bytes = encoder.encode(`{"id-${i}":${i},"level":"WARN","message":"m${i}"}`);
    expect(parser.parse(bytes, 0, bytes.length, 0, out)).toBeNull();
    expect(fieldsOf(out)).toEqual({ level: "WARN", message: `m${i}` });
  }
});

Deno.test("nothing of the record before is left", () => {
  const parser = json.compile({ timeZone: "UTC", mapping: {} });
  const out = new EventFields();
  const records = ['{"level":"error","message":"a\\n","bytes":5,"ts":1772359200}', "{}", "nonsense", '{"host":"h"}'];
  const expected = [{ level: "ERROR", message: "a\n", content_size: 5, timestamp: MARCH }, {}, {}, { host: "h" }];
  records.forEach((record, i) => {
    const bytes = encoder.encode(record);
    parser.parse(bytes, 0, bytes.length, 0, out);
    expect(fieldsOf(out)).toEqual(expected[i]);
  });
});

Deno.test("times without a zone are in the topic's", () => {
  const parser = json.compile({ timeZone: "Asia/Kolkata", mapping: {} });
  const out = new EventFields();
  const bytes = encoder.encode('{"time":"2026-03-01 15:30:00"}');
  expect(parser.parse(bytes, 0, bytes.length, 0, out)).toBeNull();
  expect(out.timestampMicros).toBe(MARCH);
});

Deno.test("a sample is JSON by the share of its objects", () => {
  const sample = ['{"a":1}', '{"b":2}\n', "[1]", "GET / 200"].map((text) => encoder.encode(text));
  expect(json.detect(sample)).toBe(0.5);
  expect(json.detect([])).toBe(0);
});
