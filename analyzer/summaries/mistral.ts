/**
 * Mistral's API through its SDK: one attempt a call, whose outcome is told in our words. Retries, budgets and deadlines are the
 * caller's (ask.ts), since the SDK's own retry neither ends with the deadline nor can be called off.
 */
import type { MistralCore } from "@mistralai/mistralai/core.js";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { fetchOnce } from "../../core/fetch_once.ts";
import type { PromptMessage } from "./prompt.ts";
import { cutText, plainLine } from "../shown_text.ts";

export type FailureKind =
  | "unauthorized"
  | "unknown_model"
  | "rate_limited"
  | "server_error"
  | "refused"
  | "timeout"
  | "unreachable"
  | "garbled"
  | "aborted";

export interface ModelFailure {
  readonly kind: "failed";
  readonly failure: FailureKind;
  /** Without the key. */
  readonly reason: string;
  /** As the server asked for; null where it did not. */
  readonly retryAfterMs: number | null;
  /** Whether the server may have worked for it: then it is paid for. */
  readonly mayCost: boolean;
}

export interface ModelReply {
  readonly kind: "replied";
  readonly text: string;
  /** False where it ends for another reason than that all is said. */
  readonly isComplete: boolean;
  readonly model: string;
  /** Null where the server does not say. */
  readonly tokens: { readonly tokensIn: number; readonly tokensOut: number } | null;
}

export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly PromptMessage[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  /** JSON Schema that the answer follows; only closed objects whose keys are all required. */
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface ListedModel {
  readonly id: string;
  readonly aliases: readonly string[];
  /** When it is to be retired; null: not known. */
  readonly retiresMs: number | null;
  readonly successor: string | null;
}

export interface ModelApi {
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelReply | ModelFailure>;
  listModels(
    signal: AbortSignal,
  ): Promise<{ readonly kind: "listed"; readonly models: readonly ListedModel[] } | ModelFailure>;
}

export interface MistralAccess {
  readonly serverUrl: string;
  /** Asked for each call: keys rotate. Empty: the server wants none. Throws a MillraceError where it cannot be had. */
  readonly key: () => Promise<string>;
  /** Told of a model that is to be retired, as often as the server says so. */
  readonly onDeprecation: (date: string) => void;
}

const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
const REASON_CHARS_MAX = 200;
const DEPRECATION = "x-model-deprecation-timestamp";

/** Servers without keys ignore it; an empty one would have the SDK look for one in the environment, and send that. */
const NO_KEY = "none";

/** With no logger of ours the SDK reads the environment, and MISTRAL_DEBUG, whatever its value, has it print key and prompts. */
const SILENCE = { log: () => {}, group: () => {}, groupEnd: () => {} };

/** Loads the SDK, which takes some 50 MB: only where there is a server to ask. */
export async function openMistral(access: MistralAccess): Promise<ModelApi> {
  const [{ MistralCore }, { HTTPClient }, { chatComplete }, { modelsList }] = await Promise.all([
    import("@mistralai/mistralai/core.js"),
    import("@mistralai/mistralai/lib/http.js"),
    import("@mistralai/mistralai/funcs/chatComplete.js"),
    import("@mistralai/mistralai/funcs/modelsList.js"),
  ]);
  const httpClient = new HTTPClient({ fetcher: (input, init) => boundedFetch(input, init, access.onDeprecation) });
  const clientWith = (key: string): MistralCore =>
    new MistralCore({
      apiKey: key === "" ? NO_KEY : key,
      // The SDK takes braces for placeholders.
      serverURL: access.serverUrl.replaceAll("{", "%7B").replaceAll("}", "%7D"),
      debugLogger: SILENCE,
      httpClient,
    });
  const attempt = async <T>(
    signal: AbortSignal,
    call: (client: MistralCore) => Promise<T>,
  ): Promise<T | ModelFailure> => {
    let key = "";
    try {
      key = await access.key();
      return await call(clientWith(key));
    } catch (error) {
      return failureOf(error, signal, key);
    }
  };
  const options = (signal: AbortSignal) => ({
    signal,
    retries: { strategy: "none" as const },
    redirect: "error" as const,
  });
  return {
    complete: (request, signal) =>
      attempt(signal, async (client): Promise<ModelReply> => {
        const result = await chatComplete(client, bodyOf(request), options(signal));
        if (!result.ok) throw result.error;
        const { choices, model, usage } = result.value;
        const used = { tokensIn: usage.promptTokens ?? 0, tokensOut: usage.completionTokens ?? 0 };
        return {
          kind: "replied",
          text: textOf(choices[0]?.message?.content),
          isComplete: choices[0]?.finishReason === "stop",
          model,
          tokens: used.tokensIn + used.tokensOut > 0 ? used : null,
        };
      }),
    listModels: (signal) =>
      attempt(signal, async (client) => {
        const result = await modelsList(client, undefined, options(signal));
        if (!result.ok) throw result.error;
        return { kind: "listed" as const, models: (result.value.data ?? []).flatMap(listed) };
      }),
  };
}

function bodyOf({ model, messages, maxTokens, temperature, seed, schema }: ModelRequest) {
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    maxTokens,
    temperature,
    randomSeed: seed,
    responseFormat: {
      type: "json_schema" as const,
      jsonSchema: { name: "answer", schemaDefinition: schema, strict: true },
    },
  };
}

/** Text, or the text among chunks: what a model thinks before it answers is not its answer. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((chunk: unknown) => {
    const isText = typeof chunk === "object" && chunk !== null && "text" in chunk && "type" in chunk &&
      chunk.type === "text";
    return isText && typeof chunk.text === "string" ? chunk.text : "";
  }).join("");
}

/** Servers of one's own list models without the keys that Mistral's have; the SDK passes those on as they came. */
function listed(model: unknown): ListedModel[] {
  if (typeof model !== "object" || model === null) return [];
  const raw: object = "raw" in model && typeof model.raw === "object" && model.raw !== null ? model.raw : model;
  const id = "id" in raw && typeof raw.id === "string" ? raw.id : null;
  if (id === null) return [];
  const aliases = "aliases" in raw && Array.isArray(raw.aliases)
    ? raw.aliases.filter((one) => typeof one === "string")
    : [];
  const retires = "deprecation" in raw && raw.deprecation instanceof Date ? raw.deprecation.getTime() : null;
  const successor = "deprecationReplacementModel" in raw && typeof raw.deprecationReplacementModel === "string"
    ? raw.deprecationReplacementModel
    : null;
  return [{ id, aliases, retiresMs: retires, successor }];
}

/** Takes the header off with which the SDK would write to the console, and breaks off an answer that does not end. */
async function boundedFetch(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  onDeprecation: (date: string) => void,
): Promise<Response> {
  const response = await fetchOnce(input, init); // a question is paid for each time that it arrives
  const headers = new Headers(response.headers);
  const date = headers.get(DEPRECATION);
  if (date !== null) onDeprecation(cutText(plainLine(date), 40, "..."));
  headers.delete(DEPRECATION);
  let bytes = 0;
  const body = response.body?.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        bytes += chunk.length;
        if (bytes > RESPONSE_BYTES_MAX) {
          controller.error(new Error(`the answer is longer than ${RESPONSE_BYTES_MAX} bytes`));
        } else controller.enqueue(chunk);
      },
    }),
  );
  return new Response(body ?? null, { status: response.status, statusText: response.statusText, headers });
}

/** By shape, not by class: the SDK has several for one thing, and lets other errors through. */
function failureOf(error: unknown, signal: AbortSignal, key: string): ModelFailure {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? Number(error.statusCode) : null;
  const body = typeof error === "object" && error !== null && "body" in error ? String(error.body) : "";
  const headers = typeof error === "object" && error !== null && "headers" in error && error.headers instanceof Headers
    ? error.headers
    : new Headers();
  const name = error instanceof Error ? error.name : "";
  const failed = (failure: FailureKind, reason: string, mayCost: boolean): ModelFailure => ({
    kind: "failed",
    failure,
    reason: printable(reason, key),
    retryAfterMs: retryAfter(headers),
    mayCost,
  });
  if (error instanceof MillraceError) return failed("unauthorized", error.message, false);
  if (signal.aborted) {
    const isTimeout = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
    return isTimeout ? failed("timeout", "no answer in time", true) : failed("aborted", "called off", true);
  }
  // A 200 whose body is not what the API has: the work is done, and paid for.
  if (status === 200 || status === null && /Validation|SyntaxError/.test(name)) {
    return failed("garbled", "the answer is not one of Mistral's API", true);
  }
  if (status !== null) return failed(...kindOfStatus(status, body));
  if (name === "ConnectionError") {
    return failed("unreachable", messageOf(error), !/refused|resolve|dns/i.test(messageOf(error)));
  }
  return failed(name === "RequestTimeoutError" ? "timeout" : "unreachable", messageOf(error), true);
}

function kindOfStatus(status: number, body: string): [FailureKind, string, boolean] {
  const said = `status ${status}${body.trim() === "" ? "" : `: ${body}`}`;
  if (status === 401 || status === 403) return ["unauthorized", `status ${status}`, false];
  if (status === 429) return ["rate_limited", "status 429: too many requests", false];
  if (
    status === 404 ||
    /invalid_model|model_not_found|\bmodel\b.{0,80}\b(?:not exist|not found|unknown)|"code":\s?"?1500\b/i.test(body)
  ) {
    return ["unknown_model", said, false];
  }
  if (status >= 500 || status === 408) return ["server_error", said, status === 504 || status === 408];
  return ["refused", said, false];
}

/** Seconds, or a date; never less than nothing. */
function retryAfter(headers: Headers): number | null {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,6}(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = value === "" ? NaN : Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** What a server says may repeat the key, or be a page of HTML. */
function printable(text: string, key: string): string {
  const hidden = key.length < 4 ? text : text.replaceAll(key, "KEY");
  return cutText(plainLine(hidden.replace(/\bBearer\s+\S+/gi, "KEY")), REASON_CHARS_MAX, "...");
}
