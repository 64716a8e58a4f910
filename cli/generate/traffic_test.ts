import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { readTraffic, type TrafficOptions } from "./traffic.ts";

const NOW_MS = Date.UTC(2026, 2, 10);
const DAY_MS = 86_400_000;

const read = (options: TrafficOptions, generator: Record<string, unknown> = {}) =>
  readTraffic(configSchema.parse({ generator }), options, NOW_MS);

async function refusalOf(options: TrafficOptions, generator: Record<string, unknown> = {}): Promise<string> {
  try {
    await read(options, generator);
  } catch (error) {
    if (error instanceof MillraceError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error("it was taken");
}

Deno.test("without options it is the configuration's traffic, live", async () => {
  expect(await read({})).toMatchObject({
    scenarios: ["api", "access", "payment"],
    rate: 200,
    seed: 1,
    pace: { kind: "live" },
    rampMs: 0,
    burst: null,
    count: Infinity,
  });
  expect((await read({}, { shape: "realistic" })).shape.daily).toBe(0.6);
});

Deno.test("a range is from one time to another, up to now, or at a speed without an end", async () => {
  const range = async (options: TrafficOptions) => (await read(options)).pace;
  expect(await range({ from: "2026-03-01", to: "2026-03-02" })).toEqual({
    ...{ kind: "planned", fromMs: NOW_MS - 9 * DAY_MS, toMs: NOW_MS - 8 * DAY_MS },
    speed: Infinity,
  });
  expect(await range({ from: "-7d" })).toMatchObject({ fromMs: NOW_MS - 7 * DAY_MS, toMs: NOW_MS, speed: Infinity });
  expect(await range({ from: "-7d", to: "+1d" })).toMatchObject({ toMs: NOW_MS - 6 * DAY_MS });
  expect(await range({ from: "-7d", speed: "60" })).toMatchObject({ toMs: Infinity, speed: 60 });
});

Deno.test("bursts, ramps and counts are read, and told what they should be", async () => {
  expect(await read({ burst: "10x30s/5m", ramp: "2m", count: "5000" })).toMatchObject({
    burst: { factor: 10, forMs: 30_000, everyMs: 300_000 },
    rampMs: 120_000,
    count: 5000,
  });
  expect(await refusalOf({ burst: "10x5m/30s" })).toContain("--burst: expected as in 10x30s/5m");
  expect(await refusalOf({ ramp: "soon" })).toContain(
    '--ramp: expected a duration such as 90s, 15m, 2h or 1d, found "soon"',
  );
  expect(await refusalOf({ count: "1.5" })).toContain('--count: expected a whole number from 1, found "1.5"');
  expect(await refusalOf({ from: "2026-03-09", to: "2026-03-08" })).toContain("--to: expected a time after 2026-03-09");
  expect(await refusalOf({ from: "2027-01-01" })).toContain("found now");
  expect(await refusalOf({ to: "2027-01-01" })).toContain("--to: needs --from");
  expect(await refusalOf({ speed: "2" })).toContain("--speed: needs --from");
  expect(await refusalOf({}, { scenarios: ["apy"] })).toContain("no scenario apy (did you mean api?)");
});

Deno.test("a script decides what the command line leaves open, and has its truth written beside it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const script = `${directory}/day.yaml`;
    const incident = "{ kind: latency_step, service: search, from: +1h, for: 5m }";
    await Deno.writeTextFile(script, `scenarios: [mixed]\nrate: 30\nseed: 4\nincidents:\n  - ${incident}\n`);
    const traffic = await read({ from: "2026-03-01" }, { script });
    expect(traffic).toMatchObject({ scenarios: ["mixed"], rate: 30, seed: 4 });
    expect(traffic.incidents[0].fromMs).toBe(NOW_MS - 9 * DAY_MS + 3_600_000);
    const lines = (await Deno.readTextFile(`${directory}/day.truth.ndjson`)).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(["traffic", "latency_step"]);
    expect(await read({ rate: "200", scenario: "api" }, { script })).toMatchObject({ rate: 200, seed: 4 });
    expect(await refusalOf({}, { script: `${directory}/none.yaml` })).toBe(
      `FILE_UNAVAILABLE script ${directory}/none.yaml: no such file`,
    );
    await Deno.writeTextFile(script, "rate: fast\n");
    expect(await refusalOf({}, { script })).toBe(
      `INVALID_INPUT ${script}:1:7: rate: expected records a second, above 0 and up to 10000000, found "fast"`,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a registry that is down keeps payments out of dev, with the place that names it, and nothing else", async () => {
  // A port that nobody listens on any more.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const config = configSchema.parse({ generator: { payments: "avro" }, schemaRegistry: { url } });
  const originOf = (path: readonly (string | number)[]) =>
    `millrace.yaml:${path.join(".") === "schemaRegistry.url" ? 7 : 0}`;
  const told: MillraceError[] = [];
  const parts = { originOf, onPaymentsLeftOut: (error: MillraceError) => void told.push(error) };
  const traffic = await readTraffic(config, {}, NOW_MS, parts);
  expect(traffic).toMatchObject({ scenarios: ["api", "access"], framing: null });
  expect(traffic.rate).toBeCloseTo(190, 6); // of 200 a second, payments are five of a hundred
  expect(told.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^millrace\.yaml:7: schema registry http:\/\/127\.0\.0\.1:\d+ .* did not answer/),
  ]);
  // Payments alone are no traffic without their registry, and `generate` is told all the same.
  await expect(
    readTraffic({ ...config, generator: { ...config.generator, scenarios: ["payment"] } }, {}, NOW_MS, parts),
  )
    .rejects.toThrow("millrace.yaml:7: schema registry");
  await expect(readTraffic(config, {}, NOW_MS, { originOf })).rejects.toThrow("millrace.yaml:7: schema registry");
});
