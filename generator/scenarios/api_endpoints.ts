/**
 * The endpoints of a travel-booking platform: what `api` writes about. The most called come first (their shares follow
 * Zipf's law). `<id>`, `<user>` and so on are the holes of api.ts; a hole has one value in a record, so that a message
 * speaks of the id in its path.
 */

export interface ApiEndpoint {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly status: 200 | 201 | 202 | 204;
  /** Median and spread (of the logarithm) of the response time when all goes well. */
  readonly medianMs: number;
  readonly sigma: number;
  /** Shares of requests that end in a 4xx and in a 5xx. */
  readonly clientErrors: number;
  readonly serverErrors: number;
  readonly messages: readonly string[];
  /** What a 404, or a 409 where `conflict` is set, says. */
  readonly missing: string;
  readonly conflict?: string;
  /** What failed when it is a 5xx. */
  readonly dependency: string;
}

/** Terse: method and path, status, median ms, sigma, shares of 4xx and 5xx. */
function endpoint(
  service: string,
  call: string,
  [status, medianMs, sigma, clientErrors, serverErrors]: readonly [
    200 | 201 | 202 | 204,
    number,
    number,
    number,
    number,
  ],
  texts: Pick<ApiEndpoint, "messages" | "missing" | "conflict" | "dependency">,
): ApiEndpoint {
  const [method, path] = call.split(" ");
  return { service, method, path, status, medianMs, sigma, clientErrors, serverErrors, ...texts };
}

export const API_ENDPOINTS: readonly ApiEndpoint[] = [
  endpoint("search", "GET /api/v2/flights/search?from=<from>&to=<to>&adults=<adults>", [
    200,
    148,
    0.55,
    0.012,
    0.004,
  ], {
    messages: [
      "Found <count> flights for <route>, <adults> adults",
      "Search <route> answered from cache, <count> hits",
    ],
    missing: "No flights for <route> on that date",
    dependency: "fare index shard <host>",
  }),
  endpoint("pricing", "GET /api/v2/fares/<id>", [200, 31, 0.5, 0.015, 0.003], {
    messages: ["Fare <id> priced at EUR <price>", "Fare <id> for <route> is still valid, EUR <price>"],
    missing: "Fare <id> has expired",
    dependency: "fare rules engine",
  }),
  endpoint("search", "GET /api/v2/hotels/search?city=<city>&guests=<adults>", [200, 121, 0.6, 0.01, 0.004], {
    messages: ["Found <count> hotels near <city>, <adults> adults", "Hotel search in <city>: <count> with free rooms"],
    missing: "No hotels near <city> match the filters",
    dependency: "hotel index shard <host>",
  }),
  endpoint("users", "GET /api/v1/users/<user>", [200, 9, 0.4, 0.02, 0.0005], {
    messages: ["Profile of user <user> loaded, <count> saved trips", "Profile of user <user> served from cache"],
    missing: "User <user> does not exist or was deleted",
    dependency: "users database replica",
  }),
  endpoint("inventory", "GET /api/v1/hotels/<hotel>/rooms", [200, 44, 0.5, 0.008, 0.006], {
    messages: ["<count> rooms free in hotel <hotel>", "Availability of hotel <hotel> refreshed, <count> rooms"],
    missing: "Hotel <hotel> is not in the inventory",
    dependency: "hotel supplier feed",
  }),
  endpoint("booking", "GET /api/v1/bookings/<id>", [200, 18, 0.45, 0.03, 0.002], {
    messages: ["Booking <id> loaded for user <user>", "Itinerary of booking <id> sent, <adults> travellers"],
    missing: "Booking <id> not found for user <user>",
    dependency: "bookings database",
  }),
  endpoint("users", "POST /api/v1/sessions", [201, 62, 0.35, 0.11, 0.001], {
    messages: ["User <user> signed in with a password", "User <user> signed in with a passkey"],
    missing: "Sign-in refused: unknown e-mail address",
    conflict: "Sign-in of user <user> refused: wrong password",
    dependency: "session store",
  }),
  endpoint("booking", "POST /api/v1/bookings", [201, 236, 0.5, 0.04, 0.012], {
    messages: ["Booking <id> created: <route>, <adults> adults", "Booking <id> held for 20 minutes, EUR <price>"],
    missing: "Offer for <route> is gone, booking not created",
    conflict: "Seat already taken on <route>, offer <count>",
    dependency: "seat reservation at the airline",
  }),
  endpoint("reviews", "GET /api/v1/hotels/<hotel>/reviews", [200, 27, 0.5, 0.006, 0.002], {
    messages: ["<count> reviews of hotel <hotel> listed", "Reviews of hotel <hotel> served from cache"],
    missing: "Hotel <hotel> has no review page",
    dependency: "review search index",
  }),
  endpoint("payments", "POST /api/v1/payments", [201, 412, 0.55, 0.05, 0.03], {
    messages: ["Payment of EUR <price> for booking <id> captured", "Payment authorised for booking <id>, EUR <price>"],
    missing: "Booking <id> cannot be paid: it was cancelled",
    conflict: "Payment for booking <id> is already captured",
    dependency: "card acquirer",
  }),
  endpoint("pricing", "POST /api/v2/quotes", [201, 87, 0.5, 0.02, 0.005], {
    messages: ["Quote for <route> is EUR <price>, <adults> adults", "Quote for <route> repriced to EUR <price>"],
    missing: "Fare family for <route> is not on sale",
    dependency: "currency rates",
  }),
  endpoint("inventory", "PUT /api/v1/rooms/<id>/hold", [200, 73, 0.5, 0.05, 0.009], {
    messages: ["Room <id> of hotel <hotel> held for 15 minutes", "Hold on room <id> extended by user <user>"],
    missing: "Room <id> is not in the inventory",
    conflict: "Room <id> is held by another booking",
    dependency: "lock service",
  }),
  endpoint("booking", "PUT /api/v1/bookings/<id>/confirm", [200, 185, 0.5, 0.025, 0.015], {
    messages: ["Booking <id> confirmed, e-ticket issued", "Booking <id> confirmed for <adults> travellers"],
    missing: "Booking <id> to confirm not found",
    conflict: "Booking <id> is not paid yet",
    dependency: "ticketing provider",
  }),
  endpoint("notifications", "POST /api/v1/emails", [202, 12, 0.5, 0.004, 0.004], {
    messages: ["Itinerary e-mail queued for user <user>", "Price alert for <route> queued for user <user>"],
    missing: "User <user> has no confirmed e-mail address",
    dependency: "mail queue",
  }),
  endpoint("search", "GET /api/v2/cars/search?city=<city>", [200, 164, 0.6, 0.014, 0.007], {
    messages: ["Found <count> cars in <city>", "Car search in <city> merged <adults> suppliers, <count> cars"],
    missing: "No rental station near <city>",
    dependency: "car rental supplier",
  }),
  endpoint("users", "PUT /api/v1/users/<user>/preferences", [200, 21, 0.4, 0.02, 0.001], {
    messages: ["Preferences of user <user> saved", "User <user> subscribed to price alerts for <route>"],
    missing: "User <user> does not exist",
    dependency: "users database primary",
  }),
  endpoint("booking", "DELETE /api/v1/bookings/<id>", [204, 142, 0.5, 0.06, 0.006], {
    messages: ["Booking <id> cancelled, refund of EUR <price> due", "Booking <id> cancelled by user <user>"],
    missing: "Booking <id> to cancel not found",
    conflict: "Booking <id> has departed, not cancelled",
    dependency: "airline cancellation",
  }),
  endpoint("notifications", "POST /api/v1/push", [202, 8, 0.45, 0.01, 0.003], {
    messages: ["Gate change pushed to user <user>", "Check-in reminder pushed to <adults> devices"],
    missing: "User <user> has no registered device",
    dependency: "push gateway",
  }),
  endpoint("payments", "POST /api/v1/refunds", [202, 268, 0.55, 0.03, 0.02], {
    messages: ["Refund of EUR <price> for booking <id> accepted", "Refund for booking <id> sent to the acquirer"],
    missing: "Booking <id> has no captured payment",
    conflict: "Refund for booking <id> exceeds the payment",
    dependency: "card acquirer",
  }),
  endpoint("reviews", "POST /api/v1/hotels/<hotel>/reviews", [201, 54, 0.45, 0.05, 0.003], {
    messages: ["Review of hotel <hotel> by user <user> accepted", "Review of hotel <hotel> waits for moderation"],
    missing: "User <user> never stayed at hotel <hotel>",
    dependency: "moderation queue",
  }),
  endpoint("reporting", "GET /api/v1/reports/occupancy", [200, 1840, 0.7, 0.004, 0.04], {
    messages: ["Occupancy report of <city>: <count> hotels", "Occupancy report of <city> built from <count> rows"],
    missing: "No contracts in <city> to report on",
    dependency: "warehouse query",
  }),
  endpoint("search", "GET /healthz", [200, 0.4, 0.3, 0, 0.0005], {
    messages: ["Health check passed, <count> open connections", "Health check passed, index is fresh"],
    missing: "Health check of an unknown part",
    dependency: "fare index",
  }),
];
