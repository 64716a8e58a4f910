import { expect } from "expect";
import fc from "fast-check";
import { TimestampReader } from "../../engine/parsing/timestamp.ts";

const encoder = new TextEncoder();
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

/** Readers live through a whole run, so that what they remember is tested too. */
function readerOf(timeZone: string): (text: string, recordTimeMs?: number) => number {
  const reader = new TimestampReader(timeZone);
  return (text, recordTimeMs = 0) => {
    const bytes = encoder.encode(`0${text}0`);
    return reader.read(bytes, 1, bytes.length - 1, recordTimeMs);
  };
}
const microsOf = (instant: Temporal.Instant): number => Number(instant.epochNanoseconds / 1000n);

const instant = fc.bigInt({ min: -8_990_000_000_000_000_000n, max: 8_990_000_000_000_000_000n })
  .map((nanoseconds) => nanoseconds - (nanoseconds % 1000n))
  .map((nanoseconds) => Temporal.Instant.fromEpochNanoseconds(nanoseconds));
const recent = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000n })
  .map((micros) => Temporal.Instant.fromEpochNanoseconds(micros * 1000n));
/** Neighbours in time, as in logs. */
const run = fc.tuple(recent, fc.array(fc.integer({ min: 0, max: 200_000_000 }), { minLength: 1, maxLength: 12 }))
  .map(([first, stepsMicros]) => stepsMicros.map((micros) => first.add({ microseconds: micros })));
const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
const zone = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Africa/Casablanca",
);

function offsetText(minutes: number, separator: string): string {
  const away = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(away / 60))}${separator}${two(away % 60)}`;
}

Deno.test("instants of any year that is taken are read as they were written, whatever the digits", () => {
  const read = readerOf("UTC");
  fc.assert(
    fc.property(instant, fc.integer({ min: 6, max: 9 }), (at, digits) => {
      expect(read(at.toString({ fractionalSecondDigits: digits as 9 }))).toBe(microsOf(at));
      expect(read(at.toString())).toBe(microsOf(at));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("runs of ISO and access log timestamps with offsets are read as they were written", () => {
  const read = readerOf("Asia/Tokyo");
  fc.assert(
    fc.property(run, offset, fc.constantFrom("T", " "), fc.constantFrom(":", ""), (instants, minutes, t, colon) => {
      for (const at of instants) {
        const local = at.add({ minutes }).toString({ fractionalSecondDigits: 6 });
        const iso = local.replace("T", t).replace("Z", offsetText(minutes, colon));
        expect(read(iso)).toBe(microsOf(at));
        const [year, month, day] = local.slice(0, 10).split("-");
        const clf = `[${day}/${MONTHS[Number(month) - 1]}/${year}:${local.slice(11, 19)} ${offsetText(minutes, "")}]`;
        expect(read(clf)).toBe(Math.floor(microsOf(at) / 1e6) * 1e6);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("local times are the instants that Temporal says, around every change of the clock", () => {
  const readers = new Map<string, ReturnType<typeof readerOf>>();
  const nearChange = fc.tuple(zone, recent, fc.integer({ min: -10_000, max: 10_000 })).map(
    ([timeZone, at, seconds]) => {
      const zoned = at.toZonedDateTimeISO(timeZone);
      const change = zoned.getTimeZoneTransition("next") ?? zoned;
      const wall = change.toPlainDateTime().add({ seconds });
      return { timeZone, wall };
    },
  );
  fc.assert(
    fc.property(nearChange, ({ timeZone, wall }) => {
      const read = readers.get(timeZone) ?? readerOf(timeZone);
      readers.set(timeZone, read);
      const expected = wall.toZonedDateTime(timeZone, { disambiguation: "compatible" }).toInstant();
      expect(read(wall.toString())).toBe(microsOf(expected));
      expect(read(wall.toPlainDate().toString())).toBe(
        microsOf(wall.toPlainDate().toZonedDateTime({ timeZone }).toInstant()),
      );
    }),
    { numRuns: 1500 },
  );
});

Deno.test("epoch digits in each unit are read as they were written", () => {
  const read = readerOf("Europe/Berlin");
  const micros = fc.integer({ min: 100_000_000_000_000, max: 8_990_000_000_000_000 });
  fc.assert(
    fc.property(micros, fc.nat(999), (at, nanos) => {
      expect(read(String(Math.floor(at / 1e6)))).toBe(Math.floor(at / 1e6) * 1e6);
      expect(read(`${Math.floor(at / 1e6)}.${String(at % 1e6).padStart(6, "0")}`)).toBe(at);
      // Milliseconds have 12 digits from September 2001 on.
      if (at >= 1e14) expect(read(String(Math.floor(at / 1e3)))).toBe(Math.floor(at / 1e3) * 1e3);
      expect(read(String(at))).toBe(at);
      expect(read(`${at}${String(nanos).padStart(3, "0")}`)).toBe(at);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("an RFC 3164 timestamp is the one of all years that is nearest to the record", () => {
  const read = readerOf("UTC");
  const days = fc.integer({ min: 0, max: 365 });
  fc.assert(
    fc.property(recent, days, fc.integer({ min: 0, max: 86_399 }), (record, day, second) => {
      // 2000 is a leap year, so all days of a year occur.
      const shown = Temporal.PlainDateTime.from("2000-01-01T00:00:00").add({ days: day, seconds: second });
      const text = `${MONTHS[shown.month - 1]} ${String(shown.day).padStart(2)} ${
        shown.toString({ smallestUnit: "second" }).slice(11)
      }`;
      const recordMs = record.epochMilliseconds;
      let nearest = Infinity;
      for (let year = 1950; year <= 2120; year++) {
        const at = Date.UTC(year, shown.month - 1, shown.day, 0, 0, second);
        if (new Date(at).getUTCMonth() !== shown.month - 1) continue;
        if (Math.abs(at - recordMs) < Math.abs(nearest - recordMs)) nearest = at;
      }
      expect(read(text, recordMs)).toBe(nearest * 1000);
    }),
    { numRuns: 800 },
  );
});

Deno.test("a fresh reader and one that has read anything before agree on any text", () => {
  const used = readerOf("America/New_York");
  const piece = fc.constantFrom(
    "2024-05-01T10:00",
    "2024-05-01 10:00",
    ":05",
    ".123",
    "Z",
    "+02:00",
    " ",
    "Oct  5 13:55",
    "Oct 5 13:55",
    "-",
    "10/Oct/2000:13:55",
    "[",
    "]",
    "1714557600",
    "0",
    "9",
    "/",
    "2024-02-30",
    ",5",
    "UTC",
    "Feb 29 00:00",
    "é",
  );
  const recordTime = fc.integer({ min: 0, max: 4_000_000_000_000 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), recordTime, (pieces, recordTimeMs) => {
      const text = pieces.join("");
      expect(used(text, recordTimeMs)).toBe(readerOf("America/New_York")(text, recordTimeMs));
    }),
    { numRuns: 2000 },
  );
});
