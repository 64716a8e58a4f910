import { expect } from "expect";
import fc from "fast-check";
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { accessParser } from "../../engine/parsing/access.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

const word = fc.stringMatching(/^[A-Za-z0-9._~%:@-]{2,20}$/);
const path = fc.stringMatching(/^\/[A-Za-z0-9._~%:@&=?/+ -]{0,38}[A-Za-z0-9]$/).filter((text) =>
  !text.includes("HTTP/")
);
const quoted = fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.replace(/[\p{Cc}"\\]/gu, "") + "x");
const line = fc.record({
  host: word,
  user: fc.option(word),
  time: fc.date({ min: new Date("1995-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
  offsetMinutes: fc.integer({ min: -12 * 60, max: 14 * 60 }),
  method: fc.constantFrom("GET", "POST", "HEAD", "PROPFIND", "get"),
  target: path,
  protocol: fc.option(fc.constantFrom("HTTP/1.0", "HTTP/1.1", "HTTP/2.0")),
  status: fc.integer({ min: 100, max: 599 }),
  size: fc.option(fc.nat()),
  tail: fc.option(fc.record({ referrer: fc.option(quoted), userAgent: fc.option(quoted) })),
});
type Line = typeof line extends fc.Arbitrary<infer T> ? T : never;

function clf(time: Date, offsetMinutes: number): string {
  const local = new Date(time.getTime() + offsetMinutes * 60_000);
  const away = Math.abs(offsetMinutes);
  return `${two(local.getUTCDate())}/${MONTHS[local.getUTCMonth()]}/${local.getUTCFullYear()}:` +
    `${local.toISOString().slice(11, 19)} ${offsetMinutes < 0 ? "-" : "+"}${two(Math.floor(away / 60))}${
      two(away % 60)
    }`;
}

function render(of: Line): string {
  const request = [of.method, of.target, ...(of.protocol === null ? [] : [of.protocol])].join(" ");
  const tail = of.tail === null ? "" : ` "${of.tail.referrer ?? "-"}" "${of.tail.userAgent ?? "-"}"`;
  return `${of.host} - ${of.user ?? "-"} [${clf(of.time, of.offsetMinutes)}] "${request}" ${of.status} ${
    of.size ?? "-"
  }${tail}`;
}

function text(fields: EventFields, name: TextField): string | null {
  const start = fields.starts[SLOT[name]];
  return start < 0 ? null : decoder.decode(fields.bytes.subarray(start, fields.ends[SLOT[name]]));
}

Deno.test("every field of a written line is read back", () => {
  const parser = accessParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  fc.assert(
    fc.property(line, (of) => {
      const bytes = new TextEncoder().encode(render(of));
      expect(parser.parse(bytes, 0, bytes.length, 0, fields)).toBe(null);
      expect(text(fields, "host")).toBe(of.host);
      expect(text(fields, "user")).toBe(of.user);
      expect(text(fields, "method")).toBe(of.method);
      expect(text(fields, "endpoint")).toBe(of.target);
      expect(text(fields, "protocol")).toBe(of.protocol);
      expect(text(fields, "status")).toBe(String(of.status));
      expect(text(fields, "referrer")).toBe(of.tail?.referrer ?? null);
      expect(text(fields, "user_agent")).toBe(of.tail?.userAgent ?? null);
      expect(text(fields, "level")).toBe(of.status >= 500 ? "ERROR" : of.status >= 400 ? "WARN" : "INFO");
      expect(fields.timestampMicros).toBe(Math.floor(of.time.getTime() / 1000) * 1_000_000);
      expect(fields.measures[1]).toBe(of.size ?? NaN);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("noise never throws, gives spans that are text inside the event's buffer, and parses the same again", () => {
  const parser = accessParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  const mutation = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(line, mutation, fc.nat(20), (of, changes, cut) => {
      const bytes = new TextEncoder().encode(render(of));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      const snapshot = (compiled: typeof parser) => {
        const reason = compiled.parse(bytes, 0, bytes.length - cut, 0, fields);
        if (reason !== null) return reason;
        const names = Object.keys(SLOT) as TextField[];
        return JSON.stringify([...names.map((name) => text(fields, name)), ...fields.measures, fields.timestampMicros]);
      };
      const first = snapshot(parser);
      expect(snapshot(accessParser.compile({ timeZone: "UTC", mapping: {} }))).toBe(first);
    }),
    { numRuns: 1500 },
  );
});
