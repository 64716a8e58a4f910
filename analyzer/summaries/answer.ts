/** What a model is asked to answer with: the schema that it is given, and the one that its answer is parsed by. */
import { z } from "zod";
import { SEVERITIES } from "../notify/notice.ts";

export const CATEGORIES = ["app", "infrastructure", "dependency", "configuration", "data", "unknown"] as const;
export const CONFIDENCES = ["low", "medium", "high"] as const;

/** No key is optional: strict decoders want all, and give null for what is not. */
const answerSchema = z.object({
  title: z.string(),
  severity: z.enum(SEVERITIES),
  category: z.enum(CATEGORIES),
  what_happened: z.string(),
  possible_causes: z.array(z.object({
    text: z.string(),
    confidence: z.enum(CONFIDENCES),
    evidence: z.array(z.string()),
  })),
  next_steps: z.array(z.string()),
  /** Ids of lines that give orders to the model. */
  suspicious_lines: z.array(z.string()),
});
export type ModelAnswer = z.infer<typeof answerSchema>;

/** Servers that decode by no schema leave out what they find needless. */
const takenSchema = answerSchema.extend({ suspicious_lines: z.array(z.string()).default([]) });

/** As JSON Schema, with every object closed. */
export const ANSWER_JSON_SCHEMA: Readonly<Record<string, unknown>> = (() => {
  const { $schema: _draft, ...schema } = z.toJSONSchema(answerSchema);
  return schema;
})();

export type ParsedAnswer =
  | { readonly ok: true; readonly answer: ModelAnswer }
  /** `problem`: for the model, of which nothing is repeated. */
  | { readonly ok: false; readonly problem: string };

/** Longer than any answer that is taken. */
const ANSWER_CHARS_MAX = 64 * 1024;

/** Reads the text of an answer: JSON, also between the fences that some models put around it. */
export function parseAnswer(text: string): ParsedAnswer {
  if (text.trim() === "") return { ok: false, problem: "the answer was empty" };
  if (text.length > ANSWER_CHARS_MAX) return { ok: false, problem: "the answer was far too long" };
  let value: unknown;
  try {
    value = JSON.parse(text.trim().replace(/^```(?:json)?\s*|\s*```$/gi, ""));
  } catch {
    return { ok: false, problem: "the answer was not valid JSON" };
  }
  const parsed = takenSchema.safeParse(value);
  if (parsed.success) return { ok: true, answer: parsed.data };
  const places = parsed.error.issues.slice(0, 5).map(({ path, code }) => `${placeOf(path)}: ${code}`);
  return { ok: false, problem: `the answer did not follow the schema (${places.join("; ")})` };
}

/** Only keys of the schema, not what the model made up. */
const placeOf = (path: readonly PropertyKey[]): string => path.length === 0 ? "the whole" : path.map(String).join(".");
