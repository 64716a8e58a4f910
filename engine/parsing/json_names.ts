/**
 * Which keys of a JSON object hold which field: the usual names of log writers, and a tree to look them up in while
 * the object is read. Order is preference: the first name that has a usable value wins, wherever it stands.
 */
import { MEASURE_SCALE, MEASURE_SLOT, SLOT } from "../../core/minutes/fields.ts";
import type { Measure, TextField } from "../../core/minutes/fields.ts";
import type { FieldMapping, MappedField } from "../../core/config/schema.ts";

/** Paths of keys per field; a dot descends into an object or is part of a key. */
export type FieldNames = Readonly<Partial<Record<MappedField, readonly string[]>>>;

/** Names of application records: ECS, OpenTelemetry, pino, bunyan, zap, slog, winston, GELF, Fluent Bit, nginx. */
export const USUAL_NAMES: FieldNames = {
  timestamp: [
    "@timestamp timestamp time ts datetime date eventTime event.time timeUnixNano observedTimeUnixNano _time t asctime",
    "created_at createdAt event_time Timestamp time_iso8601",
  ].join(" ").split(" "),
  service: [
    "service service.name service_name serviceName app application app_name component resource.service.name",
    "kubernetes.labels.app kubernetes.container_name container_name container.name ServiceName logger logger_name name",
  ].join(" ").split(" "),
  level: [
    "level severity log.level lvl loglevel levelname level_name severityText SeverityText severity_text log_level",
    "logLevel severityNumber SeverityNumber severity_number priority PRIORITY",
  ].join(" ").split(" "),
  method: "method http.method http.request.method http_method verb request_method req.method request.method".split(" "),
  endpoint: [
    "path endpoint url.path route http.route http.target uri url request_uri api request.path req.url request.url",
    "http.url url.original url.full",
  ].join(" ").split(" "),
  status: [
    "status status_code statusCode http.status_code http.response.status_code code response_status res.statusCode",
    "response.status http_status",
  ].join(" ").split(" "),
  host: [
    "host hostname host.name host.hostname node instance source kubernetes.host remote_addr client_ip client.ip",
    "remote_ip source.ip",
  ].join(" ").split(" "),
  event_type: "event_type eventType event.action event.type".split(" "),
  currency: ["currency"],
  message: [
    "message msg log body body.stringValue text short_message full_message error.message event MESSAGE Body",
  ].join(" ").split(" "),
  protocol: "protocol server_protocol network.protocol http.version http_version".split(" "),
  ident: ["ident"],
  user: "user user.name username user_name userName user_id userId user.id remote_user".split(" "),
  referrer: "referrer referer http_referer http.request.referrer".split(" "),
  user_agent: "user_agent user_agent.original userAgent http_user_agent http.user_agent".split(" "),
  trace_id: "trace_id traceId trace.id traceID TraceId trace dd.trace_id".split(" "),
  response_time: [
    "response_time_ms response_time responseTime responseTimeMs duration_ms durationMs duration latency_ms latencyMs",
    "latency elapsed_ms elapsedMs elapsed took event.duration duration_us latency_us elapsed_us duration_ns latency_ns",
    "elapsed_ns duration_s duration_seconds latency_s latency_seconds elapsed_s elapsed_seconds response_time_s",
    "response_time_seconds response_time_us request_time",
  ].join(" ").split(" "),
  content_size: [
    "bytes content_size content_length contentLength response_size size body_bytes_sent bytes_sent",
    "http.response.body.bytes http.response.bytes",
  ].join(" ").split(" "),
  amount: ["amount"],
};

/** How a value becomes a field. */
export const TEXT = 0;
export const LEVEL = 1;
/** OpenTelemetry's severityNumber. */
export const OTEL_LEVEL = 2;
/** Text in upper case: currencies. */
export const UPPER = 3;
export const TIMESTAMP = 4;
/** A decimal that may say its unit of time. */
export const DURATION = 5;
export const DECIMAL = 6;

/** One field that a key fills. */
export interface Target {
  readonly kind: number;
  /** Slot among the text fields or the measures; 0 for the timestamp. */
  readonly slot: number;
  /** Preference within the field: lower wins. */
  readonly rank: number;
  /** Measures: digits kept after the point. */
  readonly decimals: number;
  /** Measures: power of ten from the value's unit to the measure's. */
  readonly unitExponent: number;
}

/** A key in its place: what its scalar value fills, and the keys inside it that are wanted where it is an object. */
export class NameNode {
  readonly targets: Target[] = [];
  readonly children: Map<string, NameNode> = new Map();

  constructor(
    /** OpenTelemetry's attributes: an object, or an array of `{key, value: {stringValue | intValue | …}}`. */
    readonly isAttributes: boolean = false,
  ) {}
}

/** Where OpenTelemetry keeps the names of a record and of its origin; tried after the names outside. */
const ATTRIBUTE_PREFIXES: readonly (readonly string[])[] = [["attributes"], ["resource", "attributes"], ["resource"]];

/** Paths with more dots are looked up as one key and by descending at each dot, not in all ways between. */
const MOST_SPLIT_DOTS = 5;

/** Trees that were made, by their usual names and then by the mapping. */
const trees = new WeakMap<FieldNames, Map<string, NameNode>>();

/** The tree of the mapping's names and then the usual ones; the same for all who ask: making it takes milliseconds. */
export function compileNames(usual: FieldNames, mapping: FieldMapping): NameNode {
  let made = trees.get(usual);
  if (made === undefined) trees.set(usual, made = new Map());
  const key = JSON.stringify(mapping);
  let tree = made.get(key);
  if (tree === undefined) made.set(key, tree = makeTree(usual, mapping));
  return tree;
}

function makeTree(usual: FieldNames, mapping: FieldMapping): NameNode {
  const root = new NameNode();
  const fields = new Set([...Object.keys(mapping), ...Object.keys(usual)] as MappedField[]);
  for (const field of fields) {
    const paths = [...(mapping[field] ?? []), ...(usual[field] ?? [])];
    let rank = 0;
    for (const prefix of [[], ...ATTRIBUTE_PREFIXES]) {
      for (const path of paths) {
        for (const keys of splits(path)) addTarget(root, [...prefix, ...keys], targetOf(field, path, rank++));
      }
    }
  }
  return root;
}

/** Every way to read a path as nested keys: longer literal keys first. */
function splits(path: string): string[][] {
  const parts = path.split(".");
  if (parts.length > MOST_SPLIT_DOTS + 1) return [[path], parts];
  const ways = [[path]];
  for (let head = parts.length - 1; head > 0; head--) {
    const key = parts.slice(0, head).join(".");
    for (const rest of splits(parts.slice(head).join("."))) ways.push([key, ...rest]);
  }
  return ways;
}

function addTarget(root: NameNode, keys: readonly string[], target: Target): void {
  let node = root;
  for (const key of keys) {
    let child = node.children.get(key);
    if (child === undefined) node.children.set(key, child = new NameNode(key === "attributes"));
    node = child;
  }
  // A name that is listed twice keeps its better rank.
  if (!node.targets.some((some) => isSameField(some, target))) node.targets.push(target);
}

/** True where both fill the same field. */
export function isSameField(one: Target, other: Target): boolean {
  if (one.kind === TIMESTAMP || other.kind === TIMESTAMP) return one.kind === other.kind;
  return one.slot === other.slot && one.kind < TIMESTAMP === other.kind < TIMESTAMP;
}

function targetOf(field: MappedField, path: string, rank: number): Target {
  const target = { kind: TEXT, slot: 0, rank, decimals: 0, unitExponent: 0 };
  if (field === "timestamp") return { ...target, kind: TIMESTAMP };
  if (isMeasure(field)) {
    const slot = MEASURE_SLOT[field];
    const decimals = Math.round(Math.log10(MEASURE_SCALE[slot]));
    if (field === "response_time") return { ...target, kind: DURATION, slot, decimals, unitExponent: timeUnit(path) };
    const unitExponent = field === "amount" && /(cents|minor|minor_units?)$/i.test(path) ? -2 : 0;
    return { ...target, kind: DECIMAL, slot, decimals, unitExponent };
  }
  return { ...target, kind: kindOfText(field, path), slot: SLOT[field] };
}

function kindOfText(field: TextField, path: string): number {
  if (field === "level") return /severity_?number$/i.test(path) ? OTEL_LEVEL : LEVEL;
  return field === "currency" ? UPPER : TEXT;
}

function isMeasure(field: MappedField): field is Measure {
  return Object.hasOwn(MEASURE_SLOT, field);
}

/** The unit that a name says, as a power of ten from milliseconds; milliseconds where it says none. */
function timeUnit(path: string): number {
  if (/([._]ns|[._]?nano(s|seconds)?)$/i.test(path) || path === "event.duration") return -6;
  if (/([._]us|[._]?micro(s|seconds)?)$/i.test(path)) return -3;
  if (/[._]?milli(s|seconds)?$/i.test(path)) return 0;
  if (/([._]s|[._]secs?|seconds)$/i.test(path) || path === "request_time") return 3;
  return 0;
}
