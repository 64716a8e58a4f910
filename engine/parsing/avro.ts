/**
 * Avro's binary encoding (https://avro.apache.org/docs/1.12.0/specification/#binary-encoding), read straight into the
 * fields of an event: a plan is compiled for each schema that takes the wanted fields and steps over the others. Text is
 * taken where it stands; no object is made of a record. avsc reads the schemas themselves.
 */
import avro from "avsc";
import type { SchemaReference } from "../../core/schemas/registry.ts";
import { ByteCursor } from "./byte_cursor.ts";
import type { NameNode, Target } from "./json_names.ts";
import type { Projection } from "./json_projection.ts";
import { isValidUtf8 } from "./utf8.ts";

/** The bytes are none of the schema. */
export class AvroFault extends Error {
  override readonly name = "AvroFault";
}

/** Records within records: a schema may contain itself. */
const DEEPEST = 64;

/** Where reading stands. */
class Cursor extends ByteCursor {
  /** An int or a long, exact up to 2^53. */
  long(): number {
    const { bytes, end } = this;
    let at = this.at;
    let raw = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) throw new AvroFault("cut short");
      const byte = bytes[at++];
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return raw >>> 1 ^ -(raw & 1);
      }
    }
    return this.#longer();
  }

  #longer(): number {
    // Low 28 bits as they are, the others by multiplication: shifts know 32 bits only.
    let [value, factor, at] = [0, 1, this.at];
    for (let index = 0; index < 10; index++, factor *= 128) {
      if (at >= this.end) break;
      const byte = this.bytes[at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        this.at = at;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
    }
    throw new AvroFault("a number without an end");
  }

  /** Steps over so many bytes and answers where they began. */
  take(length: number): number {
    const start = this.at;
    if (length < 0 || length > this.end - start) throw new AvroFault("cut short");
    this.at = start + length;
    return start;
  }
}

type Step = (cursor: Cursor, into: Projection) => void;

/** A plan for values of one schema. */
export interface AvroPlan {
  /** Reads bytes[start, end) into a projection that was begun. Throws AvroFault where they are no value of the schema. */
  read(bytes: Uint8Array, start: number, end: number, into: Projection): void;
}

/** Compiles a schema, with those whose types it names, for the wanted names; throws where it is none, or no record. */
export function compileAvro(schema: string, references: readonly SchemaReference[], names: NameNode): AvroPlan {
  const logicalTypes = Object.fromEntries(LOGICAL.map((name) => [name, Logical]));
  const options = { wrapUnions: true, logicalTypes, registry: {} };
  for (const { text } of references) avro.Type.forSchema(JSON.parse(text), options);
  const type = avro.Type.forSchema(JSON.parse(schema), options);
  if (!isRecord(type)) throw new AvroFault(`expected a record, found ${type.typeName}`);
  const step = new PlanBuilder().record(type, names);
  const cursor = new Cursor();
  return {
    read(bytes, start, end, into) {
      cursor.reset(bytes, start, end);
      step(cursor, into);
      if (cursor.at !== end) throw new AvroFault("longer than its schema says");
    },
  };
}

type RecordType = avro.types.RecordType;
const isRecord = (type: avro.Type): type is RecordType => type.typeName === "record" || type.typeName === "error";

/** The logical types that mean something to a field; others are read as what lies under them. */
const LOGICAL = ["timestamp-millis", "timestamp-micros", "timestamp-nanos", "decimal"];

/** A logical type whose values are never made: it keeps what the schema says. */
class Logical extends avro.types.LogicalType {
  readonly logical: string;
  readonly scale: number;

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options);
    const { logicalType, scale } = Object(schema);
    this.logical = String(logicalType);
    this.scale = typeof scale === "number" ? scale : 0;
  }

  protected override _fromValue(value: unknown): unknown {
    return value;
  }

  protected override _toValue(value: unknown): unknown {
    return value;
  }
}

class PlanBuilder {
  /** Steps over records, which may contain themselves. */
  readonly #skips = new Map<avro.Type, Step>();

  record(type: RecordType, names: NameNode | undefined): Step {
    if (names === undefined || names.children.size === 0) return this.#skip(type);
    const steps = type.fields.map(({ name, type: inner }) => this.value(inner, names.children.get(name)));
    return nested((cursor, into) => {
      for (let i = 0; i < steps.length; i++) steps[i](cursor, into);
    });
  }

  /** Takes a value for its targets, or steps over it. */
  value(type: avro.Type, names: NameNode | undefined): Step {
    if (names === undefined) return this.#skip(type);
    if (isRecord(type)) return this.record(type, names);
    if (type.typeName === "union:wrapped" || type.typeName === "union:unwrapped") {
      return branches(typesOf(type).map((branch) => this.value(branch, names)));
    }
    const { targets } = names;
    if (targets.length === 0) return this.#skip(type);
    const isLogical = type instanceof Logical;
    const plain = isLogical ? type.underlyingType : type;
    return take(plain, isLogical ? type : { logical: "", scale: 0 }, targets) ?? this.#skip(type);
  }

  #skip(type: avro.Type): Step {
    const known = this.#skips.get(type);
    if (known !== undefined) return known;
    let step: Step = () => {};
    // Known before its parts are: a record may contain itself.
    this.#skips.set(type, (cursor, into) => step(cursor, into));
    step = this.#skipOf(type);
    this.#skips.set(type, step);
    return step;
  }

  #skipOf(type: avro.Type): Step {
    if (isRecord(type)) {
      const steps = type.fields.map(({ type: inner }) => this.#skip(inner));
      return nested((cursor, into) => {
        for (const step of steps) step(cursor, into);
      });
    }
    switch (type.typeName) {
      case "null":
        return () => {};
      case "boolean":
        return (cursor) => void cursor.take(1);
      case "float":
        return (cursor) => void cursor.take(4);
      case "double":
        return (cursor) => void cursor.take(8);
      case "int":
      case "long":
      case "enum":
      case "abstract:long":
        return (cursor) => void cursor.long();
      case "string":
      case "bytes":
        return (cursor) => void cursor.take(cursor.long());
      case "fixed": {
        const size: number = Reflect.get(type, "size");
        return (cursor) => void cursor.take(size);
      }
      case "array":
        return blocks([this.#skip(Reflect.get(type, "itemsType"))]);
      case "map":
        return blocks([(cursor) => void cursor.take(cursor.long()), this.#skip(Reflect.get(type, "valuesType"))]);
      case "union:wrapped":
      case "union:unwrapped":
        return branches(typesOf(type).map((branch) => this.#skip(branch)));
      default: {
        if (type instanceof Logical) return this.#skip(type.underlyingType);
        throw new AvroFault(`there is no type ${type.typeName}`);
      }
    }
  }
}

const typesOf = (type: avro.Type): avro.Type[] => Reflect.get(type, "types");

function nested(step: Step): Step {
  return (cursor, into) => {
    if (++cursor.depth > DEEPEST) throw new AvroFault("nested too deeply");
    step(cursor, into);
    cursor.depth--;
  };
}

function branches(steps: readonly Step[]): Step {
  return (cursor, into) => {
    const index = cursor.long();
    if (index < 0 || index >= steps.length) throw new AvroFault(`there is no branch ${index}`);
    steps[index](cursor, into);
  };
}

/** Arrays and maps: blocks of a count and as many items; a negative count is followed by the block's bytes. */
function blocks(item: readonly Step[]): Step {
  return nested((cursor, into) => {
    for (;;) {
      let count = cursor.long();
      if (count === 0) return;
      if (count < 0) {
        cursor.take(cursor.long());
        continue;
      }
      // An item takes a byte at least, but for null and empty records: a count beyond the bytes is made up.
      if (count > 1_000_000 && count > cursor.end - cursor.at) throw new AvroFault("more items than bytes");
      for (; count > 0; count--) for (const step of item) step(cursor, into);
    }
  });
}

const encoder = new TextEncoder();

/** How a value of a type becomes one of a field; null where no field takes it. */
function take(
  type: avro.Type,
  { logical, scale }: Pick<Logical, "logical" | "scale">,
  targets: readonly Target[],
): Step | null {
  switch (type.typeName) {
    case "string":
      return (cursor, into) => {
        const start = cursor.take(cursor.long());
        if (!isValidUtf8(cursor.bytes, start, cursor.at)) throw new AvroFault("text that is no UTF-8");
        into.string(targets, start, cursor.at);
      };
    case "enum": {
      const symbols: readonly string[] = Reflect.get(type, "symbols");
      const texts = symbols.map((symbol) => encoder.encode(symbol));
      return (cursor, into) => {
        const index = cursor.long();
        if (index < 0 || index >= texts.length) throw new AvroFault(`there is no symbol ${index}`);
        into.text(targets, texts[index]);
      };
    }
    case "int":
    case "long": {
      const microsPerUnit = { "timestamp-millis": 1000, "timestamp-micros": 1, "timestamp-nanos": 0.001 }[logical];
      if (microsPerUnit === undefined) return (cursor, into) => into.value(targets, cursor.long());
      return (cursor, into) => into.instant(targets, Math.floor(cursor.long() * microsPerUnit));
    }
    case "float":
      // The shortest decimal of a float64 would show digits that the writer never meant.
      return (cursor, into) => into.value(targets, Number(cursor.view.getFloat32(cursor.take(4), true).toPrecision(7)));
    case "double":
      return (cursor, into) => into.value(targets, cursor.view.getFloat64(cursor.take(8), true));
    case "bytes":
    case "fixed": {
      if (logical !== "decimal") return null;
      const size: number | undefined = type.typeName === "fixed" ? Reflect.get(type, "size") : undefined;
      return (cursor, into) => {
        const start = cursor.take(size ?? cursor.long());
        const text = decimalOf(cursor.bytes, start, cursor.at, scale);
        into.decodedNumber(targets, Number(text), text);
      };
    }
    default:
      return null;
  }
}

/** A big-endian two's complement number of 10^-scale units, in decimal. */
function decimalOf(bytes: Uint8Array, start: number, end: number, scale: number): string {
  let unscaled = 0n;
  for (let at = start; at < end; at++) unscaled = unscaled << 8n | BigInt(bytes[at]);
  unscaled = BigInt.asIntN(8 * (end - start), unscaled);
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const sign = unscaled < 0n ? "-" : "";
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - scale)}`;
}
