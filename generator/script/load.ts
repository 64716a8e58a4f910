/** Reads a script: a YAML file that says what traffic there is and which incidents happen when. */
import { z } from "zod";
import { didYouMean } from "../../core/config/nearest.ts";
import { found } from "../../core/config/problems.ts";
import { readYaml, type YamlSource } from "../../core/config/yaml_source.ts";
import { MillraceError } from "../../core/errors.ts";
import { REALISTIC } from "../curve.ts";
import type { Incident, Target } from "../incidents/phases.ts";
import type { IncidentKind } from "../incidents/incident.ts";
import { findIncidentKind, INCIDENT_KINDS } from "../incidents/registry.ts";
import { DURATION_WORDS, durationMs } from "../incidents/settings.ts";
import { findScenario, SCENARIOS } from "../scenarios/registry.ts";
import type { Script } from "./script.ts";

const DAY_SHARE = "a number from 0 to 1";
const RATE_WORDS = "records a second, above 0 and up to 10000000";

const shape = z.strictObject({
  daily: z.number({ error: DAY_SHARE }).min(0).max(1).default(REALISTIC.daily),
  weekly: z.number({ error: DAY_SHARE }).min(0).max(1).default(REALISTIC.weekly),
  noise: z.number({ error: DAY_SHARE }).min(0).max(1).default(REALISTIC.noise),
  peakHour: z.number({ error: "an hour of the day, 0 to 23, in UTC" }).min(0).max(23).default(REALISTIC.peakHour),
});

const scriptSchema = z.strictObject({
  scenarios: z.array(z.string({ error: "a scenario" }), { error: "a list of scenarios, as in [api, payment]" }).min(1)
    .optional(),
  rate: z.number({ error: RATE_WORDS }).positive().max(10_000_000).optional(),
  seed: z.int({ error: "a whole number from 0" }).min(0).optional(),
  shape: shape.optional(),
  incidents: z.array(z.unknown(), { error: "a list of incidents" }).default([]),
});

const text = (words: string) => z.string({ error: words }).min(1);
/** What every incident says, beside its kind's own. */
const WHERE_AND_WHEN = {
  kind: z.string(),
  service: text("the name of a service").optional(),
  endpoint: text('an endpoint, as in "/api/v1/payments" or "POST /api/v1/payments"').optional(),
  from: z.union([z.string(), z.date()], { error: "a time as in 2026-03-02T10:00:00Z, or +2h after the start" }),
  to: z.union([z.string(), z.date()], { error: "a time as in 2026-03-02T11:00:00Z, or +3h after the start" })
    .optional(),
  for: z.string({ error: DURATION_WORDS }).optional(),
};

type Path = readonly (string | number)[];

/** Something wrong in the file, at a key or its value. */
interface Fault {
  readonly path: Path;
  readonly isKey: boolean;
  readonly message: string;
}

const REMEDY = "correct the file; docs/generator.md has every kind of incident with its settings";

/**
 * Reads the text of a script. Times such as +2h count from `startMs`. Throws INVALID_INPUT that names every fault with
 * its file, line and column.
 */
export function readScript(text: string, file: string, startMs: number): Script {
  const source = readSource(text, file);
  const faults: Fault[] = [];
  const parsed = scriptSchema.safeParse(source.values);
  if (!parsed.success) throw refusal(source, faultsOf(parsed.error.issues, [], source.values));
  const { scenarios, rate, seed, shape, incidents } = parsed.data;
  for (const [index, name] of (scenarios ?? []).entries()) {
    if (findScenario(name) === undefined) {
      faults.push(unknownName(["scenarios", index], "scenario", name, SCENARIOS.map((scenario) => scenario.name)));
    }
  }
  const chosen = SCENARIOS.filter(({ name }) => scenarios?.includes(name) ?? true);
  // Where none is known, that is told: not that their services are unknown too.
  const targets = (chosen.length === 0 ? SCENARIOS : chosen).flatMap(({ targets }) => targets);
  const read = incidents.map((incident, index) =>
    new IncidentReader(["incidents", index], startMs, targets, faults).read(incident)
  );
  if (faults.length > 0) throw refusal(source, faults);
  return {
    scenarios: scenarios ?? null,
    rate: rate ?? null,
    seed: seed ?? null,
    shape: shape ?? null,
    incidents: read.filter((incident) => incident !== null),
  };
}

function readSource(text: string, file: string): YamlSource {
  try {
    return readYaml(text, file);
  } catch (error) {
    if (error instanceof MillraceError) throw new MillraceError("INVALID_INPUT", error.message, REMEDY);
    throw error;
  }
}

function refusal(source: YamlSource, faults: readonly Fault[]): MillraceError {
  const lines = faults.map(({ path, isKey, message }) =>
    `${source.positionOf(path, isKey ? "key" : "value")}: ${message}`
  );
  return new MillraceError("INVALID_INPUT", lines.join("\n       "), REMEDY);
}

/** Reads one incident; what is wrong with it goes to the faults. */
class IncidentReader {
  constructor(
    private readonly path: Path,
    private readonly startMs: number,
    private readonly targets: readonly Target[],
    private readonly faults: Fault[],
  ) {}

  read(value: unknown): Incident | null {
    const kind = this.#kindOf(value);
    if (kind === null) return null;
    const schema = z.strictObject({ ...WHERE_AND_WHEN, ...kind.settings });
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      this.faults.push(...faultsOf(parsed.error.issues, this.path, value, Object.keys(schema.shape)));
      return null;
    }
    const { kind: name, service, endpoint, from, to, for: lasts, ...settings } = parsed.data;
    const place = this.#placeOf(kind, service ?? null, endpoint ?? null);
    const span = this.#spanOf(from, to, lasts);
    return place === null || span === null ? null : { kind: name, ...place, ...span, settings };
  }

  #kindOf(value: unknown): IncidentKind | null {
    const names = INCIDENT_KINDS.map(({ name }) => name);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.#fault([], `expected an incident, as in "- kind: error_burst", found ${found(value)}`);
    }
    const name: unknown = Reflect.get(value, "kind");
    if (typeof name !== "string") return this.#fault(["kind"], `expected a kind of incident: ${names.join(", ")}`);
    const kind = findIncidentKind(name);
    if (kind !== undefined) return kind;
    this.faults.push(unknownName([...this.path, "kind"], "kind of incident", name, names));
    return null;
  }

  #placeOf(
    kind: IncidentKind,
    service: string | null,
    endpointText: string | null,
  ): Pick<Incident, "service" | "method" | "endpoint"> | null {
    const ofService = this.targets.filter((target) => service === null || target.service === service);
    if (ofService.length === 0 && service !== null) {
      const names = new Set(this.targets.map((target) => target.service));
      this.faults.push(unknownName([...this.path, "service"], "service", service, [...names]));
      return null;
    }
    if (endpointText === null) {
      if (kind.isOfOneEndpoint) return this.#fault([], `${kind.name}: expected an endpoint, found none`);
      return { service, method: null, endpoint: null };
    }
    const [, method = null, endpoint] = /^(?:([A-Z]+) )?(.*)$/.exec(endpointText) ?? [];
    const isKnown = ofService.some((target) =>
      target.endpoint === endpoint && (method === null || target.method === method)
    );
    if (isKnown) return { service, method, endpoint };
    const names = ofService.map((target) => method === null ? target.endpoint : `${target.method} ${target.endpoint}`);
    this.faults.push(unknownName([...this.path, "endpoint"], "endpoint", endpointText, [...new Set(names)]));
    return null;
  }

  #spanOf(
    from: string | Date,
    to: string | Date | undefined,
    lasts: string | undefined,
  ): Pick<Incident, "fromMs" | "toMs"> | null {
    const fromMs = this.#momentOf("from", from);
    if ((to === undefined) === (lasts === undefined)) {
      return this.#fault([], 'expected either "to", a time, or "for", a duration');
    }
    const lastsMs = lasts === undefined ? null : durationMs(lasts);
    if (lasts !== undefined && lastsMs === null) {
      return this.#fault(["for"], `for: expected ${DURATION_WORDS}, found ${found(lasts)}`);
    }
    const toMs = to === undefined ? (fromMs ?? 0) + (lastsMs ?? 0) : this.#momentOf("to", to);
    if (fromMs === null || toMs === null) return null;
    if (toMs > fromMs) return { fromMs, toMs };
    return this.#fault([to === undefined ? "for" : "to"], "an incident ends after it begins");
  }

  #momentOf(key: "from" | "to", value: string | Date): number | null {
    const timeMs = momentMs(value, this.startMs);
    if (timeMs !== null) return timeMs;
    return this.#fault(
      [key],
      `${key}: expected a time as in 2026-03-02T10:00:00Z, or +2h after the start, found ${found(value)}`,
    );
  }

  #fault(path: Path, message: string): null {
    this.faults.push({ path: [...this.path, ...path], isKey: false, message });
    return null;
  }
}

const INSTANT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** Epoch milliseconds of an ISO 8601 time (UTC where it names no zone), or of +DURATION after the start; null: neither. */
export function momentMs(value: string | Date, startMs: number): number | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.getTime();
  if (value.startsWith("+")) {
    const ms = durationMs(value.slice(1));
    return ms === null ? null : startMs + ms;
  }
  if (!INSTANT.test(value)) return null;
  const hasZone = /Z$|T.*[+-]\d\d:\d\d$/.test(value.replace(" ", "T")) || value.length === 10;
  const timeMs = Date.parse(value.replace(" ", "T") + (hasZone ? "" : "Z"));
  return Number.isNaN(timeMs) ? null : timeMs;
}

function unknownName(path: Path, what: string, name: string, known: readonly string[]): Fault {
  const hint = didYouMean(name, known) || ` (known: ${known.join(", ")})`;
  return { path, isKey: false, message: `no ${what} ${name}${hint}` };
}

/** What zod refused: its message is what was expected. */
function faultsOf(
  issues: readonly z.core.$ZodIssue[],
  within: Path,
  input: unknown,
  known: readonly string[] = Object.keys(scriptSchema.shape),
): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const inner = issue.path.map((step) => typeof step === "symbol" ? String(step) : step);
    const path = [...within, ...inner];
    if (issue.code === "unrecognized_keys") {
      const keys = inner[0] === "shape" ? Object.keys(shape.shape) : known;
      return issue.keys.map((key) => ({ ...unknownName([...path, key], "such key:", key, keys), isKey: true }));
    }
    const name = String(path[path.length - 1] ?? "the script");
    return [{
      path,
      isKey: false,
      message: `${name}: expected ${issue.message}, found ${found(valueAt(input, inner))}`,
    }];
  });
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const step of path) value = typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
  return value;
}
