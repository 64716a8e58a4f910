/** Access logs of the booking site in the combined format: pages, searches, static files, crawlers and probes. */
import type { Influence } from "../incidents/incident.ts";
import { type Random, Weighted, zipf } from "../random.ts";
import { ClfTime, compileTemplate, type Hole, IsoTime, type Template, writeBytes, writeInteger } from "../template.ts";
import { AIRPORTS, CITIES } from "./places.ts";
import { defineScenario } from "../record_writer.ts";
import type { DrawnEvent, Scenario, Scene } from "./scenario.ts";

class Values {
  timeMs = 0;
  id = 0;
  sizeBytes = 0;
  client: Uint8Array = CLIENTS.items[0];
  referrer: Uint8Array = REFERRERS.items[0];
  agent: Uint8Array = AGENTS.items[0];
  user: Uint8Array = USERS.items[0];
  from: Uint8Array = AIRPORT_BYTES[0];
  to: Uint8Array = AIRPORT_BYTES[1];
  city: Uint8Array = CITY_BYTES[0];
  readonly time = new ClfTime();
  readonly iso = new IsoTime();
}

const encoder = new TextEncoder();
const AIRPORT_BYTES = AIRPORTS.map((code) => encoder.encode(code));
const CITY_BYTES = CITIES.map((city) => encoder.encode(city));

/** Addresses of the documentation networks (RFC 5737): they belong to nobody. */
const NETWORKS = ["203.0.113", "198.51.100", "192.0.2"];
const CLIENTS = new Weighted(
  Array.from({ length: 600 }, (_, rank) => encoder.encode(`${NETWORKS[rank % 3]}.${1 + (rank * 83) % 254}`)),
  zipf(0.8),
);

const weighted = (lines: readonly (readonly [weight: number, text: string])[]): Weighted<Uint8Array> => {
  const texts = lines.map(([, text]) => encoder.encode(text));
  return new Weighted(texts, (_, index) => lines[index][0]);
};

const USERS = weighted([[970, "-"], [20, "agency.lisbon"], [10, "agency.oslo"]]);

const REFERRERS = weighted([
  [45, "-"],
  [25, "https://www.farewell-travel.example/"],
  [12, "https://www.farewell-travel.example/search"],
  [10, "https://www.google.com/"],
  [4, "https://www.bing.com/"],
  [4, "https://newsletter.farewell-travel.example/summer-fares"],
]);

const AGENTS = weighted([
  [
    34,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
  ],
  [
    22,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 " +
    "Mobile/15E148 Safari/604.1",
  ],
  [
    14,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
  ],
  [
    12,
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
  ],
  [8, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  [6, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"],
  [2, "curl/8.14.1"],
  [2, "-"],
]);

const HOLES: Readonly<Record<string, Hole<Values>>> = {
  client: (values, out, at) => writeBytes(values.client, out, at),
  user: (values, out, at) => writeBytes(values.user, out, at),
  time: (values, out, at) => values.time.write(values.timeMs, out, at),
  iso: (values, out, at) => values.iso.write(values.timeMs, out, at),
  id: (values, out, at) => writeInteger(values.id, out, at),
  size: (values, out, at) => writeInteger(values.sizeBytes, out, at),
  referrer: (values, out, at) => writeBytes(values.referrer, out, at),
  agent: (values, out, at) => writeBytes(values.agent, out, at),
  from: (values, out, at) => writeBytes(values.from, out, at),
  to: (values, out, at) => writeBytes(values.to, out, at),
  city: (values, out, at) => writeBytes(values.city, out, at),
};

type Form = "combined" | "json";

interface Outcome {
  readonly weight: number;
  readonly status: number;
  readonly line: Readonly<Record<Form, Template<Values>>>;
}

interface Page {
  readonly method: string;
  /** As minutes have it, but that they have a city each. */
  readonly endpoint: string;
  readonly outcomes: Weighted<Outcome>;
  /** Those of an incident. */
  readonly failed: Weighted<Outcome>;
  readonly medianBytes: number;
}

function outcome(method: string, path: string, status: number, weight: number): Outcome {
  // Neither has a body; servers write a hyphen for its size.
  const hasBody = status !== 304 && status !== 204;
  const combined = `<client> - <user> [<time>] "${method} ${path} HTTP/1.1" ${status} ${hasBody ? "<size>" : "-"} ` +
    `"<referrer>" "<agent>"`;
  const json = `{"time_iso8601":"<iso>","service":"web","remote_addr":"<client>","remote_user":"<user>",` +
    `"method":"${method}","uri":"${path}","status":${status},"body_bytes_sent":${hasBody ? "<size>" : "0"},` +
    `"referer":"<referrer>","http_user_agent":"<agent>"}`;
  return { weight, status, line: { combined: compileTemplate(combined, HOLES), json: compileTemplate(json, HOLES) } };
}

/** A page by its request, the median size of its body and its usual status; others are added by their shares. */
function page(request: string, medianBytes: number, shares: Readonly<Record<number, number>>): Page {
  const [method, path] = request.split(" ");
  const weighted = (outcomes: readonly Outcome[]) =>
    new Weighted(outcomes.toSorted((a, b) => b.weight - a.weight), ({ weight }) => weight);
  return {
    method,
    endpoint: path.replace(/\?.*/, "").replaceAll("<from>-<to>", ":route").replaceAll("<id>.webp", ":photo").replaceAll(
      /<(\w+)>/g,
      ":$1",
    ),
    outcomes: weighted(Object.entries(shares).map(([status, weight]) => outcome(method, path, Number(status), weight))),
    failed: weighted([[500, 6], [503, 3], [502, 1]].map(([status, weight]) => outcome(method, path, status, weight))),
    medianBytes,
  };
}

/** The most requested first. */
const PAGES: readonly Page[] = [
  page("GET /", 18_400, { 200: 93, 304: 6, 500: 0.2, 503: 0.3 }),
  page("GET /search?from=<from>&to=<to>&adults=2", 41_200, { 200: 97, 400: 1, 500: 0.6, 504: 0.5 }),
  page("GET /static/app.3f9ad2.js", 212_000, { 200: 60, 304: 40 }),
  page("GET /static/site.81b0c4.css", 36_500, { 200: 58, 304: 42 }),
  page("GET /flights/<from>-<to>", 33_800, { 200: 95, 301: 2, 404: 2, 500: 0.4 }),
  page("GET /hotels/<city>", 52_700, { 200: 96, 304: 2, 404: 1, 502: 0.3 }),
  page("GET /api/v1/bookings/<id>", 2_300, { 200: 92, 401: 4, 404: 3, 500: 0.5 }),
  page("POST /api/v1/bookings", 940, { 201: 91, 400: 4, 409: 3, 500: 0.8, 502: 0.7 }),
  page("GET /hotels/<city>/photos/<id>.webp", 84_000, { 200: 74, 304: 25, 404: 1 }),
  page("POST /login", 610, { 302: 80, 401: 18, 429: 1, 500: 0.1 }),
  page("GET /favicon.ico", 4_286, { 200: 30, 304: 70 }),
  page("GET /account/trips", 14_900, { 200: 90, 302: 9, 500: 0.3 }),
  page("POST /api/v1/events", 0, { 204: 99, 400: 0.7, 503: 0.3 }),
  page("GET /robots.txt", 318, { 200: 100 }),
  page("HEAD /healthz", 0, { 200: 99.8, 503: 0.2 }),
  page("GET /wp-login.php", 1_240, { 404: 100 }),
  page("GET /.env", 1_240, { 403: 30, 404: 70 }),
];

class AccessScene implements Scene {
  readonly #values = new Values();
  #page: Page = PAGES[0];
  #outcome: Outcome = PAGES[0].outcomes.items[0];

  constructor(private readonly form: Form) {}

  draw(random: Random, target: number, { fails }: Influence, event: DrawnEvent): void {
    this.#page = PAGES[target];
    this.#outcome = (fails ? this.#page.failed : this.#page.outcomes).pick(random);
    this.#values.timeMs = event.timeMs;
    const { status } = this.#outcome;
    event.level = status >= 500 ? "ERROR" : status >= 400 ? "WARN" : "INFO";
    event.isError = status >= 500;
    event.latencyMs = NaN;
  }

  write(random: Random, out: Uint8Array, at: number): number {
    const values = this.#values;
    values.client = CLIENTS.pick(random);
    values.user = USERS.pick(random);
    values.referrer = REFERRERS.pick(random);
    values.agent = AGENTS.pick(random);
    values.sizeBytes = Math.round(random.logNormal(this.#page.medianBytes, 0.35));
    values.id = 10_000_000 + random.below(90_000_000);
    const from = random.below(AIRPORT_BYTES.length);
    values.from = AIRPORT_BYTES[from];
    values.to = AIRPORT_BYTES[(from + 1 + random.below(AIRPORT_BYTES.length - 1)) % AIRPORT_BYTES.length];
    values.city = CITY_BYTES[random.below(CITY_BYTES.length)];
    return this.#outcome.line[this.form](values, out, at);
  }
}

/** The same accesses in JSON. */
export const jsonAccessScene = (): Scene => new AccessScene("json");

export const access: Scenario = defineScenario({
  name: "access",
  description: "access logs in the combined format of the booking site",
  topic: "access-logs",
  share: 0.15,
  salt: 0x616363,
  targets: PAGES.map(({ method, endpoint }, rank) => ({
    service: "web",
    method,
    endpoint,
    weight: zipf(0.8)(0, rank),
  })),
  open: () => new AccessScene("combined"),
});
