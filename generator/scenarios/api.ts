/**
 * Application logs in JSON, about 286 bytes each, of the services in api_endpoints.ts. The level follows from the
 * outcome: a 4xx or a slow answer is a WARN, a 5xx an ERROR (rarely FATAL), what went well is INFO or, now and then, DEBUG.
 * Of every 1000 consecutive records of a partition exactly one is broken (cut off in the middle), and of every 200
 * exactly one is late: its timestamp is 2 to 30 minutes before the record's time.
 */
import type { Influence } from "../incidents/incident.ts";
import { OneIn, Random, Weighted, zipf } from "../random.ts";
import { defineScenario } from "../record_writer.ts";
import {
  compileTemplate,
  type Hole,
  IsoTime,
  type Template,
  writeBytes,
  writeDigits,
  writeFixed,
  writeHex,
  writeInteger,
} from "../template.ts";
import { API_ENDPOINTS, type ApiEndpoint } from "./api_endpoints.ts";
import { AIRPORTS, CITIES } from "./places.ts";
import type { DrawnEvent, Scenario, Scene } from "./scenario.ts";

/** One record of so many is cut off in the middle. */
export const BROKEN_EVERY = 1000;
/** One record of so many is late. */
export const LATE_EVERY = 200;
export const LATE_MS_MIN = 2 * 60_000;
export const LATE_MS_MAX = 30 * 60_000;

/** What goes well and takes so many times the median is worth a warning. */
const SLOW_FACTOR = 3;
const DEBUG_SHARE = 0.04;
const HOSTS_PER_SERVICE = 6;

type Level = "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL";

/** The values of the holes of one record. */
class Values {
  timeMs = 0;
  latencyMicros = 0;
  id = 0;
  user = 0;
  hotel = 0;
  count = 0;
  adults = 0;
  cents = 0;
  host = 0;
  from: Uint8Array = AIRPORT_BYTES[0];
  to: Uint8Array = AIRPORT_BYTES[1];
  city: Uint8Array = CITY_BYTES[0];
  readonly trace = new Uint32Array(4);
  readonly time = new IsoTime();
}

const encoder = new TextEncoder();
const AIRPORT_BYTES = AIRPORTS.map((code) => encoder.encode(code));
const CITY_BYTES = CITIES.map((city) => encoder.encode(city));
const HYPHEN = 0x2d;

const HOLES: Readonly<Record<string, Hole<Values>>> = {
  time: (values, out, at) => values.time.write(values.timeMs, out, at),
  latency: (values, out, at) => writeFixed(values.latencyMicros, 3, out, at),
  ms: (values, out, at) => writeInteger(Math.round(values.latencyMicros / 1000), out, at),
  id: (values, out, at) => writeInteger(values.id, out, at),
  user: (values, out, at) => writeInteger(values.user, out, at),
  hotel: (values, out, at) => writeInteger(values.hotel, out, at),
  count: (values, out, at) => writeInteger(values.count, out, at),
  adults: (values, out, at) => writeInteger(values.adults, out, at),
  price: (values, out, at) => writeFixed(values.cents, 2, out, at),
  host: (values, out, at) => writeDigits(values.host, 2, out, at),
  from: (values, out, at) => writeBytes(values.from, out, at),
  to: (values, out, at) => writeBytes(values.to, out, at),
  city: (values, out, at) => writeBytes(values.city, out, at),
  route: (values, out, at) => {
    at = writeBytes(values.from, out, at);
    out[at++] = HYPHEN;
    return writeBytes(values.to, out, at);
  },
  trace: (values, out, at) => {
    for (const word of values.trace) at = writeHex(word, out, at);
    return at;
  },
};

/** One way for a request to end. */
interface Outcome {
  readonly weight: number;
  readonly level: Level;
  readonly status: number;
  readonly medianMs: number;
  readonly sigma: number;
  readonly lines: readonly Template<Values>[];
  /** Instead of `lines`, where it took longer than this. */
  readonly slowMs: number;
  readonly slowLines: readonly Template<Values>[];
}

function lineOf(endpoint: ApiEndpoint, level: Level, status: number, message: string): Template<Values> {
  const { service, method, path } = endpoint;
  return compileTemplate(
    `{"timestamp":"<time>","level":"${level}","service":"${service}","host":"${service}-<host>","method":"${method}",` +
      `"path":"${path}","status":${status},"response_time_ms":<latency>,"trace_id":"<trace>","message":"${message}"}`,
    HOLES,
  );
}

function outcomesOf(endpoint: ApiEndpoint): Weighted<Outcome> {
  const { status, medianMs, clientErrors, serverErrors, sigma, messages } = endpoint;
  const well = 1 - clientErrors - serverErrors;
  const good = (level: Level, weight: number): Outcome => ({
    weight,
    level,
    status,
    medianMs,
    sigma,
    lines: messages.map((message) => lineOf(endpoint, level, status, message)),
    slowMs: SLOW_FACTOR * medianMs,
    slowLines: [lineOf(endpoint, "WARN", status, `Slow answer: <ms> ms, usually ${medianMs} ms`)],
  });
  const outcomes = [
    good("INFO", well * (1 - DEBUG_SHARE)),
    good("DEBUG", well * DEBUG_SHARE),
    ...clientErrorsOf(endpoint),
    ...serverErrorsOf(endpoint),
  ];
  return new Weighted(outcomes, (outcome) => outcome.weight);
}

/** An outcome of one line, whatever it takes. */
function failure(
  endpoint: ApiEndpoint,
  level: Level,
  status: number,
  parts: { readonly weight: number; readonly medianMs: number; readonly message: string },
): Outcome {
  const lines = [lineOf(endpoint, level, status, parts.message)];
  return { ...parts, level, status, sigma: endpoint.sigma / 2, lines, slowMs: Infinity, slowLines: [] };
}

/** Half of the 4xx are about what is missing, a quarter each about conflicts and about wrong or too many requests. */
function clientErrorsOf(endpoint: ApiEndpoint): Outcome[] {
  const { clientErrors: share, medianMs: usualMs, missing, conflict = missing } = endpoint;
  const isSignIn = endpoint.path.endsWith("/sessions");
  const medianMs = usualMs * 0.6;
  const conflictStatus = isSignIn ? 401 : conflict === missing ? 404 : 409;
  return [
    failure(endpoint, "WARN", isSignIn ? 401 : 404, { weight: share * 0.5, medianMs, message: missing }),
    failure(endpoint, "WARN", conflictStatus, { weight: share * 0.25, medianMs, message: conflict }),
    failure(endpoint, "WARN", 400, {
      weight: share * 0.15,
      medianMs: medianMs / 4,
      message: "Request refused: a required field is missing or malformed",
    }),
    failure(endpoint, "WARN", 429, {
      weight: share * 0.1,
      medianMs: medianMs / 10,
      message: "Rate limit of user <user> reached, retry after <adults> s",
    }),
  ];
}

/** The error of an incident; `message` is any text, in which <id> is a hole. */
function newErrorOf(endpoint: ApiEndpoint, message: string): Outcome {
  const literal = JSON.stringify(message).slice(1, -1).replaceAll(/<(?!id>)/g, "\\u003c");
  return failure(endpoint, "ERROR", 500, { weight: 1, medianMs: endpoint.medianMs, message: literal });
}

function serverErrorsOf(endpoint: ApiEndpoint): Outcome[] {
  const { serverErrors: share, medianMs, dependency } = endpoint;
  return [
    failure(endpoint, "ERROR", 500, {
      weight: share * 0.4,
      medianMs,
      message: `Request failed: unexpected answer of ${dependency}`,
    }),
    failure(endpoint, "ERROR", 504, {
      weight: share * 0.3,
      medianMs: 5_000 + medianMs,
      message: `Timed out after <ms> ms waiting for ${dependency}`,
    }),
    failure(endpoint, "ERROR", 503, {
      weight: share * 0.2,
      medianMs: medianMs / 20,
      message: `Circuit breaker is open: ${dependency} is unavailable`,
    }),
    failure(endpoint, "ERROR", 502, {
      weight: share * 0.095,
      medianMs: medianMs * 2,
      message: `Connection reset by ${dependency}, attempt <adults>`,
    }),
    failure(endpoint, "FATAL", 500, {
      weight: share * 0.005,
      medianMs: medianMs * 8,
      message: "Out of memory, the process ends and is restarted",
    }),
  ];
}

/** No answer is faster than the resolution, or slower than the gateway waits. */
const LATENCY_MICROS_MIN = 50;
const LATENCY_MICROS_MAX = 60_000_000;

/** One endpoint's ways to end: of all its requests, and of those that an incident makes fail. */
interface Endings {
  readonly usual: Weighted<Outcome>;
  readonly failed: Weighted<Outcome>;
}

const ENDINGS: readonly Endings[] = API_ENDPOINTS.map((endpoint) => ({
  usual: outcomesOf(endpoint),
  failed: new Weighted(serverErrorsOf(endpoint), ({ weight }) => weight),
}));

class ApiScene implements Scene {
  readonly #values = new Values();
  readonly #broken: OneIn;
  readonly #late: OneIn;
  /** Errors of incidents, by the incident's number and the endpoint's. */
  readonly #newErrors: ReadonlyMap<number, readonly Outcome[]>;
  #outcome: Outcome = ENDINGS[0].usual.items[0];
  #isSlow = false;
  #isBroken = false;

  constructor(seed: number, messages: ReadonlyMap<number, string>) {
    this.#broken = new OneIn(BROKEN_EVERY, seed, 1);
    this.#late = new OneIn(LATE_EVERY, seed, 2);
    this.#newErrors = new Map(
      [...messages].map(([incident, message]) => [incident, API_ENDPOINTS.map((each) => newErrorOf(each, message))]),
    );
  }

  draw(random: Random, target: number, influence: Influence, event: DrawnEvent): void {
    const outcome = this.#outcomeOf(random, target, influence);
    const latencyMs = random.logNormal(outcome.medianMs, outcome.sigma) * influence.latencyFactor;
    const micros = Math.min(LATENCY_MICROS_MAX, Math.max(LATENCY_MICROS_MIN, Math.round(latencyMs * 1000)));
    const lateMs = LATE_MS_MIN + random.below(LATE_MS_MAX - LATE_MS_MIN + 1);
    if (this.#late.includes(event.partition, event.index)) event.timeMs -= lateMs;
    this.#outcome = outcome;
    this.#isSlow = latencyMs > outcome.slowMs;
    this.#isBroken = this.#broken.includes(event.partition, event.index);
    this.#values.latencyMicros = micros;
    this.#values.timeMs = event.timeMs;
    event.level = this.#isSlow ? "WARN" : outcome.level;
    event.isError = outcome.status >= 500;
    event.latencyMs = micros / 1000;
    if (this.#isBroken) event.isUnparsable = true;
  }

  #outcomeOf(random: Random, target: number, { fails, newError }: Influence): Outcome {
    const { usual, failed } = ENDINGS[target];
    const outcome = (fails ? failed : usual).pick(random);
    return newError < 0 ? outcome : this.#newErrors.get(newError)?.[target] ?? outcome;
  }

  write(random: Random, out: Uint8Array, at: number): number {
    const values = this.#values;
    drawValues(values, random);
    const { slowLines, lines: usualLines } = this.#outcome;
    const lines = this.#isSlow ? slowLines : usualLines;
    const end = lines[lines.length === 1 ? 0 : random.below(lines.length)](values, out, at);
    return this.#isBroken ? at + Math.floor((end - at) * (0.3 + 0.65 * random.unit())) : end;
  }
}

function drawValues(values: Values, random: Random): void {
  values.id = 10_000_000 + random.below(90_000_000);
  values.user = 100_000 + random.below(900_000);
  values.hotel = 1_000 + random.below(9_000);
  // Small numbers share one draw: their bits are independent.
  const bits = random.next();
  values.count = 1 + (bits & 0xff);
  values.adults = 1 + (bits >>> 8 & 3);
  values.host = 1 + (bits >>> 10 & 0xff) % HOSTS_PER_SERVICE;
  const from = bits >>> 18 & 15;
  values.from = AIRPORT_BYTES[from];
  values.to = AIRPORT_BYTES[(from + 1 + (bits >>> 22 & 0xff) % 15) % AIRPORT_BYTES.length];
  values.city = CITY_BYTES[(bits >>> 24) % CITY_BYTES.length];
  values.cents = 1_900 + random.below(180_000);
  for (let word = 0; word < 4; word++) values.trace[word] = random.next();
}

export const api: Scenario = defineScenario({
  name: "api",
  description: "application logs in JSON of a travel-booking platform",
  topic: "app-logs",
  share: 0.8,
  salt: 0x617069,
  targets: API_ENDPOINTS.map(({ service, method, path }, rank) => ({
    service,
    method,
    endpoint: path.replace(/\?.*/, "").replaceAll(/<\w+>/g, ":id"),
    weight: zipf(0.9)(path, rank),
  })),
  open: (seed, messages) => new ApiScene(seed, messages),
});
