/** The traffic that the configuration, a script and the command line ask for, and the ground truth to write beside it. */
import { basename, dirname, join } from "node:path";
import { didYouMean } from "../../core/config/nearest.ts";
import type { TracedConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { type Burst, FLAT, REALISTIC } from "../../generator/curve.ts";
import { DURATION_WORDS, durationMs } from "../../generator/incidents/settings.ts";
import { SchemaRegistry } from "../../core/schemas/registry.ts";
import { payment } from "../../generator/scenarios/payment.ts";
import type { Framing } from "../../generator/scenarios/scenario.ts";
import { PAYMENT_AVRO, PAYMENT_JSON_SCHEMA } from "../../generator/schemas/payment.ts";
import { SCENARIOS } from "../../generator/scenarios/registry.ts";
import { momentMs, readScript } from "../../generator/script/load.ts";
import type { Script } from "../../generator/script/script.ts";
import { truthOf } from "../../generator/script/truth.ts";
import { scenariosOf } from "../../generator/sources.ts";
import type { Traffic } from "../../generator/traffic.ts";
import { rangeToResume } from "./begun_range.ts";

/** What the command line says, as it was written. */
export interface TrafficOptions {
  /** Where it is given, it wins over the script's; the same for `seed` and `scenario`. Their values are in the configuration. */
  readonly rate?: string;
  readonly seed?: string;
  readonly scenario?: string;
  readonly count?: string;
  readonly from?: string;
  readonly to?: string;
  readonly speed?: string;
  readonly ramp?: string;
  readonly burst?: string;
  readonly truth?: string;
  readonly resume?: boolean;
}

/** For those who know more than the configuration's values. */
export interface TrafficParts {
  /** Where values come from, to say so of what is wrong with them. */
  readonly originOf?: TracedConfig["originOf"];
  /** Hears why payments are left out, where there is other traffic; absent: what keeps them out is thrown. */
  readonly onPaymentsLeftOut?: (error: MillraceError) => void;
}

/**
 * Reads the script, if there is one, and writes its ground truth. `nowMs` is when the generator starts. Throws
 * INVALID_INPUT where an option or the script is wrong, FILE_UNAVAILABLE; UNREACHABLE and REFUSED of a schema registry.
 */
export async function readTraffic(
  config: Config,
  options: TrafficOptions,
  nowMs: number,
  parts: TrafficParts = {},
): Promise<Traffic> {
  const { generator } = config;
  const readAt = (pace: Traffic["pace"]) => {
    const startMs = pace.kind === "planned" ? pace.fromMs : nowMs;
    const script = generator.script === "" ? null : readScript(readText(generator.script), generator.script, startMs);
    const scenarios = checkNames(options.scenario === undefined && script?.scenarios || generator.scenarios);
    const seed = options.seed === undefined && script?.seed || generator.seed;
    return { pace, startMs, script, scenarios, seed };
  };
  const asked = readAt(paceOf(options, nowMs));
  // The times of a script are from the start on.
  const begun = rangeToResume(config, options, asked);
  const { pace, startMs, script, scenarios, seed } = begun !== null && asked.pace.kind === "planned"
    ? readAt({ ...asked.pace, ...begun })
    : asked;
  const traffic: Traffic = {
    scenarios,
    rate: options.rate === undefined && script?.rate || generator.rate,
    seed,
    shape: script?.shape ?? (generator.shape === "flat" ? FLAT : REALISTIC),
    incidents: script?.incidents ?? [],
    pace,
    rampMs: options.ramp === undefined ? 0 : readDuration("--ramp", options.ramp),
    burst: options.burst === undefined ? null : readBurst(options.burst),
    count: options.count === undefined
      ? Infinity
      : readNumber("--count", options.count, "a whole number from 1", isCount),
    framing: null,
    workers: generator.workers,
  };
  const framed = traffic.scenarios.includes(payment.name) ? await withFraming(traffic, config, parts) : traffic;
  writeTruth(options.truth ?? besideScript(generator.script), framed, startMs, script);
  return framed;
}

/** Traffic with payments as they are framed, or without them where a registry keeps them out. */
async function withFraming(
  traffic: Traffic,
  config: Config,
  { originOf, onPaymentsLeftOut }: TrafficParts,
): Promise<Traffic> {
  try {
    return { ...traffic, framing: await framingOf(config) };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const key = config.schemaRegistry.url === "" ? ["generator", "payments"] : ["schemaRegistry", "url"];
    const place = originOf === undefined ? "" : `${originOf(key)}: `;
    const placed = new MillraceError(error.code, place + error.message, error.remedy, { cause: error });
    const others = traffic.scenarios.filter((name) => name !== payment.name);
    if (onPaymentsLeftOut === undefined || others.length === 0) throw placed;
    onPaymentsLeftOut(placed);
    const shareOf = (names: readonly string[]) =>
      scenariosOf({ ...traffic, scenarios: names }).reduce((sum, { share }) => sum + share, 0);
    // The others get what they would have got.
    const rate = traffic.rate * shareOf(others) / shareOf(traffic.scenarios);
    return { ...traffic, scenarios: others, rate };
  }
}

/** How payments are framed; their schema is registered where it is not yet. */
async function framingOf({ generator: { payments }, schemaRegistry }: Config): Promise<Framing | null> {
  if (payments === "json") return null;
  if (schemaRegistry.url === "") {
    throw new MillraceError(
      "INVALID_INPUT",
      `generator.payments: ${payments} needs a schema registry`,
      "set schemaRegistry.url (SCHEMA_REGISTRY_URL), or leave payments in json",
    );
  }
  const { topic } = payment;
  const [type, schema] = payments === "avro" ? ["AVRO", PAYMENT_AVRO] as const : ["JSON", PAYMENT_JSON_SCHEMA] as const;
  const schemaId = await new SchemaRegistry(schemaRegistry).register(`${topic}-value`, type, schema);
  return { encoding: payments, schemaId };
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

function checkNames(names: readonly string[]): readonly string[] {
  const known = SCENARIOS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return [...new Set(names)];
  throw new MillraceError(
    "INVALID_INPUT",
    `generator.scenarios: no scenario ${unknown}${didYouMean(unknown, known)}`,
    `the scenarios are ${known.join(", ")}`,
  );
}

function paceOf({ from, to, speed }: TrafficOptions, nowMs: number): Traffic["pace"] {
  if (from === undefined) {
    const given = to !== undefined ? "--to" : speed !== undefined ? "--speed" : null;
    if (given === null) return { kind: "live" };
    throw invalid(given, "needs --from", "say from when on: --from 2026-03-01T00:00:00Z, or --from=-7d");
  }
  const fromMs = readMoment("--from", from, nowMs);
  const factor = speed === undefined
    ? Infinity
    : readNumber("--speed", speed, "a number above 0", (value) => value > 0);
  const openEnd = speed === undefined ? nowMs : Infinity;
  const toMs = to === undefined ? openEnd : readMoment("--to", to, nowMs, fromMs);
  if (toMs > fromMs) return { kind: "planned", fromMs, toMs, speed: factor };
  const end = to === undefined ? "now" : new Date(toMs).toISOString();
  throw invalid("--to", `expected a time after ${new Date(fromMs).toISOString()}, found ${end}`, "give a later --to");
}

/** An instant, a duration before now (-7d), or after `startMs` (+1d). */
function readMoment(flag: string, text: string, nowMs: number, startMs = nowMs): number {
  const before = text.startsWith("-") ? durationMs(text.slice(1)) : null;
  const timeMs = before === null ? momentMs(text, startMs) : nowMs - before;
  if (timeMs !== null) return timeMs;
  throw invalid(flag, `expected a time as in 2026-03-01T10:00:00Z, or -7d for seven days ago, found "${text}"`);
}

function readDuration(flag: string, text: string): number {
  const ms = durationMs(text);
  if (ms !== null && ms > 0) return ms;
  throw invalid(flag, `expected ${DURATION_WORDS}, found "${text}"`);
}

function readBurst(text: string): Burst {
  const [, factor, lasts, every] = /^(\d+(?:\.\d+)?)x(\w+)\/(\w+)$/.exec(text) ?? [];
  const [forMs, everyMs] = [durationMs(lasts ?? ""), durationMs(every ?? "")];
  if (forMs !== null && everyMs !== null && forMs > 0 && forMs < everyMs) {
    return { factor: Number(factor), forMs, everyMs };
  }
  throw invalid("--burst", `expected as in 10x30s/5m, ten times the rate for 30 s every 5 minutes, found "${text}"`);
}

function readNumber(flag: string, text: string, words: string, isRight: (value: number) => boolean): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (isRight(value)) return value;
  throw invalid(flag, `expected ${words}, found "${text}"`);
}

function invalid(flag: string, what: string, remedy = "`deno task generate --help` shows examples"): MillraceError {
  return new MillraceError("INVALID_INPUT", `${flag}: ${what}`, remedy);
}

function readText(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "no such file" : messageOf(cause);
    const remedy = "name a file that this user can read; docs/generator.md shows one";
    throw new MillraceError("FILE_UNAVAILABLE", `script ${file}: ${why}`, remedy, { cause });
  }
}

/** day.yaml has its truth in day.truth.ndjson. */
function besideScript(script: string): string | null {
  return script === "" ? null : join(dirname(script), `${basename(script).replace(/\.ya?ml$/, "")}.truth.ndjson`);
}

function writeTruth(file: string | null, traffic: Traffic, startMs: number, script: Script | null): void {
  if (file === null) return;
  const text = truthOf(traffic, startMs, scenariosOf(traffic), script?.incidents ?? []);
  try {
    Deno.writeTextFileSync(file, text);
  } catch (cause) {
    const remedy = "name another file by --truth";
    throw new MillraceError("FILE_UNAVAILABLE", `ground truth ${file}: ${messageOf(cause)}`, remedy, { cause });
  }
}
