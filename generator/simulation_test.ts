import { expect } from "expect";
import { REALISTIC } from "./curve.ts";
import type { Incident } from "./incidents/phases.ts";
import { api } from "./scenarios/api.ts";
import { API_ENDPOINTS } from "./scenarios/api_endpoints.ts";
import { mixed } from "./scenarios/mixed.ts";
import type { DrawnEvent, Scenario } from "./scenarios/scenario.ts";
import { RECORD_ROOM_BYTES } from "./scenarios/scenario.ts";
import { simulate, simulateMinutes } from "./simulation.ts";

const FROM_MS = Date.UTC(2026, 2, 2, 12);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** An incident from minute 10 to minute 20. */
function incident(kind: string, settings: Record<string, unknown>, where: Partial<Incident> = {}): Incident {
  return {
    kind,
    service: null,
    method: null,
    endpoint: null,
    fromMs: FROM_MS + 10 * MINUTE_MS,
    toMs: FROM_MS + 20 * MINUTE_MS,
    settings,
    ...where,
  };
}

function eventsOf(incidents: readonly Incident[], scenario: Scenario = api, rate = 20): DrawnEvent[] {
  const events: DrawnEvent[] = [];
  const options = { scenario, seed: 5, rate, fromMs: FROM_MS, toMs: FROM_MS + 30 * MINUTE_MS, incidents };
  simulate(options, (event) => events.push({ ...event }));
  return events;
}

const during = ({ recordTimeMs }: DrawnEvent) =>
  recordTimeMs >= FROM_MS + 10 * MINUTE_MS && recordTimeMs < FROM_MS + 20 * MINUTE_MS;
const QUIET = eventsOf([]);
const share = (events: readonly DrawnEvent[], isOne: (event: DrawnEvent) => boolean): number =>
  events.filter(isOne).length / events.length;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

const endpointOf = (path: string): string => path.replace(/\?.*/, "").replaceAll(/\/\d+/g, "/:id");

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

Deno.test("a simulation says of each record what its bytes say", () => {
  const incidents = [
    incident("error_burst", { share: 0.4 }, { service: "payments" }),
    incident("latency_step", { factor: 5 }, { service: "search" }),
    incident("clock_skew", { by: -90_000 }, { service: "users" }),
    incident("unparsable_records", { share: 0.2 }, { service: "booking" }),
    incident("duplicate_records", { share: 0.1 }),
  ];
  const writer = api.create(5, incidents);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  const decoder = new TextDecoder();
  let previousMs = NaN;
  let read = 0;
  const wrong: unknown[] = [];
  eventsOf(incidents).forEach((event, i) => {
    const timeMs = FROM_MS + (i + 1) * 50 - (i % 20 === 19 ? 1 : 0); // 20 a second, the last before the next second
    const text = decoder.decode(out.subarray(0, writer.write(0, i, timeMs, out, 0, previousMs)));
    previousMs = timeMs;
    const record = parsed(text);
    const expected = event.isUnparsable ? null : {
      ...{ service: event.service, method: event.method, endpoint: event.endpoint, level: event.level },
      timeMs: event.timeMs,
      latency: event.latencyMs.toFixed(3),
      isError: event.isError,
    };
    const seen = record === null ? null : {
      ...{
        service: record.service,
        method: record.method,
        endpoint: endpointOf(String(record.path)),
        level: record.level,
      },
      timeMs: Date.parse(String(record.timestamp)),
      latency: Number(record.response_time_ms).toFixed(3),
      isError: Number(record.status) >= 500,
    };
    if (seen !== null) read++;
    if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ i, seen, expected });
  });
  expect(wrong).toEqual([]);
  expect(read).toBeGreaterThan(30_000);
});

Deno.test("an incident changes nothing before it, after it, and of other services", () => {
  const events = eventsOf([incident("error_burst", { share: 0.5 }, { service: "payments" })]);
  expect(events.length).toBe(QUIET.length);
  const untouched = (event: DrawnEvent) => !during(event) || event.service !== "payments";
  expect(events.filter(untouched)).toEqual(QUIET.filter((_, i) => untouched(events[i])));
});

Deno.test("an error burst makes its share of what would go well fail", () => {
  const isPayment = ({ service }: DrawnEvent) => service === "payments";
  const events = eventsOf([incident("error_burst", { share: 0.5 }, { service: "payments" })], api, 200);
  const failed = share(events.filter((event) => during(event) && isPayment(event)), ({ isError }) => isError);
  // Those that fail anyway are a few percent of the other half.
  expect(failed).toBeGreaterThan(0.48);
  expect(failed).toBeLessThan(0.55);
});

Deno.test("one endpoint fails, and the rest of its service does not", () => {
  const where = { service: "payments", method: "POST", endpoint: "/api/v1/refunds" };
  const events = eventsOf([incident("endpoint_failing", { share: 1 }, where)]).filter(during);
  expect(share(events.filter(({ endpoint }) => endpoint === where.endpoint), ({ isError }) => isError)).toBe(1);
  const others = events.filter(({ service, endpoint }) => service === "payments" && endpoint !== where.endpoint);
  expect(share(others, ({ isError }) => isError)).toBeLessThan(0.1);
});

Deno.test("a latency step multiplies the median, and slow answers become warnings", () => {
  const events = eventsOf([incident("latency_step", { factor: 5 }, { service: "inventory" })], api, 200);
  const latencies = (isIn: (event: DrawnEvent) => boolean) =>
    events.filter((event) => event.service === "inventory" && isIn(event)).map(({ latencyMs }) => latencyMs);
  const ratio = median(latencies(during)) / median(latencies((event) => !during(event)));
  expect(Math.abs(ratio - 5)).toBeLessThan(0.7);
  expect(
    share(events.filter((event) => during(event) && event.service === "inventory"), ({ level }) => level === "WARN"),
  )
    .toBeGreaterThan(0.5);
});

Deno.test("a slow leak grows over its time, and is gone after it", () => {
  const events = eventsOf([incident("slow_leak", { factor: 9 }, { service: "search" })], api, 200)
    .filter(({ service, isError }) => service === "search" && !isError);
  const medianOf = (minute: number) =>
    median(
      events.filter(({ recordTimeMs }) => Math.floor((recordTimeMs - FROM_MS) / MINUTE_MS) === minute)
        .map(({ latencyMs }) => latencyMs),
    );
  const usual = medianOf(5);
  expect(medianOf(10) / usual).toBeLessThan(2.2);
  expect(medianOf(15) / usual).toBeGreaterThan(3.5);
  expect(medianOf(19) / usual).toBeGreaterThan(6.5);
  expect(medianOf(21) / usual).toBeLessThan(1.5);
});

Deno.test("a traffic drop takes its service's records away, and nobody else's", () => {
  const events = eventsOf([incident("traffic_drop", { keeps: 0.1 }, { service: "search" })], api, 200);
  const count = (isOne: (event: DrawnEvent) => boolean) =>
    events.filter((event) => during(event) && isOne(event)).length;
  const usual = eventsOf([], api, 200).filter(during);
  const isSearch = ({ service }: DrawnEvent) => service === "search";
  expect(Math.abs(count(isSearch) / usual.filter(isSearch).length - 0.1)).toBeLessThan(0.02);
  const others = usual.filter((event) => !isSearch(event)).length;
  expect(Math.abs(count((event) => !isSearch(event)) / others - 1)).toBeLessThan(0.03);
});

Deno.test("where no traffic is left, nothing comes", () => {
  const events = eventsOf([incident("traffic_drop", { keeps: 0 })]);
  expect(events.filter(during)).toEqual([]);
  expect(events.length).toBe(QUIET.length * 2 / 3);
});

Deno.test("a new error has its message in the share of records that it says, with an id in its hole", () => {
  const incidents = [
    incident("new_error", { share: 0.1, message: 'Ledger "west" <id> <lost>' }, { service: "booking" }),
  ];
  const writer = api.create(5, incidents);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  const events = eventsOf(incidents);
  let seen = 0;
  events.forEach(({ recordTimeMs }, i) => {
    const text = new TextDecoder().decode(out.subarray(0, writer.write(0, i, recordTimeMs, out, 0)));
    const message = /"message":("Ledger.*?[^\\]")/.exec(text);
    if (message === null) return;
    seen++;
    expect(JSON.parse(message[1])).toMatch(/^Ledger "west" \d{8} <lost>$/);
  });
  const all = events.filter((event) => during(event) && event.service === "booking").length;
  expect(Math.abs(seen / all - 0.1)).toBeLessThan(0.02);
});

Deno.test("skewed clocks and late records move the event's time, not the record's", () => {
  const skewed = eventsOf([incident("clock_skew", { by: 240_000 }, { service: "reviews" })]);
  skewed.forEach((event, i) => {
    const isMoved = during(event) && event.service === "reviews";
    expect([event.recordTimeMs, event.timeMs - QUIET[i].timeMs]).toEqual([
      QUIET[i].recordTimeMs,
      isMoved ? 240_000 : 0,
    ]);
  });
  const late = eventsOf([incident("late_records", { share: 0.3, by: 600_000 })]);
  const moved = late.map((event, i) => QUIET[i].timeMs - event.timeMs);
  const lateShare = moved.filter((_, i) => during(late[i])).filter((ms) => ms > 0).length / late.filter(during).length;
  expect(Math.abs(lateShare - 0.3)).toBeLessThan(0.02);
  expect(moved.filter((ms) => ms !== 0 && (ms < 300_000 || ms > 600_000))).toEqual([]);
});

Deno.test("copies are the record before, to the byte, in the share that the script says", () => {
  const incidents = [incident("duplicate_records", { share: 0.1 })];
  const writer = api.create(5, incidents);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  const events = eventsOf(incidents);
  let [copies, previous, previousMs] = [0, "", NaN];
  QUIET.forEach(({ recordTimeMs }, i) => {
    const text = new TextDecoder().decode(out.subarray(0, writer.write(0, i, recordTimeMs, out, 0, previousMs)));
    if (text === previous) {
      copies++;
      expect(during(QUIET[i - 1])).toBe(true);
      expect(events[i].timeMs).toBe(events[i - 1].timeMs);
    }
    previous = text;
    previousMs = recordTimeMs;
  });
  expect(Math.abs(copies / QUIET.filter(during).length - 0.1)).toBeLessThan(0.01);
});

Deno.test("partitions split a simulation's records without changing how many there are", () => {
  const counts = [1, 3, 7].map((partitions) => {
    let count = 0;
    simulate(
      { scenario: mixed, seed: 1, rate: 33.3, fromMs: FROM_MS, toMs: FROM_MS + HOUR_MS, partitions },
      () => count++,
    );
    return count;
  });
  expect(counts).toEqual([119_880, 119_880, 119_880]);
});

Deno.test("minutes are the events, counted by their own times", () => {
  const options = { scenario: api, seed: 3, rate: 30, fromMs: FROM_MS, toMs: FROM_MS + HOUR_MS, shape: REALISTIC };
  const { minutes, unparsed } = simulateMinutes(options);
  const expected = new Map<string, [count: number, errors: number, latency: number]>();
  let unparsable = 0;
  simulate(options, ({ timeMs, method, endpoint, isError, isUnparsable, latencyMs }) => {
    if (isUnparsable) return void unparsable++;
    const key = `${timeMs - timeMs % MINUTE_MS} ${method} ${endpoint}`;
    const [count, errors, latency] = expected.get(key) ?? [0, 0, 0];
    expected.set(key, [count + 1, errors + Number(isError), latency + latencyMs]);
  });
  expect(
    new Map(minutes.map(({ minuteMs, method, endpoint, count, errors, latenciesMs }) => [
      `${minuteMs} ${method} ${endpoint}`,
      [count, errors, latenciesMs.reduce((sum, ms) => sum + ms, 0)],
    ])),
  ).toEqual(expected);
  expect([...unparsed.values()].reduce((sum, count) => sum + count, 0)).toBe(unparsable);
  expect(new Set(minutes.map(({ service }) => service))).toEqual(new Set(API_ENDPOINTS.map(({ service }) => service)));
});
