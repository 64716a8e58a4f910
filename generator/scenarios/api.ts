/**
 * Application logs in JSON, about 286 bytes each, of the services in api_endpoints.ts. The level follows from the
 * outcome: a 4xx or a slow answer is a WARN, a 5xx an ERROR (rarely FATAL), what went well is INFO or, now and then, DEBUG.
 * Of every 1000 consecutive records of a partition exactly one is broken (cut off in the middle), and of every 200
 * exactly one is late: its timestamp is 2 to 30 minutes before the record's time.
 */
import { OneIn, Random, Weighted, zipf } from "../random.ts";
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
import type { Scenario, ScenarioWriter } from "./scenario.ts";

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
/** Keeps the numbers of scenarios with the same seed apart. */
const SALT = 0x617069;

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
  return { ...parts, status, sigma: endpoint.sigma / 2, lines, slowMs: Infinity, slowLines: [] };
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

class ApiWriter implements ScenarioWriter {
  readonly #random = new Random(SALT);
  readonly #values = new Values();
  readonly #broken: OneIn;
  readonly #late: OneIn;
  readonly #endpoints = new Weighted(API_ENDPOINTS.map(outcomesOf), zipf(0.9));

  constructor(private readonly seed: number) {
    this.#broken = new OneIn(BROKEN_EVERY, seed, 1);
    this.#late = new OneIn(LATE_EVERY, seed, 2);
  }

  write(partition: number, i: number, timestampMs: number, out: Uint8Array, at: number): number {
    const random = this.#random;
    const values = this.#values;
    random.seat(this.seed, partition, i);
    const outcome = this.#endpoints.pick(random).pick(random);
    const latencyMs = random.logNormal(outcome.medianMs, outcome.sigma);
    values.latencyMicros = Math.min(LATENCY_MICROS_MAX, Math.max(LATENCY_MICROS_MIN, Math.round(latencyMs * 1000)));
    this.#draw(values, random);
    const lateMs = LATE_MS_MIN + random.below(LATE_MS_MAX - LATE_MS_MIN + 1);
    values.timeMs = this.#late.includes(partition, i) ? timestampMs - lateMs : timestampMs;
    const lines = latencyMs > outcome.slowMs ? outcome.slowLines : outcome.lines;
    const end = lines[lines.length === 1 ? 0 : random.below(lines.length)](values, out, at);
    if (!this.#broken.includes(partition, i)) return end;
    return at + Math.floor((end - at) * (0.3 + 0.65 * random.unit()));
  }

  #draw(values: Values, random: Random): void {
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
}

export const api: Scenario = {
  name: "api",
  description: "application logs in JSON of a travel-booking platform",
  topic: "app-logs",
  share: 0.8,
  create: (seed) => new ApiWriter(seed),
};
