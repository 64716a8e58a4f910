/**
 * Record batches of access logs through the engine's fastest way (engine/kernel/assembly/access.ts), against a recount of
 * what was written into their lines: usual lines, and among them whatever makes the kernel give way. What is usual has to
 * be taken by the kernel, or it would be right for nothing.
 */
import { expect } from "expect";
import fc from "fast-check";
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { PRESETS } from "../../core/minutes/preset.ts";
import { accessParser } from "../../engine/parsing/access.ts";
import type { CompiledParser } from "../../engine/parsing/parser.ts";
import { expectRecount, FUTURE_MS, type Input, MINUTE_MS as MINUTE, type Reading } from "./lane_batches.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const NOW_MS = Date.UTC(2026, 2, 1, 0);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ABSENT = "-";

interface Line {
  readonly ms: number;
  readonly zone: number;
  readonly host: string;
  readonly ident: string;
  readonly user: string;
  readonly method: string;
  readonly target: string;
  readonly protocol: string;
  readonly status: string;
  readonly size: string;
  readonly extras: string;
}

const usual: fc.Arbitrary<Line> = fc.record({
  ms: fc.oneof(fc.integer({ min: -150, max: 19 }), fc.constantFrom(-120, -60, 0, 1)).map((s) => NOW_MS + s * 1000),
  zone: fc.constantFrom(0, 0, 0, 330, -420),
  host: fc.constantFrom("10.0.0.7", "::1", "a-host-with-a-long-name-indeed.example.com", "web:8080", ABSENT),
  ident: fc.constantFrom(ABSENT, ABSENT, "daemon"),
  user: fc.constantFrom(ABSENT, ABSENT, "frank"),
  method: fc.constantFrom("GET", "GET", "POST", "get", "M".repeat(32)),
  target: fc.constantFrom(
    "/",
    "/orders/17",
    "/a b",
    "/a?q=1&r=HTTP/1.1",
    "/a/path/that/is/longer/than/two/vectors/of/bytes",
  ),
  protocol: fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/2.0"),
  status: fc.constantFrom("200", "301", "404", "500", "503"),
  size: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 999_999_999_999_999 })).map(String).chain((size) =>
    fc.constantFrom(size, size, ABSENT)
  ),
  extras: fc.constantFrom("", ' "-" "-"', ' "" ""', ' "https://a.example/" "Mozilla/5.0 (X11) Firefox/128.0"'),
});

const two = (value: number) => String(value).padStart(2, "0");

function render({ ms, zone, host, ident, user, method, target, protocol, status, size, extras }: Line): string {
  const local = new Date(ms + zone * MINUTE);
  const away = `${zone < 0 ? "-" : "+"}${two(Math.floor(Math.abs(zone) / 60))}${two(Math.abs(zone) % 60)}`;
  const date = `${two(local.getUTCDate())}/${MONTHS[local.getUTCMonth()]}/${local.getUTCFullYear()}`;
  return `${host} ${ident} ${user} [${date}:${local.toISOString().slice(11, 19)} ${away}] ` +
    `"${method} ${target} ${protocol}" ${status} ${size}${extras}`;
}

/** Endpoints are counted in their normal form, without their query. */
const normal = (target: string) => target.replace(/\?.*/, "").replace("/17", "/:id");

function readingOf({ ms, host, method, target, status, size }: Line): Reading {
  return {
    ms,
    isError: status.startsWith("5"),
    text: {
      level: status.startsWith("5") ? "ERROR" : status.startsWith("4") ? "WARN" : "INFO",
      ...(host === ABSENT ? {} : { host }),
      endpoint: normal(target),
      status,
      method,
    },
    measures: size === ABSENT ? {} : { content_size: Number(size) },
  };
}

/** Whatever else a line is, so it is usual. */
const PLAIN = {
  ...{ host: "h", ident: ABSENT, user: ABSENT, method: "GET", target: "/", protocol: "HTTP/1.1" },
  ...{ status: "200", size: "1", extras: "" },
};

/** A line, and what it says; null: it cannot be parsed. */
interface Written {
  readonly text: string;
  readonly reading: Reading | null;
}

const asWritten = (line: Line): Written => ({ text: render(line), reading: readingOf(line) });
const changed = (change: (line: Line) => Partial<Line>) => usual.map((line) => asWritten({ ...line, ...change(line) }));

/** Lines that say the same in a way that the kernel leaves to the parser. */
const odd: fc.Arbitrary<Written> = fc.oneof(
  changed(() => ({ host: "::1", user: "a user" })), // with `host:port` in front that were a virtual host
  changed(() => ({ extras: ' "-" "said \\"no\\""' })),
  changed(() => ({ extras: ' "-" "navigateur déjà vu"' })),
  changed(() => ({ extras: ' "-" "the "best" browser"' })),
  changed(() => ({ extras: "  " })),
  changed(() => ({ extras: "\r\n" })),
  changed(() => ({ host: "hôte" })),
  changed(({ ms }) => ({ ms: ms + 2 * FUTURE_MS })),
  usual.map((line) => ({ text: `  ${render(line)}`, reading: readingOf(line) })),
  usual.map((line) => {
    const { measures, ...reading } = readingOf(line);
    const text = `${render({ ...line, extras: ' "-" "-" 0.25' })}`;
    return { text, reading: { ...reading, measures: { ...measures, response_time: 250_000 } } };
  }),
  usual.map((line) => {
    const { text: { endpoint: _none, method: _neither, ...text }, ...reading } = readingOf(line);
    return { text: render(line).replace(/"[^"]*"/, '"-"'), reading: { ...reading, text } };
  }),
  usual.map((line) => ({
    text: render(line).replace(/\[(.*) .*\]/, "[$1]"),
    reading: { ...readingOf(line), ms: line.ms + line.zone * MINUTE }, // the topic's zone is UTC
  })),
);
const broken = fc.oneof(
  fc.constantFrom("", "   ", "GET / HTTP/1.1", "x".repeat(300_000)),
  usual.map((line) => render(line).replace("[", "{")),
  usual.map((line) => render(line).replace(/" \d{3} /, '" OK ')),
).map((text): Written => ({ text, reading: null }));

const written = fc.oneof(
  { weight: 30, arbitrary: usual.map(asWritten) },
  { weight: 6, arbitrary: odd },
  { weight: 1, arbitrary: broken },
);

Deno.test("batches of lines are counted as what was written into them, whatever lies among the usual ones", () => {
  const parser = accessParser.compile({ timeZone: "UTC", mapping: {} });
  const readings = new WeakMap<Input, Reading | null>();
  const inputs = fc.tuple(written, fc.integer({ min: -50, max: 40_000 })).map(([{ text, reading }, ms]): Input => {
    const input = { value: encoder.encode(text), timeMs: NOW_MS + ms, key: null };
    readings.set(input, reading);
    return input;
  });
  fc.assert(
    fc.property(
      fc.array(inputs, { minLength: 1, maxLength: 250, size: "max" }),
      fc.constantFrom(100, 5000, 1_000_000),
      fc.nat(40),
      fc.nat(60),
      (records, batchBytes, checkpoint, upto) => {
        const read = (input: Input) => readings.get(input) ?? null;
        expectRecount(records, read, { parser, preset: "access" }, { batchBytes, checkpoint, upto });
      },
    ),
    { numRuns: 120, endOnFailure: true }, // shrinking so many records takes minutes
  );
});

function fieldsOf(fields: EventFields): unknown {
  const names = Object.keys(SLOT) as TextField[];
  const texts = names.map((name) => {
    const start = fields.starts[SLOT[name]];
    return start < 0 ? null : decoder.decode(fields.bytes.subarray(start, fields.ends[SLOT[name]]));
  });
  return [...texts, ...fields.measures, fields.timestampMicros];
}

/** `known` has met the minute of the line; a new parser has met none, and reads it without the kernel. */
function expectSame(known: CompiledParser, line: Uint8Array): void {
  const fields = new EventFields();
  const read = (parser: CompiledParser) => parser.parse(line, 0, line.length, 0, fields) ?? fieldsOf(fields);
  const expected = read(accessParser.compile({ timeZone: "UTC", mapping: {} }));
  expect(read(known)).toEqual(expected);
}

Deno.test("usual lines are taken by the kernel once their minute is known, and give what the parser gives without it", () => {
  fc.assert(
    fc.property(usual, (line) => {
      const bytes = encoder.encode(render(line));
      const parser = accessParser.compile({ timeZone: "UTC", mapping: {} });
      const fields = new EventFields();
      expect(parser.kernel?.scan(bytes, 0, bytes.length)).toBe(-1);
      expect(parser.parse(bytes, 0, bytes.length, 0, fields)).toBe(null);
      const first = fieldsOf(fields);
      expect(parser.kernel?.scan(bytes, 0, bytes.length)).toBe(0);
      expect(parser.parse(bytes, 0, bytes.length, 0, fields)).toBe(null);
      expect(fieldsOf(fields)).toEqual(first);
    }),
    { numRuns: 300 },
  );
});

/** Fields that other rules of the grammar may be about. */
const edge = fc.record({
  host: fc.constantFrom("h", "[1", '"x"', '""', "web:80"),
  ident: fc.constantFrom(ABSENT, "[1", '""', 'a"b', ""),
  user: fc.constantFrom(ABSENT, "[1/Mar", '""', "", " "),
  method: fc.constantFrom("GET", "G-T", "", "M".repeat(33), "GET "),
  target: fc.constantFrom("/", "", " /", "/ ", '/"', '/" 200 5 "', "/\\x"),
  protocol: fc.constantFrom("HTTP/1.1", "HTTP/1", "http/1.1", "HTTP/11.", "XTTP/1.1"),
  status: fc.constantFrom("200", "600", "-", "20", "2000"),
  size: fc.constantFrom("1", "9007199254740991", "9007199254740993", "99999999999999999999", "", "1x"),
  extras: fc.constantFrom("", ' "-"', ' "-" "a" "b"', ' "-" "a" 7', " -", ' "a" b" "c"', ' "-" "a'),
});
const edgy = fc.tuple(
  usual,
  edge,
  fc.array(fc.constantFrom("host", "ident", "user", "method", "target", "protocol", "status", "size", "extras"), {
    minLength: 1,
    maxLength: 2,
  }),
)
  .map(([line, other, names]) => ({
    ...line,
    ...Object.fromEntries(Object.entries(other).filter(([name]) => names.some((one) => one === name))),
  }));

Deno.test("lines at the edges of the grammar give the same with the kernel and without", () => {
  const known = accessParser.compile({ timeZone: "UTC", mapping: {} });
  fc.assert(
    fc.property(edgy, fc.constantFrom(0, 0, 1, 8, 10), (line, minutes) => {
      const learnt = encoder.encode(render({ ...line, ...PLAIN, ms: line.ms + minutes * MINUTE }));
      known.parse(learnt, 0, learnt.length, 0, new EventFields());
      expectSame(known, encoder.encode(render(line)));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("whatever bytes a line has, it gives the same with the kernel and without", () => {
  const known = accessParser.compile({ timeZone: "UTC", mapping: {} });
  const mutations = fc.array(
    fc.tuple(fc.nat(200), fc.oneof(fc.nat(255), fc.constantFrom(...encoder.encode(' "[]-\\:/59')))),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(usual, mutations, fc.nat(8), (line, changes, cut) => {
      const whole = encoder.encode(render(line));
      known.parse(whole.slice(), 0, whole.length, 0, new EventFields()); // its minute
      for (const [at, byte] of changes) whole[at % whole.length] = byte;
      expectSame(known, whole.subarray(0, whole.length - cut));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("the fields of the kernel's lines are dimensions of the access preset", () => {
  expect(PRESETS.access.dimensions.map(({ name }) => name).sort()).toEqual(
    Object.keys(readingOf({ ...fc.sample(usual, 1)[0], host: "h" }).text).sort(),
  );
});
