import { expect } from "expect";
import fc from "fast-check";
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { logfmtParser } from "../../engine/parsing/logfmt.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text(fields: EventFields, name: TextField): string | null {
  const start = fields.starts[SLOT[name]];
  return start < 0 ? null : decoder.decode(fields.bytes.subarray(start, fields.ends[SLOT[name]]));
}

const value = fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), fc.stringMatching(/^[\w./:-]{1,20}$/));
/** As Go's writers do: quoted where it has to be, with the escapes of JSON. */
const written = (of: string) => /^[\w./:-]+$/.test(of) && of !== "null" ? of : JSON.stringify(of.toWellFormed());
const NAMES = { service: "service", message: "msg", user: "user", trace_id: "trace_id", host: "host" } as const;
type Name = keyof typeof NAMES;
const pair = fc.tuple(fc.constantFrom(...Object.keys(NAMES) as Name[]), value);
const line = fc.uniqueArray(pair, { minLength: 1, maxLength: 5, selector: ([name]) => name });
const filler = fc.constantFrom("", "bare", "other=1", 'x="a service=no b"', "  ", "\t");

Deno.test("every value that was written is read back", () => {
  const parser = logfmtParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  fc.assert(
    fc.property(line, filler, (pairs, between) => {
      const bytes = new TextEncoder().encode(
        pairs.map(([name, of]) => `${NAMES[name]}=${written(of)}`).join(` ${between} `),
      );
      expect(parser.parse(bytes, 0, bytes.length, 0, fields)).toBe(null);
      const expected = new Map<string, string>(pairs.map(([name, of]) => [name, of.toWellFormed()]));
      for (const name of Object.keys(NAMES) as Name[]) expect(text(fields, name)).toBe(expected.get(name) || null);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("noise never throws, gives text, and parses the same after any other record", () => {
  const parser = logfmtParser.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  const token = fc.constantFrom(
    "msg",
    "level",
    "ts",
    "=",
    '"',
    "\\",
    " ",
    "info",
    "12ms",
    "\\u",
    "\\x1",
    "é",
    "null",
    '="',
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
        return JSON.stringify([...names.map((name) => text(fields, name)), ...fields.measures, fields.timestampMicros]);
      };
      expect(snapshot(parser)).toBe(snapshot(logfmtParser.compile({ timeZone: "UTC", mapping: {} })));
    }),
    { numRuns: 800 },
  );
});
