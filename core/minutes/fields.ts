/**
 * The fields of an event: what every parser may fill, every store keeps and every query may name.
 * A parser's output is positions in bytes, never an object per record, so a field is a small integer.
 */

/** Text fields, in the order of their slots in {@link EventFields.starts}. */
export const TEXT_FIELDS = [
  "service",
  "level",
  "method",
  /** The request target or route, as logged (query string included). */
  "endpoint",
  "status",
  /** The client host of an access log, or the machine of a syslog or application record. */
  "host",
  "event_type",
  "currency",
  "message",
  "protocol",
  "ident",
  "user",
  "referrer",
  "user_agent",
  "trace_id",
] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

/** The slot of each text field. */
export const SLOT: Readonly<Record<TextField, number>> = Object.fromEntries(
  TEXT_FIELDS.map((name, slot) => [name, slot]),
) as Record<TextField, number>;

/** A number that minute cells summarise. Values are integers of 10^-decimals units, so that sums are exact. */
export interface MeasureDefinition {
  readonly name: string;
  readonly unit: string;
  /** Digits kept after the point; further ones are rounded half away from zero. */
  readonly decimals: number;
}

/** Every measure, in the order of its slot in {@link EventFields.measures}. */
export const MEASURES = [
  { name: "response_time", unit: "ms", decimals: 3 },
  { name: "content_size", unit: "bytes", decimals: 0 },
  { name: "amount", unit: "currency units", decimals: 4 },
] as const satisfies readonly MeasureDefinition[];
export type Measure = (typeof MEASURES)[number]["name"];

/** The slot of each measure. */
export const MEASURE_SLOT: Readonly<Record<Measure, number>> = { response_time: 0, content_size: 1, amount: 2 };

/** Integer units per whole unit of each measure slot: 10^decimals. */
export const MEASURE_SCALE: readonly number[] = MEASURES.map((measure) => 10 ** measure.decimals);

/** Text fields that may be a dimension of minute cells, in the order of the stores' columns. */
export const DIMENSIONS = [
  "service",
  "level",
  "method",
  "endpoint",
  "status",
  "host",
  "event_type",
  "currency",
] as const satisfies readonly TextField[];
export type Dimension = (typeof DIMENSIONS)[number];

/** The level of a record that could not be parsed: counted like any other, kept in quarantine. */
export const UNPARSED = "UNPARSED";
/** Takes the values of a dimension beyond its cap. */
export const OTHER = "__other__";

/**
 * What a parser found in one record. One instance a worker, overwritten for each record: read it before the next parse.
 * Text is a span of `bytes`, which is the record's own buffer, or a scratch buffer where a value had to be decoded
 * (JSON escapes); a field that is absent has start -1.
 */
export class EventFields {
  /** The buffer that all spans of this record point into. */
  bytes: Uint8Array = new Uint8Array(0);
  starts: Int32Array = new Int32Array(TEXT_FIELDS.length).fill(-1);
  ends: Int32Array = new Int32Array(TEXT_FIELDS.length);
  /** Integers of 10^-decimals units (see {@link MEASURES}); NaN where the record has none. */
  measures: Float64Array = new Float64Array(MEASURES.length).fill(NaN);
  /** Event time in microseconds since 1970 UTC; NaN where the record has none, and the record's own time stands in. */
  timestampMicros = NaN;

  /** Takes a parser's arrays for its own, so that nothing has to be copied for each record. */
  share({ starts, ends, measures }: Pick<EventFields, "starts" | "ends" | "measures">): void {
    this.starts = starts;
    this.ends = ends;
    this.measures = measures;
  }

  /** Forgets the record before. */
  clear(bytes: Uint8Array): void {
    this.bytes = bytes;
    // Loops: calls of fill() for so few elements took a tenth of the time of a record (bench/scan).
    const { starts, measures } = this;
    for (let slot = 0; slot < starts.length; slot++) starts[slot] = -1;
    for (let slot = 0; slot < measures.length; slot++) measures[slot] = NaN;
    this.timestampMicros = NaN;
  }
}
