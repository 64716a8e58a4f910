/**
 * A schema registry with Confluent's API (Confluent's own, Apicurio, Karapace, Redpanda): schemas by id, and the few calls
 * that a producer needs. https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Config } from "../config/schema.ts";
import { messageOf, MillraceError } from "../errors.ts";

/** How a value is encoded whose schema is registered. */
export type SchemaType = "AVRO" | "JSON" | "PROTOBUF";

export interface RegisteredSchema {
  readonly type: SchemaType;
  readonly text: string;
  /** The schemas that it names, and those that they name, each after what it needs itself. */
  readonly references: readonly SchemaReference[];
}

/** A schema that another one names: an imported file of Protobuf, a named type of Avro. */
export interface SchemaReference {
  readonly name: string;
  readonly text: string;
}

/** How to reach a registry; plain data, which a worker can be sent. */
export type RegistryAccess = Config["schemaRegistry"];

const schemaAnswer = z.object({
  schema: z.string(),
  // Absent: Avro, as it was before there were others; but Apicurio leaves out others as well, at times.
  schemaType: z.enum(["AVRO", "JSON", "PROTOBUF"]).optional(),
  references: z.array(z.object({ name: z.string(), subject: z.string(), version: z.int() })).nullish(),
});
type NamedReference = NonNullable<z.infer<typeof schemaAnswer>["references"]>[number];
/** References of references and all: a schema of more is none that anybody reads. */
const REFERENCES_MAX = 200;
const compatibilityAnswer = z.object({ is_compatible: z.boolean(), messages: z.array(z.string()).nullish() });
const registeredAnswer = z.object({ id: z.int() });
const errorAnswer = z.object({ message: z.string() });

const CONTENT_TYPE = "application/vnd.schemaregistry.v1+json";
const NOT_FOUND = 404;

export class SchemaRegistry {
  readonly #access: RegistryAccess;

  /** `access.url` is not empty. */
  constructor(access: RegistryAccess) {
    this.#access = access;
  }

  /** The schema of an id, or null where there is none. Throws UNREACHABLE, REFUSED. */
  async schemaOf(id: number): Promise<RegisteredSchema | null> {
    const answer = await this.#ask("GET", `/schemas/ids/${id}`, schemaAnswer, `asking for schema ${id}`);
    if (answer === null) return null;
    const { schema, schemaType } = answer;
    const references = new Map<string, string>();
    await this.#follow(answer.references ?? [], new Set(), references);
    return {
      type: schemaType ?? typeOf(schema),
      text: schema,
      references: [...references].map(([name, text]) => ({ name, text })),
    };
  }

  /** Adds the schemas that are named, each after those that it names. One that is not there is left out. */
  async #follow(named: readonly NamedReference[], seen: Set<string>, found: Map<string, string>): Promise<void> {
    for (const { name, subject, version } of named) {
      if (seen.has(name) || seen.size >= REFERENCES_MAX) continue;
      seen.add(name);
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      const answer = await this.#ask("GET", path, schemaAnswer, `asking for ${subject}, version ${version}`);
      if (answer === null) continue;
      await this.#follow(answer.references ?? [], seen, found);
      found.set(name, answer.schema);
    }
  }

  /**
   * Registers a schema, after a check that it is compatible with the subject's latest version, and answers its id. What is
   * registered already keeps its id. Throws REFUSED where it is not compatible, with the registry's reasons; UNREACHABLE.
   */
  async register(subject: string, type: SchemaType, schema: object): Promise<number> {
    const body = { schema: JSON.stringify(schema), ...(type === "AVRO" ? {} : { schemaType: type }) };
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const check = await this.#ask(
      "POST",
      `/compatibility${path}/latest?verbose=true`,
      compatibilityAnswer,
      `checking the schema of ${subject}`,
      body,
    );
    // Null: there is no version yet.
    if (check !== null && !check.is_compatible) throw this.#incompatible(subject, check.messages ?? []);
    const registered = await this.#ask("POST", path, registeredAnswer, `registering the schema of ${subject}`, body);
    if (registered === null) throw this.#refused(`registering the schema of ${subject}`, "it has no such path");
    return registered.id;
  }

  #incompatible(subject: string, reasons: readonly string[]): MillraceError {
    const why = reasons.length === 0 ? "" : `: ${reasons.join("; ").slice(0, 300)}`;
    return new MillraceError(
      "REFUSED",
      `schema registry ${this.#access.url}: the schema of ${subject} is not compatible with its latest version${why}`,
      "give new fields a default, delete the subject, or relax its compatibility in the registry",
    );
  }

  /** Null: not found. */
  async #ask<T>(method: string, path: string, shape: z.ZodType<T>, doing: string, body?: object): Promise<T | null> {
    const { url, requestTimeoutMs } = this.#access;
    let response: Response;
    let text: string;
    try {
      response = await fetch(url.replace(/\/+$/, "") + path, {
        method,
        headers: { accept: CONTENT_TYPE, "content-type": CONTENT_TYPE, ...await this.#credentials() },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw this.#unreachable(doing, messageOf(cause), cause);
    }
    if (response.status === NOT_FOUND) return null;
    if (response.status >= 500 || response.status === 429) throw this.#unreachable(doing, whyOf(response, text));
    if (!response.ok) throw this.#refused(doing, whyOf(response, text));
    const parsed = shape.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw this.#refused(doing, "its answer is none of a schema registry");
  }

  async #credentials(): Promise<Record<string, string>> {
    const { username, password, passwordFile } = this.#access;
    if (username === "") return {};
    const secret = passwordFile === "" ? password : await readSecret(passwordFile);
    return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}` };
  }

  #unreachable(doing: string, why: string, cause?: unknown): MillraceError {
    return new MillraceError(
      "UNREACHABLE",
      `schema registry ${this.#access.url} (schemaRegistry.url) did not answer, while ${doing}: ${why}`,
      "check that it runs, and that its address has the path of the Confluent API, as in http://HOST:8080/apis/ccompat/v7",
      { cause },
    );
  }

  #refused(doing: string, why: string): MillraceError {
    return new MillraceError(
      "REFUSED",
      `schema registry ${this.#access.url} refused, while ${doing}: ${why}`,
      "check schemaRegistry.url, its user and password, and the subject's settings in the registry",
    );
  }
}

/** What a schema that says nothing of its type is: an object of JSON Schema is no schema of Avro, whose types have names. */
function typeOf(schema: string): RegisteredSchema["type"] {
  const value = jsonOf(schema);
  if (value === undefined) return "PROTOBUF";
  const isJsonSchema = typeof value === "object" && value !== null && !Array.isArray(value) &&
    ("$schema" in value || "properties" in value || ("type" in value && value.type === "object"));
  return isJsonSchema ? "JSON" : "AVRO";
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await Deno.readTextFile(file)).replace(/\r?\n$/, "");
  } catch (cause) {
    const message = `schemaRegistry.passwordFile: ${file} cannot be read: ${messageOf(cause)}`;
    throw new MillraceError("FILE_UNAVAILABLE", message, "name a file that this user may read", { cause });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whyOf({ status }: Response, text: string): string {
  const parsed = errorAnswer.safeParse(jsonOf(text));
  return parsed.success ? `${status}, ${parsed.data.message}` : `status ${status}`;
}
