/**
 * A local server that speaks Mistral's HTTP API, for tests and the evaluation: it answers by a script, with faults where the
 * script has them. Requests that the real one would refuse, it refuses.
 */
import { z } from "zod";

/** The parts of a request that a script may look at. */
export interface ModelQuestion {
  readonly model: string;
  readonly system: string;
  readonly user: string;
  readonly temperature: number | null;
  readonly seed: number | null;
  readonly maxTokens: number;
  readonly headers: Headers;
}

/** What the server does with a request. */
export type ModelAct =
  | { readonly kind: "says"; readonly content: unknown; readonly finish?: string; readonly usage?: object | null }
  | {
    readonly kind: "status";
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  }
  | { readonly kind: "raw"; readonly body: BodyInit; readonly contentType?: string }
  | { readonly kind: "hangs" }
  /** Headers and the beginning of a body, and then nothing. */
  | { readonly kind: "stalls" }
  /** The connection ends in the middle of the body. */
  | { readonly kind: "breaks" };

export interface ModelServerOptions {
  readonly key?: string;
  readonly models?: readonly object[];
  /** Asked for every chat request, in turn. */
  readonly act: (question: ModelQuestion, index: number) => ModelAct | Promise<ModelAct>;
  /** Instead of the list of models. */
  readonly list?: ModelAct;
  readonly headers?: Record<string, string>;
}

const requestSchema = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string().min(1) })).min(1),
  temperature: z.number().min(0).max(1.5).nullish(),
  max_tokens: z.int().min(1).nullish(),
  random_seed: z.int().min(0).nullish(),
  stream: z.literal(false).nullish(),
  response_format: z.object({
    type: z.literal("json_schema"),
    json_schema: z.object({
      name: z.string().regex(/^[\w-]{1,64}$/),
      schema: z.looseObject({ type: z.literal("object") }),
      strict: z.literal(true),
    }),
  }),
}).strict();

/** A model as `GET /v1/models` has it. */
export const modelCard = (id: string, more: object = {}): object => ({
  id,
  object: "model",
  created: 1_760_000_000,
  owned_by: "mistralai",
  capabilities: {
    completion_chat: true,
    function_calling: true,
    completion_fim: false,
    fine_tuning: false,
    vision: false,
  },
  max_context_length: 262_144,
  aliases: [],
  deprecation: null,
  default_model_temperature: 0.3,
  type: "base",
  ...more,
});

export class ModelServer implements AsyncDisposable {
  readonly url: string;
  readonly questions: ModelQuestion[] = [];
  /** Requests that the real server would have refused, with why. */
  readonly refusals: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #options: ModelServerOptions;
  readonly #ended = new AbortController();

  constructor(options: ModelServerOptions) {
    this.#options = options;
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    }, (request) => this.#answer(request));
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const { key, models, list } = this.#options;
    if (key !== undefined && request.headers.get("authorization") !== `Bearer ${key}`) {
      await request.body?.cancel();
      return json({ detail: "Unauthorized" }, 401);
    }
    if (request.method === "GET" && pathname === "/v1/models") {
      return list === undefined
        ? json({
          object: "list",
          data: models ?? [modelCard("mistral-small-2603", { aliases: ["mistral-small-latest"] })],
        })
        : await this.#perform(list, "");
    }
    if (request.method !== "POST" || pathname !== "/v1/chat/completions") return json({ detail: "Not Found" }, 404);
    const parsed = requestSchema.safeParse(await request.json());
    if (!parsed.success) {
      this.refusals.push(z.prettifyError(parsed.error));
      return json({
        object: "error",
        message: { detail: parsed.error.issues },
        type: "invalid_request_error",
        param: null,
        code: null,
      }, 422);
    }
    const { model, messages, temperature, random_seed, max_tokens } = parsed.data;
    const content = (role: string): string =>
      messages.filter((one) => one.role === role).map((one) => one.content).join("\n");
    const question = {
      model,
      system: content("system"),
      user: content("user"),
      temperature: temperature ?? null,
      seed: random_seed ?? null,
      maxTokens: max_tokens ?? 0,
      headers: request.headers,
    };
    this.questions.push(question);
    return await this.#perform(await this.#options.act(question, this.questions.length - 1), model);
  }

  async #perform(act: ModelAct, model: string): Promise<Response> {
    switch (act.kind) {
      case "says":
        return json(completion(act, model), 200, this.#options.headers);
      case "status":
        return json(act.body ?? { message: "scripted" }, act.status, act.headers);
      case "raw":
        return new Response(act.body, { headers: { "content-type": act.contentType ?? "application/json" } });
      case "hangs":
        await new Promise<void>((resolve) =>
          this.#ended.signal.addEventListener("abort", () => resolve(), { once: true })
        );
        return new Response(null, { status: 503 });
      case "stalls":
        return new Response(
          new ReadableStream({
            start: (controller) => {
              controller.enqueue(new TextEncoder().encode('{"id":"x","choi'));
              this.#ended.signal.addEventListener("abort", () => {
                try {
                  controller.close();
                } catch {
                  // The client is gone already.
                }
              }, { once: true });
            },
          }),
          { headers: { "content-type": "application/json" } },
        );
      case "breaks":
        return new Response(
          new ReadableStream({
            pull(controller) {
              controller.enqueue(new TextEncoder().encode('{"id":"x","choi'));
              controller.error(new Error("scripted"));
            },
          }),
          { headers: { "content-type": "application/json", "content-length": "4000" } },
        );
    }
  }
}

function completion({ content, finish, usage }: Extract<ModelAct, { kind: "says" }>, model: string): object {
  return {
    id: "c0ffee",
    object: "chat.completion",
    created: 1_764_000_000,
    model,
    ...(usage === null
      ? { usage: {} }
      : { usage: usage ?? { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200 } }),
    choices: [{
      index: 0,
      finish_reason: finish ?? "stop",
      message: {
        role: "assistant",
        tool_calls: null,
        content: typeof content === "string" || Array.isArray(content) ? content : JSON.stringify(content),
      },
    }],
  };
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers });
