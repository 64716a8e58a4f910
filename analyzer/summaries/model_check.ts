/** Whether the model of the settings is there, by the server's own list. Pure. */
import { didYouMean } from "../../core/config/nearest.ts";
import type { ModelApi } from "./mistral.ts";

type ModelList = Awaited<ReturnType<ModelApi["listModels"]>>;

export type ModelVerdict =
  | { readonly kind: "fine" }
  /** Nothing will be written until it is corrected. */
  | { readonly kind: "wrong"; readonly reason: string }
  /** To be known; summaries are written, or tried. */
  | { readonly kind: "told"; readonly reason: string };

const NAMED_MAX = 8;
const SOON_MS = 90 * 86_400_000;

/** A server that gives no list is tried all the same: not all have one. */
export function checkModel(model: string, list: ModelList, nowMs: number): ModelVerdict {
  if (list.kind === "failed") {
    if (list.failure === "unauthorized") {
      return {
        kind: "wrong",
        reason: "the model's server does not take the key: correct mistral.apiKey or mistral.apiKeyFile",
      };
    }
    const hasNoList = ["unknown_model", "refused", "garbled"].includes(list.failure);
    return hasNoList
      ? { kind: "fine" }
      : { kind: "told", reason: `the model's server does not answer (${list.reason})` };
  }
  if (list.models.length === 0) return { kind: "fine" };
  const found = list.models.find(({ id, aliases }) => id === model || aliases.includes(model));
  if (found === undefined) {
    return { kind: "wrong", reason: `the model's server has no ${model}${modelsNamed(list, model)}` };
  }
  const { retiresMs, successor } = found;
  if (retiresMs === null || retiresMs - nowMs > SOON_MS) return { kind: "fine" };
  const instead = successor === null ? "another" : successor;
  const date = new Date(retiresMs).toISOString().slice(0, 10);
  return retiresMs <= nowMs
    ? { kind: "wrong", reason: `the model ${model} was retired on ${date}: set mistral.model to ${instead}` }
    : {
      kind: "told",
      reason: `the model ${model} is to be retired on ${date}: set mistral.model to ${instead} before`,
    };
}

/** Some that there are, for a message; empty where it is not known. */
export function modelsNamed(list: ModelList, wanted = ""): string {
  if (list.kind === "failed" || list.models.length === 0) return "";
  const names = [...new Set(list.models.flatMap(({ id, aliases }) => [id, ...aliases]))].map(printable).sort();
  const more = names.length > NAMED_MAX ? `, and ${names.length - NAMED_MAX} more` : "";
  return `${didYouMean(wanted, names)}: set mistral.model to one of ${names.slice(0, NAMED_MAX).join(", ")}${more}`;
}

const printable = (name: string): string => name.replace(/[^\w./:@-]/g, "").slice(0, 100);
