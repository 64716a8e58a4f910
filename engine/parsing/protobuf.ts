/**
 * Protobuf's encoding (https://protobuf.dev/programming-guides/encoding/), read straight into the fields of an event: a plan
 * is compiled for each message that takes the wanted fields and steps over the others. protobufjs reads the schemas; its
 * code for messages, which is made by eval, is not used.
 */
import protobuf from "protobufjs";
import type { SchemaReference } from "../../core/schemas/registry.ts";
import type { NameNode, Target } from "./json_names.ts";
import type { Projection } from "./json_projection.ts";
import { ProtobufCursor, ProtobufFault, WIRE } from "./protobuf_cursor.ts";
import { isValidUtf8 } from "./utf8.ts";

/** Messages within messages: a schema may contain itself. */
const DEEPEST = 64;
/** Numbers of fields below it are looked up in a row. */
const DENSE = 64;
/** Plans of one schema that are kept: whoever writes the records chooses among its messages. */
const PLANS_MAX = 1_000;

/** Plans for values of one schema, which begin with the path of their message in it. */
export interface ProtobufPlans {
  /** Reads bytes[start, end) into a projection that was begun. Throws ProtobufFault where they are no value of the schema. */
  read(bytes: Uint8Array, start: number, end: number, into: Projection): void;
}

type Step = (cursor: ProtobufCursor, into: Projection) => void;
/** How the values of one field are read: the form that they have in the bytes, and what is done with them. */
interface FieldStep {
  readonly wire: number;
  readonly take: Step;
}

/** Compiles a file of messages, with those that it imports, for the wanted names; throws where it cannot be read. */
export function compileProtobuf(text: string, imports: readonly SchemaReference[], names: NameNode): ProtobufPlans {
  const messages = messagesOf(text, imports);
  const plans = new Map<string, Step>();
  const planOf = (path: readonly number[]): Step => {
    const key = path.join();
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = message(messageAt(messages, path), names);
      if (plans.size < PLANS_MAX) plans.set(key, plan);
    }
    return plan;
  };
  const first = messages.length === 0 ? null : planOf([0]);
  if (first === null) throw new ProtobufFault("there is no message in it");
  const cursor = new ProtobufCursor();
  return {
    read(bytes, start, end, into) {
      cursor.reset(bytes, start, end);
      const count = cursor.zigzag();
      // A single zero stands for the first message.
      if (count === 0) return first(cursor, into);
      if (count < 0 || count > DEEPEST) throw new ProtobufFault(`a path of ${count} messages`);
      planOf(Array.from({ length: count }, () => cursor.zigzag()))(cursor, into);
    },
  };
}

/** The messages of a file, in its order. Throws where types that it uses are nowhere. */
function messagesOf(text: string, imports: readonly SchemaReference[]): protobuf.Type[] {
  const root = new protobuf.Root();
  // As the file names its fields, not in camel case.
  const options = { keepCase: true };
  const file = protobuf.parse(text, root, options);
  const home = file.package === undefined ? root : root.lookup(file.package);
  // Before its imports: those may be of the same package.
  const messages = home instanceof protobuf.Namespace ? typesIn(home) : [];
  const known = [...file.imports ?? []];
  for (const { name, text: imported } of imports) {
    if (protobuf.common.get(name) !== null) continue;
    known.push(...protobuf.parse(imported, root, options).imports ?? []);
  }
  // Google's own (timestamp, duration, wrappers, struct, any) come with every compiler, and with protobufjs.
  for (const name of new Set(known)) {
    const { nested } = protobuf.common.get(name) ?? {};
    if (nested !== undefined) root.addJSON(nested);
  }
  root.resolveAll();
  return messages;
}

const typesIn = (namespace: protobuf.NamespaceBase): protobuf.Type[] =>
  namespace.nestedArray.filter((one) => one instanceof protobuf.Type);

function messageAt(messages: readonly protobuf.Type[], path: readonly number[]): protobuf.Type {
  let among = messages;
  let found: protobuf.Type | undefined;
  for (const index of path) {
    found = among[index];
    if (found === undefined) throw new ProtobufFault(`there is no message ${path.join(".")}`);
    among = typesIn(found);
  }
  if (found === undefined) throw new ProtobufFault("a path of no messages");
  return found;
}

/** Takes the wanted fields of a message up to the end of the cursor. */
function message(type: protobuf.Type, names: NameNode): Step {
  const steps: (FieldStep | undefined)[] = [];
  const rare = new Map<number, FieldStep>();
  for (const field of type.fieldsArray) {
    const inner = names.children.get(field.name);
    // Lists are stepped over, and maps.
    if (inner === undefined || field.repeated || field.map) continue;
    const step = fieldStep(field, inner);
    if (step === null) continue;
    if (field.id < DENSE) steps[field.id] = step;
    else rare.set(field.id, step);
  }
  return (cursor, into) => {
    if (++cursor.depth > DEEPEST) throw new ProtobufFault("nested too deeply");
    while (cursor.at < cursor.end) {
      const tag = cursor.tag();
      const id = tag >>> 3;
      const step = id < steps.length ? steps[id] : rare.size === 0 ? undefined : rare.get(id);
      // A field in another form than the schema's is taken for an unknown one, as other readers do.
      if (step === undefined || step.wire !== (tag & 7)) cursor.skip(tag);
      else step.take(cursor, into);
    }
    cursor.depth--;
  };
}

function fieldStep(field: protobuf.Field, names: NameNode): FieldStep | null {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Enum) {
    return names.targets.length === 0 ? null : { wire: WIRE.varint, take: symbolOf(resolvedType, names.targets) };
  }
  if (resolvedType instanceof protobuf.Type) {
    const take = known(resolvedType, names.targets) ??
      (names.children.size === 0 ? null : message(resolvedType, names));
    return take === null ? null : { wire: WIRE.length, take: within(take) };
  }
  return names.targets.length === 0 ? null : scalar(field.type, names.targets);
}

/** A message of its own length. */
function within(take: Step): Step {
  return (cursor, into) => {
    const { end } = cursor;
    const from = cursor.take(cursor.size());
    cursor.end = cursor.at;
    cursor.at = from;
    take(cursor, into);
    cursor.at = cursor.end;
    cursor.end = end;
  };
}

const encoder = new TextEncoder();

/** Symbols without the name of their enum, by which style guides have them begin: LOG_LEVEL_ERROR of LogLevel is ERROR. */
function symbolOf({ name, valuesById }: protobuf.Enum, targets: readonly Target[]): Step {
  const prefix = `${name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase()}_`;
  const texts = new Map(
    Object.entries(valuesById).map(([number, symbol]) => {
      const short = symbol.startsWith(prefix) && symbol.length > prefix.length ? symbol.slice(prefix.length) : symbol;
      return [Number(number), short === "UNSPECIFIED" ? null : encoder.encode(short)];
    }),
  );
  return (cursor, into) => {
    const number = cursor.int();
    const text = texts.get(number);
    // A newer writer may have symbols that this schema has not: their number stands for them.
    if (text === undefined) into.value(targets, number);
    else if (text !== null) into.text(targets, text);
  };
}

/** Messages of Google's that stand for one value; null for all others. */
function known({ fullName }: protobuf.Type, targets: readonly Target[]): Step | null {
  if (targets.length === 0 || !fullName.startsWith(".google.protobuf.")) return null;
  const name = fullName.slice(".google.protobuf.".length);
  if (name === "Timestamp") {
    return (cursor, into) => {
      const { seconds, nanos } = secondsAndNanos(cursor);
      into.instant(targets, seconds * 1e6 + Math.floor(nanos / 1000));
    };
  }
  if (name === "Duration") {
    return (cursor, into) => {
      const { seconds, nanos } = secondsAndNanos(cursor);
      const sign = seconds < 0 || nanos < 0 ? "-" : "";
      const fraction = String(Math.abs(nanos)).padStart(9, "0");
      into.text(targets, encoder.encode(`${sign}${Math.abs(seconds)}.${fraction}s`));
    };
  }
  const type = WRAPPED[name];
  const step = type === undefined ? null : scalar(type, targets);
  if (step === null) return null;
  return (cursor, into) => {
    while (cursor.at < cursor.end) {
      const tag = cursor.tag();
      if (tag === (1 << 3 | step.wire)) step.take(cursor, into);
      else cursor.skip(tag);
    }
  };
}

const WRAPPED: Readonly<Record<string, string | undefined>> = {
  StringValue: "string",
  DoubleValue: "double",
  FloatValue: "float",
  Int64Value: "int64",
  UInt64Value: "uint64",
  Int32Value: "int32",
  UInt32Value: "uint32",
};

function secondsAndNanos(cursor: ProtobufCursor): { seconds: number; nanos: number } {
  let [seconds, nanos] = [0, 0];
  while (cursor.at < cursor.end) {
    const tag = cursor.tag();
    if (tag === (1 << 3 | WIRE.varint)) seconds = cursor.int();
    else if (tag === (2 << 3 | WIRE.varint)) nanos = cursor.int();
    else cursor.skip(tag);
  }
  return { seconds, nanos };
}

/** How a value of a type becomes one of a field; null where no field takes it. */
function scalar(type: string, targets: readonly Target[]): FieldStep | null {
  const number = (wire: number, read: (cursor: ProtobufCursor) => number): FieldStep => ({
    wire,
    take: (cursor, into) => into.value(targets, read(cursor)),
  });
  /** `quick` answers a number that is exact, or one that is not safe; then the bytes are read again. */
  const big = (
    wire: number,
    read: (cursor: ProtobufCursor) => bigint,
    quick: (cursor: ProtobufCursor) => number = () => NaN,
  ): FieldStep => ({
    wire,
    take: (cursor, into) => {
      const { at } = cursor;
      const number = quick(cursor);
      if (Number.isSafeInteger(number)) return into.value(targets, number);
      cursor.at = at;
      const value = read(cursor);
      if (Number.isSafeInteger(Number(value))) into.value(targets, Number(value));
      else into.decodedNumber(targets, Number(value), String(value));
    },
  });
  switch (type) {
    case "string":
      return {
        wire: WIRE.length,
        take(cursor, into) {
          const start = cursor.take(cursor.size());
          if (!isValidUtf8(cursor.bytes, start, cursor.at)) throw new ProtobufFault("text that is no UTF-8");
          into.string(targets, start, cursor.at);
        },
      };
    case "int32":
      return number(WIRE.varint, (cursor) => cursor.int() | 0);
    case "uint32":
      return number(WIRE.varint, (cursor) => cursor.int() >>> 0);
    case "sint32":
      return number(WIRE.varint, (cursor) => cursor.zigzag());
    case "int64":
      return big(WIRE.varint, (cursor) => BigInt.asIntN(64, cursor.varint()), (cursor) => cursor.int());
    case "uint64":
      return big(WIRE.varint, (cursor) => cursor.varint(), (cursor) => {
        const number = cursor.int();
        return number < 0 ? NaN : number; // its upper bit is no sign
      });
    case "sint64":
      return big(WIRE.varint, (cursor) => {
        const raw = cursor.varint();
        return raw >> 1n ^ -(raw & 1n);
      });
    case "fixed32":
      return number(WIRE.fixed32, (cursor) => cursor.view.getUint32(cursor.take(4), true));
    case "sfixed32":
      return number(WIRE.fixed32, (cursor) => cursor.view.getInt32(cursor.take(4), true));
    case "fixed64":
      return big(WIRE.fixed64, (cursor) => cursor.view.getBigUint64(cursor.take(8), true));
    case "sfixed64":
      return big(WIRE.fixed64, (cursor) => cursor.view.getBigInt64(cursor.take(8), true));
    case "float":
      // The shortest decimal of a float64 would show digits that the writer never meant.
      return number(
        WIRE.fixed32,
        (cursor) => Number(cursor.view.getFloat32(cursor.take(4), true).toPrecision(7)),
      );
    case "double":
      return number(WIRE.fixed64, (cursor) => cursor.view.getFloat64(cursor.take(8), true));
    default:
      return null; // bool and bytes
  }
}
