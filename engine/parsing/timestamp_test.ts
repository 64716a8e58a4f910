import { expect } from "expect";
import { TimestampReader } from "./timestamp.ts";

const encoder = new TextEncoder();
const RECORD_MS = Date.UTC(2026, 5, 15, 12);

/** Reads text that stands in the middle of a larger buffer, as records do. */
function read(text: string, timeZone = "UTC", recordTimeMs = RECORD_MS): number {
  const bytes = encoder.encode(`9:${text}:9`);
  return new TimestampReader(timeZone).read(bytes, 2, bytes.length - 2, recordTimeMs);
}
const micros = (iso: string): number => Date.parse(iso) * 1000;

Deno.test("ISO 8601 timestamps are read in each usual spelling", () => {
  const noon = micros("2024-02-29T12:34:56Z");
  for (
    const text of [
      "2024-02-29T12:34:56Z",
      "2024-02-29t12:34:56z",
      "2024-02-29 12:34:56Z",
      "2024-02-29 12:34:56 UTC",
      "2024-02-29T12:34:56+00:00",
      "2024-02-29T12:34:56-00:00",
      "2024-02-29T14:34:56+02:00",
      "2024-02-29T14:34:56+0200",
      "2024-02-29T14:34:56+02",
      "2024-02-29 07:04:56 -0530",
      "2024-02-29T12:34:56",
      "2024/02/29 12:34:56",
      "[2024-02-29T12:34:56Z]",
    ]
  ) expect([text, read(text)]).toEqual([text, noon]);
  expect(read("2024-02-29T12:34Z")).toBe(micros("2024-02-29T12:34:00Z"));
  expect(read("2024-02-29")).toBe(micros("2024-02-29T00:00:00Z"));
});

Deno.test("fractions are kept to the microsecond and cut beyond it", () => {
  const second = micros("2024-05-01T10:00:00Z");
  expect(read("2024-05-01T10:00:00.5Z")).toBe(second + 500_000);
  expect(read("2024-05-01 10:00:00,123")).toBe(second + 123_000);
  expect(read("2024-05-01T10:00:00.123456Z")).toBe(second + 123_456);
  expect(read("2024-05-01T10:00:00.123456999+00:00")).toBe(second + 123_456);
  expect(read("2024-05-01T10:00:00.000000001Z")).toBe(second);
});

Deno.test("epoch digits are seconds, milliseconds, microseconds or nanoseconds by their number", () => {
  expect(read("1714557600")).toBe(1714557600_000_000);
  expect(read("1714557600123")).toBe(1714557600_123_000);
  expect(read("1714557600123456")).toBe(1714557600_123_456);
  expect(read("1714557600123456789")).toBe(1714557600_123_456);
  expect(read("1714557600.123456789")).toBe(1714557600_123_456);
  expect(read("1714557600.5")).toBe(1714557600_500_000);
  expect(read("1714557600123.25")).toBe(1714557600_123_250);
  expect(read("0")).toBe(0);
  expect(read("86400")).toBe(86400_000_000);
  expect(read("1234.56789")).toBe(1234_567_890);
});

Deno.test("what is no date is refused", () => {
  for (
    const text of [
      "",
      "-",
      "yesterday",
      "2024-13-01T00:00:00Z",
      "2024-00-01T00:00:00Z",
      "2023-02-29T00:00:00Z",
      "2024-02-30",
      "2024-04-31T00:00:00Z",
      "2024-01-00T00:00:00Z",
      "2024-01-01T24:00:00Z",
      "2024-01-01T00:60:00Z",
      "2024-01-01T00:00:61Z",
      "2024-01-01T00:00:00.Z",
      "2024-01-01T00:00:00X",
      "2024-01-01T00:00:00+24:00",
      "2024-01-01T00:00:00+01:60",
      "2024-01-01T00:00:00+1:00",
      "2024-01-01T00:00:00Zjunk",
      "2024-01-01T00:00:",
      "2024-01-01X00:00:00Z",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59Z",
      "-1714557600",
      "99999999999999999999999",
      "17145576001234567",
      "1714557600.",
      "1714557600x",
      "10/Foo/2000:13:55:36 -0700",
      "31/Feb/2000:13:55:36 -0700",
      "Foo  5 13:55:36",
      "Oct 32 13:55:36",
      "Oct  5 25:55:36",
      "Feb 30 00:00:00",
    ]
  ) expect([text, read(text)]).toEqual([text, NaN]);
});

Deno.test("a leap second counts as the last microsecond of its minute", () => {
  expect(read("2016-12-31T23:59:60Z")).toBe(micros("2017-01-01T00:00:00Z") - 1);
  expect(read("2016-12-31T23:59:60.75Z")).toBe(micros("2017-01-01T00:00:00Z") - 1);
});

Deno.test("access log timestamps are read with and without brackets, and in the zone where they name none", () => {
  const instant = micros("2000-10-10T20:55:36Z");
  expect(read("10/Oct/2000:13:55:36 -0700")).toBe(instant);
  expect(read("[10/Oct/2000:13:55:36 -0700]")).toBe(instant);
  expect(read("10/Oct/2000:13:55:36", "America/Los_Angeles")).toBe(instant);
});

Deno.test("RFC 3164 timestamps take the year nearest to the record", () => {
  const at = (text: string, record: string) => read(text, "UTC", Date.parse(record));
  expect(at("Oct  5 13:55:36", "2026-06-15T00:00:00Z")).toBe(micros("2026-10-05T13:55:36Z"));
  expect(at("Oct  5 13:55:36", "2026-01-15T00:00:00Z")).toBe(micros("2025-10-05T13:55:36Z"));
  expect(at("Dec 31 23:59:59", "2027-01-01T00:00:05Z")).toBe(micros("2026-12-31T23:59:59Z"));
  expect(at("Jan  1 00:00:01", "2026-12-31T23:59:59Z")).toBe(micros("2027-01-01T00:00:01Z"));
  expect(at("Oct 05 13:55:36", "2026-10-05T00:00:00Z")).toBe(micros("2026-10-05T13:55:36Z"));
  expect(at("Oct 5 13:55:36.250", "2026-10-05T00:00:00Z")).toBe(micros("2026-10-05T13:55:36.250Z"));
  expect(at("Oct  5 2019 13:55:36", "2026-10-05T00:00:00Z")).toBe(micros("2019-10-05T13:55:36Z"));
});

Deno.test("29 February belongs to the nearest leap year", () => {
  const at = (record: string) => read("Feb 29 12:00:00", "UTC", Date.parse(record));
  expect(at("2024-03-01T00:00:00Z")).toBe(micros("2024-02-29T12:00:00Z"));
  expect(at("2025-06-01T00:00:00Z")).toBe(micros("2024-02-29T12:00:00Z"));
  expect(at("2027-01-01T00:00:00Z")).toBe(micros("2028-02-29T12:00:00Z"));
  expect(at("2099-01-01T00:00:00Z")).toBe(micros("2096-02-29T12:00:00Z"));
});

Deno.test("a local time is in the zone it was configured with, before and after a clock change", () => {
  expect(read("2024-01-15 12:00:00", "Europe/Berlin")).toBe(micros("2024-01-15T11:00:00Z"));
  expect(read("2024-07-15 12:00:00", "Europe/Berlin")).toBe(micros("2024-07-15T10:00:00Z"));
  // 02:30 does not exist on 31 March, and happens twice on 27 October.
  expect(read("2024-03-31 02:30:00", "Europe/Berlin")).toBe(micros("2024-03-31T01:30:00Z"));
  expect(read("2024-10-27 02:30:00", "Europe/Berlin")).toBe(micros("2024-10-27T00:30:00Z"));
  expect(read("2024-07-15", "Asia/Kolkata")).toBe(micros("2024-07-14T18:30:00Z"));
});

Deno.test("what was read before does not change what is read next", () => {
  const reader = new TimestampReader("Europe/Berlin");
  const next = (text: string, recordTimeMs = RECORD_MS) => {
    const bytes = encoder.encode(text);
    return reader.read(bytes, 0, bytes.length, recordTimeMs);
  };
  const samples: [string, number][] = [
    ["2024-05-01T10:00:05Z", micros("2024-05-01T10:00:05Z")],
    ["2024-05-01T10:00:06", micros("2024-05-01T08:00:06Z")],
    ["2024-05-01T10:00:07+05:00", micros("2024-05-01T05:00:07Z")],
    ["2024-05-01T10:00", micros("2024-05-01T08:00:00Z")],
    ["2024-05-01T10:00x", NaN],
    ["2024-05-01", micros("2024-04-30T22:00:00Z")],
    ["1714557600", 1714557600_000_000],
    ["2024-05-01T10:01:06", micros("2024-05-01T08:01:06Z")],
    ["2024-05-32T10:01:06", NaN],
    ["2024-05-01T10:01:06", micros("2024-05-01T08:01:06Z")],
    ["01/May/2024:10:01:07 +0000", micros("2024-05-01T10:01:07Z")],
    ["Oct  5 13:55:36", micros("2026-10-05T11:55:36Z")],
    ["Oct  5 13:55:37", micros("2026-10-05T11:55:37Z")],
  ];
  for (const [text, expected] of samples) expect([text, next(text)]).toEqual([text, expected]);
  expect(next("Oct  5 13:55:37", Date.UTC(2030, 9, 6))).toBe(micros("2030-10-05T11:55:37Z"));
  expect(next("Oct  5 13:55:37", Date.UTC(2029, 0, 6))).toBe(micros("2028-10-05T11:55:37Z"));
});
