/** Incidents of a seed: which, where, when and how bad, for measuring rules of alerts. */
import type { Incident } from "../generator/incidents/phases.ts";
import type { Scenario } from "../generator/scenarios/scenario.ts";

const MINUTE_MS = 60_000;
/** From one incident's beginning to the next: the one before is long over. */
const EVERY_MS = 200 * MINUTE_MS;

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Draw = (low: number, high: number) => number;

/** What an incident of each kind does; shares and factors from what is barely seen to an outage. */
const KINDS: readonly (readonly [kind: string, settings: (draw: Draw) => Record<string, unknown>])[] = [
  ["error_burst", (draw) => ({ share: draw(0.12, 0.7) })],
  ["endpoint_failing", (draw) => ({ share: draw(0.4, 1) })],
  ["latency_step", (draw) => ({ factor: draw(2, 6) })],
  ["traffic_drop", (draw) => ({ keeps: draw(0, 0.4) })],
  ["traffic_drop", () => ({ keeps: 0 })],
  ["traffic_surge", (draw) => ({ factor: draw(3, 7) })],
  [
    "new_error",
    (draw) => ({ share: draw(0.02, 0.1), message: `cannot reach the ledger of ${word(draw)}, request <id>` }),
  ],
  ["unparsable_records", (draw) => ({ share: draw(0.05, 0.4) })],
  ["slow_leak", (draw) => ({ factor: draw(4, 9) })],
];

const SYLLABLES = ["ka", "ro", "mi", "tel", "von", "su", "pra", "nek", "lor", "di"];
const word = (draw: Draw): string =>
  Array.from({ length: 4 }, () => SYLLABLES[Math.floor(draw(0, SYLLABLES.length))]).join("");

/** Incidents in [fromMs, toMs), one at a time, each kind as often as the others. */
export function incidentsOf(seed: number, scenario: Scenario, fromMs: number, toMs: number): Incident[] {
  const random = randomOf(seed);
  const draw: Draw = (low, high) => low + random() * (high - low);
  const services = [...new Set(scenario.targets.map(({ service }) => service))];
  const total = scenario.targets.reduce((sum, { weight }) => sum + weight, 0);
  // Endpoints with enough traffic that somebody would notice.
  const endpoints = scenario.targets.filter(({ weight }) => weight / total >= 0.02);
  const incidents: Incident[] = [];
  let number = Math.floor(draw(0, KINDS.length));
  for (let atMs = fromMs + 60 * MINUTE_MS; atMs + EVERY_MS <= toMs; atMs += EVERY_MS) {
    const [kind, settings] = KINDS[number++ % KINDS.length];
    const startMs = atMs + Math.floor(draw(0, 30 * MINUTE_MS));
    const lastsMs = Math.floor(draw(kind === "slow_leak" ? 60 : 12, kind === "slow_leak" ? 110 : 45)) * MINUTE_MS;
    const target = endpoints[Math.floor(draw(0, endpoints.length))];
    const isOfEndpoint = kind === "endpoint_failing";
    incidents.push({
      kind,
      service: kind === "unparsable_records"
        ? null
        : isOfEndpoint
        ? target.service
        : services[Math.floor(draw(0, services.length))],
      method: isOfEndpoint ? target.method : null,
      endpoint: isOfEndpoint ? target.endpoint : null,
      fromMs: startMs,
      toMs: startMs + lastsMs,
      settings: settings(draw),
    });
  }
  return incidents;
}
