/**
 * Records whose schema is in a registry: Confluent's frame, then Avro, Protobuf or JSON. One parser for application logs and one for
 * payments, which have other names.
 */
import { FRAME_BYTES, schemaIdOf } from "../../core/schemas/framing.ts";
import type { RegisteredSchema } from "../../core/schemas/registry.ts";
import { EventFields, MEASURES, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { AvroFault, type AvroPlan, compileAvro } from "./avro.ts";
import { compileProtobuf, type ProtobufPlans } from "./protobuf.ts";
import { ProtobufFault } from "./protobuf_cursor.ts";
import { compileJson } from "./json.ts";
import { compileNames, type FieldNames, USUAL_NAMES } from "./json_names.ts";
import { type DerivedLevel, Projection } from "./json_projection.ts";
import type { CompiledParser, Parser, ParserOptions, Reason } from "./parser.ts";
import { levelOfStatus, PAYMENT_NAMES } from "./payments.ts";
import { NO_SCHEMAS } from "./schemas.ts";
import { TimestampReader } from "./timestamp.ts";

/** How the values of one schema are read; a reason where they cannot be. */
type Way = { readonly plan: AvroPlan | ProtobufPlans; readonly fault: Reason } | "json" | Reason;

function compileRegistered(
  names: FieldNames,
  { schemas = NO_SCHEMAS, ...options }: ParserOptions,
  derivedLevel: DerivedLevel | null,
): CompiledParser {
  const json = compileJson(names, options, derivedLevel);
  const tree = compileNames(names, options.mapping);
  const projection = new Projection(new TimestampReader(options.timeZone), derivedLevel);
  // Of its own: those of the JSON kernel mean places in its window.
  const arrays = {
    starts: new Int32Array(TEXT_FIELDS.length),
    ends: new Int32Array(TEXT_FIELDS.length),
    measures: new Float64Array(MEASURES.length),
  };
  const ways = new Map<number, Way>();
  const wayOf = (id: number): Way => {
    const known = ways.get(id);
    if (known !== undefined) return known;
    const schema = schemas.find(id);
    if (schema === null) return "unknown_schema"; // it may be registered yet
    const way = compileWay(schema);
    ways.set(id, way);
    return way;
  };
  const compileWay = (schema: RegisteredSchema): Way => {
    if (schema.type === "JSON") return "json";
    const { type, text, references } = schema;
    try {
      return type === "AVRO"
        ? { plan: compileAvro(text, references, tree), fault: "invalid_avro" }
        : { plan: compileProtobuf(text, references, tree), fault: "invalid_protobuf" };
    } catch {
      return "unsupported_schema";
    }
  };
  const parseBinary = (
    { plan, fault }: Extract<Way, object>,
    bytes: Uint8Array,
    start: number,
    end: number,
    timeMs: number,
    out: EventFields,
  ) => {
    out.share(arrays);
    projection.begin(bytes, timeMs, out);
    try {
      plan.read(bytes, start, end, projection);
    } catch (error) {
      if (!(error instanceof AvroFault || error instanceof ProtobufFault)) throw error;
      out.clear(bytes);
      return fault;
    }
    projection.finish();
    return null;
  };
  return {
    kernel: json.kernel,
    parse(bytes, start, end, recordTimeMs, out) {
      const id = schemaIdOf(bytes, start, end);
      if (id < 0) {
        out.clear(bytes);
        return start === end ? "empty" : "no_schema_id";
      }
      const way = wayOf(id);
      const payload = start + FRAME_BYTES;
      if (way === "json") return json.parse(bytes, payload, end, recordTimeMs, out);
      if (typeof way === "object") return parseBinary(way, bytes, payload, end, recordTimeMs, out);
      out.clear(bytes);
      return way;
    },
  };
}

const decoder = new TextDecoder("latin1");

/** Share of a sample that has a frame, and whose bytes `isOne` holds for as text. */
function shareOfFramed(sample: readonly Uint8Array[], isOne: (text: string) => boolean): number {
  const framed = sample.filter((record) =>
    record.length > FRAME_BYTES && schemaIdOf(record, 0, record.length) > 0 && isOne(decoder.decode(record))
  );
  return sample.length === 0 ? 0 : framed.length / sample.length;
}

const KINDS = /payment|refund|chargeback|payout/i;
/** Of the currencies that most payments are in; three capital letters alone may be anything. */
const CURRENCIES = /EUR|USD|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CAD|AUD|BRL/;

/** Application logs in Avro, Protobuf or JSON with registered schemas. */
export const registered: Parser = {
  name: "registry",
  description: "application logs in Avro, Protobuf or JSON whose schemas are in a schema registry",
  preset: "apps",
  detect: (sample) => shareOfFramed(sample, () => true),
  compile: (options) => compileRegistered(USUAL_NAMES, options, null),
};

/** Payments in Avro, Protobuf or JSON with registered schemas. */
export const registeredPayments: Parser = {
  name: "registry-payments",
  description: "payment events in Avro, Protobuf or JSON whose schemas are in a schema registry",
  preset: "payments",
  detect: (sample) => shareOfFramed(sample, (text) => KINDS.test(text) && CURRENCIES.test(text)),
  compile: (options) => compileRegistered(PAYMENT_NAMES, options, levelOfStatus),
};
