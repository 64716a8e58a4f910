/** What the services of the `api` scenario answer to: a marketplace for places to stay, as its own logs would show it. */

export interface Route {
  readonly service: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A template (generator/template.ts): the gaps are ids. */
  readonly path: string;
  /** Median response time of a request that succeeds. */
  readonly medianMs: number;
  /** Share of requests that fail with 5xx. */
  readonly errorShare: number;
  /** Share of requests that are answered with 4xx. */
  readonly refusalShare: number;
}

type RouteRow = readonly [
  service: string,
  method: Route["method"],
  path: string,
  medianMs: number,
  errorShare: number,
  refusalShare: number,
];

/** The most wanted first: their shares fall by Zipf's law. */
const ROWS: readonly RouteRow[] = [
  ["search", "GET", "/api/v3/search?adults=<below:6>&page=<below:9>", 95, 0.002, 0.004],
  ["listings", "GET", "/api/v3/listings/<digits:8>", 24, 0.001, 0.02],
  ["photos", "GET", "/api/v2/listings/<digits:8>/photos", 9, 0.0005, 0.01],
  ["calendar", "GET", "/api/v2/calendars/<digits:8>/months", 18, 0.001, 0.005],
  ["pricing", "POST", "/api/v2/quotes", 61, 0.004, 0.01],
  ["reviews", "GET", "/api/v2/listings/<digits:8>/reviews", 31, 0.001, 0.004],
  ["accounts", "GET", "/api/v1/users/<digits:9>", 12, 0.0005, 0.015],
  ["messages", "GET", "/api/v2/threads/<uuid>", 27, 0.001, 0.006],
  ["search", "GET", "/api/v3/autocomplete?user=<digits:9>", 14, 0.0005, 0.002],
  ["accounts", "POST", "/api/v1/sessions", 88, 0.002, 0.12],
  ["wishlists", "GET", "/api/v1/wishlists/<digits:8>", 21, 0.001, 0.01],
  ["bookings", "POST", "/api/v2/reservations", 210, 0.012, 0.05],
  ["messages", "POST", "/api/v2/threads/<uuid>/messages", 46, 0.002, 0.01],
  ["bookings", "GET", "/api/v2/reservations/<uuid>", 34, 0.001, 0.01],
  ["pricing", "GET", "/api/v2/smart-prices/<digits:8>", 380, 0.03, 0.005],
  ["wishlists", "PUT", "/api/v1/wishlists/<digits:8>/items/<digits:8>", 29, 0.001, 0.01],
  ["payments", "POST", "/api/v1/payments", 640, 0.025, 0.06],
  ["accounts", "PATCH", "/api/v1/users/<digits:9>/preferences", 38, 0.001, 0.02],
  ["calendar", "PUT", "/api/v2/calendars/<digits:8>/days", 52, 0.003, 0.02],
  ["identity", "POST", "/api/v1/verifications", 1250, 0.04, 0.09],
  ["photos", "POST", "/api/v2/listings/<digits:8>/photos", 720, 0.008, 0.04],
  ["bookings", "DELETE", "/api/v2/reservations/<uuid>", 150, 0.004, 0.03],
  ["reviews", "POST", "/api/v2/reservations/<uuid>/reviews", 57, 0.002, 0.03],
  ["payments", "GET", "/api/v1/payouts/<digits:10>", 42, 0.002, 0.01],
  ["payments", "POST", "/api/v1/payments/<digits:10>/refunds", 540, 0.02, 0.04],
  ["listings", "PATCH", "/api/v3/listings/<digits:8>", 64, 0.002, 0.03],
  ["identity", "GET", "/api/v1/verifications/<uuid>", 23, 0.001, 0.01],
  ["listings", "POST", "/api/v3/listings", 130, 0.003, 0.06],
  ["search", "GET", "/api/v3/maps/<hex:12>", 45, 0.001, 0.002],
  ["accounts", "DELETE", "/api/v1/sessions/<hex:16>", 11, 0.0005, 0.01],
  ["experiences", "GET", "/api/v1/experiences/<digits:7>", 33, 0.002, 0.02],
  ["experiences", "POST", "/api/v1/experiences/<digits:7>/bookings", 260, 0.05, 0.05],
];

export const ROUTES: readonly Route[] = ROWS.map(
  ([service, method, path, medianMs, errorShare, refusalShare]) => ({
    service,
    method,
    path,
    medianMs,
    errorShare,
    refusalShare,
  }),
);

/** What becomes of a request, besides its route. */
export interface Outcome {
  readonly status: number;
  readonly level: "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL";
  /** A template. */
  readonly message: string;
  /** Within outcomes of the same kind (success, refusal, error). */
  readonly weight: number;
  /** The response time, as a multiple of the route's. */
  readonly slowness: number;
}

const INFO_MESSAGE = "request served by worker <below:32> of pool <below:8>, <below:40> rows from replica <below:4>";

export const SUCCESSES: readonly Outcome[] = [
  { status: 200, level: "INFO", message: INFO_MESSAGE, weight: 88, slowness: 1 },
  {
    status: 200,
    level: "DEBUG",
    message: "served from cache shard <below:16>, entry <hex:16> is <below:900> s old",
    weight: 8,
    slowness: 0.2,
  },
  { status: 304, level: "INFO", message: "not modified since revision <digits:7>", weight: 3, slowness: 0.5 },
  {
    status: 200,
    level: "WARN",
    message: "slow query: scanned <digits:6> rows on replica <below:4> without an index",
    weight: 1,
    slowness: 6,
  },
];

export const REFUSALS: readonly Outcome[] = [
  { status: 404, level: "WARN", message: "no such resource, asked for by user <digits:9>", weight: 50, slowness: 0.6 },
  { status: 401, level: "WARN", message: "session <hex:16> has expired or was revoked", weight: 20, slowness: 0.4 },
  { status: 400, level: "WARN", message: "request body does not match schema v<below:9>", weight: 15, slowness: 0.4 },
  { status: 429, level: "WARN", message: "user <digits:9> is over its rate limit", weight: 8, slowness: 0.1 },
  { status: 409, level: "WARN", message: "version conflict, expected revision <digits:7>", weight: 7, slowness: 0.9 },
];

export const ERRORS: readonly Outcome[] = [
  {
    status: 500,
    level: "ERROR",
    message: "TypeError: Cannot read properties of undefined (reading 'currency') for user <digits:9>",
    weight: 30,
    slowness: 0.8,
  },
  {
    status: 503,
    level: "ERROR",
    message: "connection pool exhausted: <below:64> requests waited for database shard <below:8>",
    weight: 25,
    slowness: 4,
  },
  {
    status: 504,
    level: "ERROR",
    message: "upstream timed out after 3000 ms, attempt <below:4> of 3, node 10.0.<below:16>.<below:256>",
    weight: 25,
    slowness: 12,
  },
  {
    status: 502,
    level: "ERROR",
    message: "connect ECONNREFUSED 10.0.<below:16>.<below:256>:8443 while calling the ledger",
    weight: 18,
    slowness: 0.5,
  },
  {
    status: 500,
    level: "FATAL",
    message: "worker <below:32> ran out of memory at <digits:4> MB and was restarted",
    weight: 2,
    slowness: 8,
  },
];
