import { expect } from "expect";
import fc from "fast-check";
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { syslogParser } from "../../engine/parsing/syslog.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LEVELS = ["FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function text(fields: EventFields, name: TextField): string | null {
  const start = fields.starts[SLOT[name]];
  return start < 0 ? null : decoder.decode(fields.bytes.subarray(start, fields.ends[SLOT[name]]));
}

const name = fc.stringMatching(/^[A-Za-z0-9._\/]{2,20}$/);
const time = fc.date({ min: new Date("1990-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
/** Text without control characters and with no blanks at its ends, as after a header. */
const message = fc.string({ unit: "grapheme", maxLength: 60 }).map((of) => of.replace(/[\p{Cc}\ufeff]/gu, "").trim());
const structured = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).map((of) =>
  of.replace(/\p{Cc}/gu, "") + "x"
);

Deno.test("every field of a written RFC 5424 record is read back", () => {
  const parser = syslogParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  const record = fc.record({
    priority: fc.integer({ min: 0, max: 191 }),
    time: fc.option(time),
    host: fc.option(name),
    app: fc.option(name),
    user: fc.option(structured),
    message,
  });
  fc.assert(
    fc.property(record, (of) => {
      const data = of.user === null
        ? "-"
        : `[other@1 a="]"][meta@1 user="${of.user.replace(/["\\\]]/g, "\\$&")}" z=""]`;
      const line = `<${of.priority}>1 ${of.time?.toISOString() ?? "-"} ${of.host ?? "-"} ${of.app ?? "-"} 7 - ${data}` +
        (of.message === "" ? "" : ` ${of.message}`);
      const bytes = new TextEncoder().encode(line);
      expect(parser.parse(bytes, 0, bytes.length, 0, fields)).toBe(null);
      expect(fields.timestampMicros).toBe(of.time === null ? NaN : of.time.getTime() * 1000);
      expect(text(fields, "level")).toBe(LEVELS[of.priority % 8]);
      expect(text(fields, "host")).toBe(of.host);
      expect(text(fields, "service")).toBe(of.app);
      expect(text(fields, "user")).toBe(of.user);
      expect(text(fields, "message")).toBe(of.message || null);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("every field of a written RFC 3164 record is read back, its year from the record's time", () => {
  const parser = syslogParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  const record = fc.record({
    priority: fc.option(fc.integer({ min: 0, max: 191 })),
    time,
    lateMs: fc.integer({ min: -150 * 86_400_000, max: 150 * 86_400_000 }),
    host: name,
    app: fc.stringMatching(/^[A-Za-z0-9._\/()-]{2,20}$/),
    process: fc.option(fc.nat()),
    message,
  });
  fc.assert(
    fc.property(record, (of) => {
      const header = `${MONTHS[of.time.getUTCMonth()]} ${String(of.time.getUTCDate()).padStart(2)} ` +
        of.time.toISOString().slice(11, 19);
      const line = `${of.priority === null ? "" : `<${of.priority}>`}${header} ${of.host} ${of.app}` +
        `${of.process === null ? "" : `[${of.process}]`}: ${of.message}`;
      const bytes = new TextEncoder().encode(line);
      expect(parser.parse(bytes, 0, bytes.length, of.time.getTime() + of.lateMs, fields)).toBe(null);
      expect(fields.timestampMicros).toBe(Math.floor(of.time.getTime() / 1000) * 1_000_000);
      expect(text(fields, "level")).toBe(of.priority === null ? null : LEVELS[of.priority % 8]);
      expect(text(fields, "host")).toBe(of.host);
      expect(text(fields, "service")).toBe(of.app);
      expect(text(fields, "message")).toBe(of.message || null);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("noise never throws, gives text, and parses the same after any other record", () => {
  const parser = syslogParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  const token = fc.constantFrom(
    "<34>",
    "<13>1 ",
    "Oct 11 22:14:15 ",
    "- ",
    '[a b="',
    "\\",
    "]",
    '"',
    "h ",
    "a[1]: ",
    "é",
    "=",
  );
  const noise = fc.array(
    fc.oneof(token.map((of) => [...new TextEncoder().encode(of)]), fc.nat(255).map((byte) => [byte])),
  );
  fc.assert(
    fc.property(noise, (pieces) => {
      const bytes = Uint8Array.from(pieces.flat());
      const snapshot = (compiled: typeof parser) => {
        const reason = compiled.parse(bytes, 0, bytes.length, 0, fields);
        if (reason !== null) return reason;
        const names = Object.keys(SLOT) as TextField[];
        return JSON.stringify([...names.map((of) => text(fields, of)), ...fields.measures, fields.timestampMicros]);
      };
      expect(snapshot(parser)).toBe(snapshot(syslogParser.compile({ timeZone: "UTC", mapping: {} })));
    }),
    { numRuns: 800 },
  );
});
