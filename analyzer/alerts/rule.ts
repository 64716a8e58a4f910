/** What all kinds of rules have in common, and how a kind is defined: one file a kind, one line in kinds/registry.ts. */
import { z } from "zod";
import { DIMENSIONS } from "../../core/minutes/fields.ts";
import type { Condition } from "../../core/store/ports.ts";
import { splitCondition, WHERE_HINT } from "../../core/store/where.ts";
import { SEVERITIES, type Severity } from "../notify/notice.ts";
import { type Labels, NO_DATA_POLICIES, type NoDataPolicy, type Verdict } from "./alert.ts";
import { minutes } from "./durations.ts";
import type { Need, View } from "./view.ts";

const isCondition = (text: string): boolean => {
  const condition = splitCondition(text);
  return condition !== null && DIMENSIONS.some((name) => name === condition.name);
};

/** Keys that every rule may have. */
export const commonShape = {
  name: z.string().min(1).max(100).describe("Unique name; part of an alert's identity."),
  topics: z.array(z.string().min(1)).min(1).default(["*"]).describe("Topics: names, or patterns with *."),
  where: z.array(
    z.string().refine(isCondition, `no condition on a dimension (${DIMENSIONS.join(", ")}): ${WHERE_HINT}`),
  )
    .default([]).describe("Conditions on dimensions; all must hold."),
  severity: z.enum(SEVERITIES).default("warning").describe("Of its alerts."),
  for: minutes(0).prefault("0m").describe("How long a breach has to last before it fires."),
  keepFiring: minutes(0).prefault("5m").describe("How long all must be well before it is resolved."),
  noData: z.enum(NO_DATA_POLICIES).default("keep").describe(
    "Where the topic has no events at all: keep the state, take it for ok, or alert.",
  ),
  labels: z.record(z.string().regex(/^[a-zA-Z_]\w*$/, "no label"), z.string()).default({}).describe("More labels."),
  summary: z.string().max(500).default("").describe("What it means, for people."),
  runbook: z.string().max(500).default("").describe("Link to what to do."),
};

/** Dimensions to judge apart. */
export const byShape = (standard: (typeof DIMENSIONS)[number][]) => ({
  by: z.array(z.enum(DIMENSIONS)).max(4).default(standard).describe("Dimensions whose values are judged apart."),
});

const common = z.object(commonShape);

/** What a kind makes of its settings. */
export interface Judge {
  readonly needs: readonly Need[];
  /** Judged as minutes become final, or as the clock goes: for what is known of now alone. */
  readonly clock: "minutes" | "wall";
  /** Minutes before an evaluation that it judges (not its baseline): late events in them have it judged anew. */
  readonly window: number;
  /**
   * Whether late events make a breach above the limit only worse, or are no more than a sample that grows: such a breach
   * stands before its minutes are final. Of what falls, or of a quantile, nothing can be said by then.
   */
  readonly rises?: boolean;
  /** How far back patterns of errors are needed; 0: not at all. */
  readonly fingerprintMinutes?: number;
  judge(view: View): readonly Verdict[];
}

/** A rule as it is evaluated. */
export interface Rule extends Judge {
  readonly name: string;
  readonly kind: string;
  /** What it judges, where its kind judges several. */
  readonly metric: string;
  /** Which side of what is expected it judges, where its kind has one; else the empty text. */
  readonly direction: string;
  readonly topics: readonly string[];
  readonly where: readonly string[];
  readonly severity: Severity;
  readonly forMinutes: number;
  readonly keepFiringMinutes: number;
  readonly noData: NoDataPolicy;
  readonly labels: Labels;
  readonly summary: string;
  readonly runbook: string;
}

type Issue = z.core.$ZodIssue;
/** What is wrong with a key, the others being as they are. */
export interface Fault {
  readonly key: string;
  readonly message: string;
}
export type ParsedRule =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly issues: readonly Issue[]; readonly fault: Fault | null };

export interface RuleKind {
  readonly name: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  parse(raw: unknown): ParsedRule;
}

/**
 * Defines a kind by the keys of its own and what it does with them. `check` answers what is wrong with settings that are
 * each right.
 */
export function defineKind<Shape extends z.ZodRawShape>(kind: {
  readonly name: string;
  readonly summary: string;
  readonly shape: Shape;
  readonly check?: (settings: z.output<z.ZodObject<Shape>>) => Fault | null;
  readonly compile: (settings: z.output<z.ZodObject<Shape>>, where: readonly Condition[]) => Judge;
}): RuleKind {
  const own = z.object(kind.shape);
  const schema = z.strictObject({ kind: z.literal(kind.name), ...commonShape, ...kind.shape });
  return {
    name: kind.name,
    summary: kind.summary,
    schema,
    parse(raw) {
      const strict = schema.safeParse(raw);
      if (!strict.success) return { ok: false, issues: strict.error.issues, fault: null };
      const settings = own.parse(raw);
      const fault = kind.check?.(settings) ?? null;
      if (fault !== null) return { ok: false, issues: [], fault };
      const { for: forMinutes, keepFiring: keepFiringMinutes, ...rest } = common.parse(raw);
      const judge = kind.compile(settings, conditionsOf(rest.where));
      const metric = "metric" in settings ? String(settings.metric) : "";
      const direction = "direction" in settings ? String(settings.direction) : "";
      return {
        ok: true,
        rule: { ...rest, ...judge, kind: kind.name, metric, direction, forMinutes, keepFiringMinutes },
      };
    },
  };
}

/** The conditions of texts that the schema took. */
export function conditionsOf(texts: readonly string[]): Condition[] {
  return texts.flatMap((text) => {
    const condition = splitCondition(text);
    const field = DIMENSIONS.find((name) => name === condition?.name);
    return condition === null || field === undefined
      ? []
      : [{ field, op: condition.op, values: [...condition.values] }];
  });
}
