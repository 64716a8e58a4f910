/** What the scanner takes itself: speed that a test can hold without a clock. tests/property says that it is right. */
import { expect } from "expect";
import { EventFields } from "../../core/minutes/fields.ts";
import { Kernel } from "../kernel/kernel.ts";
import { compileNames, USUAL_NAMES } from "./json_names.ts";
import { Projection } from "./json_projection.ts";
import { JsonScanner } from "./json_scanner.ts";
import { TimestampReader } from "./timestamp.ts";

const encoder = new TextEncoder();

function scans(record: string): boolean {
  const kernel = new Kernel();
  const projection = new Projection(new TimestampReader("UTC"), null, kernel);
  const scanner = new JsonScanner(compileNames(USUAL_NAMES, {}), projection, kernel);
  const bytes = encoder.encode(record);
  const out = new EventFields();
  const isTaken = scanner.scan(bytes, 0, bytes.length, 0, out);
  expect(scanner.scan(bytes, 0, bytes.length, 0, out)).toBe(isTaken);
  return isTaken;
}

Deno.test("the records of the usual writers need no JSON.parse", () => {
  const records = {
    plain:
      '{"@timestamp":"2026-03-01T10:00:00Z","level":"INFO","service":"s","status":200,"response_time_ms":1.5,"message":"m"}',
    pino:
      '{"level":30,"time":1772359200000,"hostname":"h","req":{"method":"GET","url":"/a"},"res":{"statusCode":200},"msg":"m"}\n',
    zap: '{"level":"info","ts":1772359200.1234567,"caller":"a/b.go:1","msg":"m","latency":0.0012345678901234567}',
    python:
      '{"asctime": "2026-03-01 10:00:00,123", "levelname": "WARNING", "message": "m", "args": [], "extra": {"a": [1, {}]}}',
    ecs:
      '{"log":{"level":"error"},"http":{"response":{"status_code":500}},"event":{"duration":123},"message":"boom\\n\\tat x"}',
    docker: '{"log":"line\\n","stream":"stdout","time":"2026-03-01T10:00:00.123456789Z"}',
    otel:
      '{"timeUnixNano":"1772359200000000123","severityNumber":9,"body":{"stringValue":"m"},"attributes":{"http.route":"/a"}}',
    php: '{"uri":"\\/a\\/b","message":"d\\u00e9j\\u00e0 vu","level_name":"ERROR","level":400}',
    russian: '{"сообщение":"привет","message":"привет","level":"INFO","empty":{},"none":null,"yes":true}',
  };
  for (const [writer, record] of Object.entries(records)) expect([writer, scans(record)]).toEqual([writer, true]);
});

Deno.test("what the scanner cannot be sure of it leaves to JSON.parse", () => {
  const records = [
    '{"level":"INFO","level":"WARN"}',
    '{"l\\u0065vel":"INFO"}',
    '{"status":2e2}',
    '{"status":12345678901234567890}',
    '{"ts":1.7e9}',
    '{"attributes":[{"key":"http.method","value":{"stringValue":"GET"}}]}',
    `{"x":${"[".repeat(512)}${"]".repeat(512)}}`,
    '{"level":"INFO"',
    '{"level":"INFO"}}',
    "[]",
    "",
  ];
  for (const record of records) expect([record, scans(record)]).toEqual([record, false]);
});
