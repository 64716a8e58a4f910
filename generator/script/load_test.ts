import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import { FLAT } from "../curve.ts";
import { INCIDENT_KINDS } from "../incidents/registry.ts";
import { SCENARIOS } from "../scenarios/registry.ts";
import { momentMs, readScript } from "./load.ts";
import { truthOf } from "./truth.ts";

const START_MS = Date.UTC(2026, 2, 1);

const SCRIPT = `
scenarios: [api]
rate: 50
seed: 7
shape: { daily: 0.5 }
incidents:
  - kind: error_burst
    service: payments
    from: +2h
    for: 15m
    share: 0.4
  - kind: endpoint_failing
    service: booking
    endpoint: POST /api/v1/bookings
    from: 2026-03-01T01:00:00Z
    to: 2026-03-01 01:30:00
  - kind: late_records
    from: +1d
    for: 1h
    by: 8m
`;

/** The faults of a script's text, one a line. */
function faultsOf(text: string): string[] {
  try {
    readScript(text, "day.yaml", START_MS);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    expect([error.code, error.remedy]).toEqual(["INVALID_INPUT", expect.stringContaining("docs/generator.md")]);
    return error.message.split(/\n\s+/);
  }
  throw new Error("the script was taken");
}

Deno.test("a script's incidents have absolute times and their kinds' defaults", () => {
  const script = readScript(SCRIPT, "day.yaml", START_MS);
  expect(script.shape).toEqual({ daily: 0.5, weekly: 0.3, noise: 0.03, peakHour: 14 });
  expect([script.scenarios, script.rate, script.seed]).toEqual([["api"], 50, 7]);
  const hours = script.incidents.map(({ fromMs, toMs }) => [(fromMs - START_MS) / 3.6e6, (toMs - START_MS) / 3.6e6]);
  expect(hours).toEqual([[2, 2.25], [1, 1.5], [24, 25]]);
  expect(script.incidents.map(({ settings }) => settings)).toEqual([{ share: 0.4 }, { share: 1 }, {
    share: 0.2,
    by: 480_000,
  }]);
  expect(script.incidents[1]).toMatchObject({ service: "booking", method: "POST", endpoint: "/api/v1/bookings" });
});

Deno.test("ground truth has a line an incident, in the order of their beginnings", () => {
  const script = readScript(SCRIPT, "day.yaml", START_MS);
  const pace = { kind: "planned", fromMs: START_MS, toMs: START_MS + 86_400_000, speed: 1 } as const;
  const traffic = {
    ...{ scenarios: ["api"], rate: 50, seed: 7, shape: FLAT, incidents: [], pace, rampMs: 0, burst: null },
    count: Infinity,
    framing: null,
    workers: 1,
  };
  const text = truthOf(traffic, START_MS, SCENARIOS, script.incidents);
  const [made, ...lines] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  expect(made).toMatchObject({ kind: "traffic", seed: 7, rate: 50, from: "2026-03-01T00:00:00.000Z" });
  expect(lines.map(({ kind }) => kind)).toEqual(["endpoint_failing", "error_burst", "late_records"]);
  expect(lines[1]).toEqual({
    kind: "error_burst",
    service: "payments",
    endpoint: null,
    from: "2026-03-01T02:00:00.000Z",
    to: "2026-03-01T02:15:00.000Z",
    effect: { measure: "error_share", change: "adds", by: 0.4 },
    settings: { share: 0.4 },
    topics: ["app-logs", "payments", "mixed-logs"],
  });
  expect(lines[0].endpoint).toBe("POST /api/v1/bookings");
});

Deno.test("an empty file is a script without incidents", () => {
  expect(readScript("", "day.yaml", START_MS)).toEqual({
    scenarios: null,
    rate: null,
    seed: null,
    shape: null,
    incidents: [],
  });
});

Deno.test("every fault is told with file, line and column, what was expected and what was found", () => {
  expect(faultsOf(SCRIPT.replace("rate: 50", "rate: fast"))).toEqual([
    'day.yaml:3:7: rate: expected records a second, above 0 and up to 10000000, found "fast"',
  ]);
  expect(faultsOf(SCRIPT.replace("scenarios: [api]", "scenarios: [apis]").replace("share: 0.4", "share: 4"))).toEqual(
    [
      "day.yaml:2:13: no scenario apis (did you mean api?)",
      "day.yaml:11:12: share: expected a share above 0, up to 1, found 4",
    ],
  );
  expect(faultsOf(SCRIPT.replace("POST /api/v1/bookings", "POST /api/v1/bokings"))).toEqual([
    "day.yaml:14:15: no endpoint POST /api/v1/bokings (did you mean POST /api/v1/bookings?)",
  ]);
  expect(faultsOf(SCRIPT.replace("error_burst", "eror_burst"))).toEqual([
    "day.yaml:7:11: no kind of incident eror_burst (did you mean error_burst?)",
  ]);
  expect(faultsOf(SCRIPT.replace("for: 15m", "fore: 15m"))).toEqual([
    "day.yaml:10:5: no such key: fore (did you mean for?)",
  ]);
  expect(faultsOf(SCRIPT.replace("for: 15m", "for: 15 minutes"))).toEqual([
    'day.yaml:10:10: for: expected a duration such as 90s, 15m, 2h or 1d, found "15 minutes"',
  ]);
  expect(faultsOf(SCRIPT.replace("from: +2h", "from: tomorrow"))).toEqual([
    'day.yaml:9:11: from: expected a time as in 2026-03-02T10:00:00Z, or +2h after the start, found "tomorrow"',
  ]);
  expect(faultsOf(SCRIPT.replace("01:30:00", "00:30:00"))).toEqual(["day.yaml:16:9: an incident ends after it begins"]);
  expect(faultsOf(SCRIPT.replace("    for: 15m\n", ""))).toEqual([
    'day.yaml:7:5: expected either "to", a time, or "for", a duration',
  ]);
  expect(faultsOf(SCRIPT.replace("    endpoint: POST /api/v1/bookings\n", ""))).toEqual([
    "day.yaml:12:5: endpoint_failing: expected an endpoint, found none",
  ]);
  expect(faultsOf("incidents: [3]")).toEqual([
    'day.yaml:1:13: expected an incident, as in "- kind: error_burst", found 3',
  ]);
  expect(faultsOf("incidents: [")[0]).toMatch(/^day\.yaml:1:\d+: /);
});

Deno.test("every kind of incident can be scripted with its defaults, but for what it has to be told", () => {
  const needed: Readonly<Record<string, string>> = {
    endpoint_failing: "endpoint: /api/v1/refunds",
    new_error: "message: Something new",
    clock_skew: "by: -5m",
  };
  const incidents = INCIDENT_KINDS.map(({ name }) =>
    `  - { kind: ${name}, from: +1h, for: 5m, ${needed[name] ?? ""} }`
  );
  const script = readScript(`incidents:\n${incidents.join("\n")}\n`, "day.yaml", START_MS);
  expect(script.incidents.map(({ kind }) => kind)).toEqual(INCIDENT_KINDS.map(({ name }) => name));
});

Deno.test("times are ISO 8601, in UTC where they name no zone, or durations after the start", () => {
  const times = [
    "2026-03-01",
    "2026-03-01T02:00",
    "2026-03-01 02:00:00Z",
    "2026-03-01T02:00:00+01:00",
    "+90m",
    "-1h",
    "2026",
  ];
  expect(times.map((text) => momentMs(text, START_MS))).toEqual([
    START_MS,
    START_MS + 2 * 3_600_000,
    START_MS + 2 * 3_600_000,
    START_MS + 3_600_000,
    START_MS + 5_400_000,
    null,
    null,
  ]);
});
