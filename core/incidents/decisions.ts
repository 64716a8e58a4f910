/** What people decided about a topic's errors: merges, splits, names, acknowledgements, silences, verdicts. */
import { z } from "zod";
import { jsonOf } from "./documents.ts";
import type { Documents } from "../store/ports.ts";

/** The collection of the decisions about a topic's errors. */
export const decisionsCollection = (topicId: string): string => `decisions/${topicId}`;

export const VERDICTS = ["useful", "not_useful", "wrong_grouping", "already_known"] as const;

const by = { by: z.string().max(200), atMs: z.number() };

export const decision = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("merge"), fingerprint: z.string(), into: z.string(), ...by }),
  z.object({ kind: z.literal("split"), fingerprint: z.string(), contains: z.string().min(1).max(200), ...by }),
  z.object({ kind: z.literal("name"), fingerprint: z.string(), name: z.string().max(150), ...by }),
  z.object({ kind: z.literal("acknowledge"), incident: z.string(), ...by }),
  z.object({
    kind: z.literal("silence"),
    /** Of a fingerprint, an incident's fingerprints, or a service. */
    target: z.enum(["fingerprint", "incident", "service"]),
    id: z.string(),
    untilMs: z.number(),
    comment: z.string().max(500),
    ...by,
  }),
  z.object({
    kind: z.literal("verdict"),
    incident: z.string(),
    verdict: z.enum(VERDICTS),
    comment: z.string().max(1_000),
    ...by,
  }),
]);
export type Decision = z.infer<typeof decision>;

/** A later decision of the same key takes the place of the one before. */
export function decisionKey(given: Decision): string {
  switch (given.kind) {
    case "merge":
    case "name":
      return `${given.kind}/${given.fingerprint}`;
    case "split":
      return `split/${given.fingerprint}/${given.contains}`;
    case "acknowledge":
      return `acknowledge/${given.incident}`;
    case "silence":
      return `silence/${given.target}/${given.id}`;
    case "verdict":
      return `verdict/${given.incident}/${given.by}`;
  }
}

/** All decisions about a topic's errors; what cannot be read counts as not taken. */
export async function readDecisions(
  documents: Pick<Documents, "readDocuments">,
  topicId: string,
): Promise<{ readonly version: number; readonly decisions: readonly Decision[] }> {
  const { version, entries } = await documents.readDocuments(decisionsCollection(topicId));
  const decisions = [...entries.values()].flatMap((text) => {
    const parsed = decision.safeParse(jsonOf(text));
    return parsed.success ? [parsed.data] : [];
  });
  return { version, decisions };
}

/** Takes a decision, or takes one back (a merge into itself, a silence that has ended). */
export async function decide(
  documents: Pick<Documents, "documentsVersion" | "commitDocuments">,
  topicId: string,
  taken: Decision,
): Promise<void> {
  const collection = decisionsCollection(topicId);
  const text = isWithdrawal(taken) ? null : JSON.stringify(taken);
  for (;;) {
    const version = await documents.documentsVersion(collection);
    if (await documents.commitDocuments(collection, version, [[decisionKey(taken), text]])) return;
  }
}

function isWithdrawal(taken: Decision): boolean {
  if (taken.kind === "merge") return taken.into === taken.fingerprint;
  if (taken.kind === "name") return taken.name === "";
  return taken.kind === "silence" && taken.untilMs <= taken.atMs;
}

export type Silence = Extract<Decision, { kind: "silence" }>;

/** Decisions by what they are about. */
export class Decisions {
  readonly #merges = new Map<string, string>();
  readonly #splits = new Map<string, readonly string[]>();
  readonly #names = new Map<string, string>();
  readonly #acknowledged = new Map<string, { readonly by: string; readonly atMs: number }>();
  readonly #silences = new Map<string, Silence>();
  readonly #verdicts = new Map<string, Extract<Decision, { kind: "verdict" }>[]>();
  readonly #concerned = new Set<string>();

  constructor(decisions: readonly Decision[] = []) {
    for (const each of decisions) {
      switch (each.kind) {
        case "merge":
          this.#merges.set(each.fingerprint, each.into);
          this.#concerned.add(each.fingerprint).add(each.into);
          break;
        case "split":
          this.#splits.set(each.fingerprint, [...(this.#splits.get(each.fingerprint) ?? []), each.contains].sort());
          this.#concerned.add(each.fingerprint);
          break;
        case "name":
          this.#names.set(each.fingerprint, each.name);
          this.#concerned.add(each.fingerprint);
          break;
        case "acknowledge":
          this.#acknowledged.set(each.incident, each);
          break;
        case "silence":
          this.#silences.set(`${each.target}/${each.id}`, each);
          if (each.target === "fingerprint") this.#concerned.add(each.id);
          break;
        case "verdict":
          this.#verdicts.set(each.incident, [...(this.#verdicts.get(each.incident) ?? []), each]);
      }
    }
  }

  /** The fingerprint that a person merged this one into, over several steps; itself where nobody did. */
  mergedInto(fingerprint: string): string {
    const seen = new Set([fingerprint]);
    for (let at = fingerprint;;) {
      const next = this.#merges.get(at);
      if (next === undefined) return at;
      if (seen.has(next)) return [...seen].sort()[0]; // merged in a circle: one of them, always the same
      seen.add(at = next);
    }
  }

  /** Whether a person has merged, split, named or silenced this fingerprint, or merged another into it. */
  concern(fingerprint: string): boolean {
    return this.#concerned.has(fingerprint);
  }

  /** Texts by which messages of a fingerprint are told apart. */
  splitsOf(fingerprint: string): readonly string[] {
    return this.#splits.get(fingerprint) ?? NO_TEXTS;
  }

  nameOf(fingerprint: string): string | null {
    return this.#names.get(fingerprint) ?? null;
  }

  acknowledgementOf(incident: string): { readonly by: string; readonly atMs: number } | null {
    return this.#acknowledged.get(incident) ?? null;
  }

  verdictsOf(incident: string): readonly Extract<Decision, { kind: "verdict" }>[] {
    return this.#verdicts.get(incident) ?? [];
  }

  /** The silence in force that ends last of those that cover it, or null. */
  silenceOf(
    { incident, service, fingerprint }: {
      readonly incident: string;
      readonly service: string;
      readonly fingerprint: string;
    },
    nowMs: number,
  ): Silence | null {
    const covering = [`incident/${incident}`, `service/${service}`, `fingerprint/${fingerprint}`]
      .flatMap((key) => this.#silences.get(key) ?? []).filter(({ untilMs }) => untilMs > nowMs);
    return covering.sort((a, b) => b.untilMs - a.untilMs)[0] ?? null;
  }
}

const NO_TEXTS: readonly string[] = [];
