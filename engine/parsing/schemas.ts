/** The registered schemas that a worker's parsers have met. Parsers look them up; the tasks around them fetch. */
import { messageOf } from "../../core/errors.ts";
import { type RegisteredSchema, type RegistryAccess, SchemaRegistry } from "../../core/schemas/registry.ts";

/** A parser cannot go on before this schema was loaded: the record at hand is to be parsed again then. */
export class SchemaMissing extends Error {
  override readonly name = "SchemaMissing";
  constructor(readonly id: number) {
    super(`schema ${id} is not loaded`);
  }
}

/** An id that the registry did not know is asked for again after so long. */
const UNKNOWN_MS = 30_000;
/** Whoever writes the records can make ids up. */
const UNKNOWN_MAX = 10_000;

export class Schemas {
  readonly #registry: Pick<SchemaRegistry, "schemaOf"> | null;
  readonly #now: () => number;
  readonly #known = new Map<number, RegisteredSchema>();
  /** Until when ids count as unknown. */
  readonly #unknown = new Map<number, number>();
  readonly #loading = new Map<number, Promise<void>>();

  /** Without a registry no id is known. `now` is monotonic, milliseconds. */
  constructor(registry: Pick<SchemaRegistry, "schemaOf"> | null, now: () => number) {
    this.#registry = registry;
    this.#now = now;
  }

  /** The schema of an id, or null where there is none. Throws SchemaMissing where it has to be loaded first. */
  find(id: number): RegisteredSchema | null {
    const schema = this.#known.get(id);
    if (schema !== undefined) return schema;
    if (this.#registry === null) return null;
    const untilMs = this.#unknown.get(id);
    if (untilMs !== undefined && this.#now() < untilMs) return null;
    throw new SchemaMissing(id);
  }

  /** Asks the registry; rejects where it does not answer. */
  async load(id: number): Promise<void> {
    let loading = this.#loading.get(id);
    if (loading === undefined) {
      loading = this.#load(id).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    await loading;
  }

  async #load(id: number): Promise<void> {
    const schema = await this.#registry?.schemaOf(id);
    if (schema !== undefined && schema !== null) {
      this.#known.set(id, schema);
      this.#unknown.delete(id);
      return;
    }
    if (this.#unknown.size >= UNKNOWN_MAX) this.#unknown.clear();
    this.#unknown.set(id, this.#now() + UNKNOWN_MS);
  }
}

/** Those of the registry that the configuration names, if it names one. */
export function openSchemas(access: RegistryAccess): Schemas {
  return new Schemas(access.url === "" ? null : new SchemaRegistry(access), () => performance.now());
}

/** For partitions whose records have none. */
export const NO_SCHEMAS = new Schemas(null, () => 0);

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;

/** The task that waits for a schema. */
export interface SchemaWaiter {
  isEnding(): boolean;
  /** Ends early where the task is to end. */
  sleep(ms: number): Promise<void>;
  notify(severity: "info" | "warning" | "error", message: string): void;
}

/**
 * Loads a schema, however often the registry has to be asked: its records wait, nothing is lost. Answers false where the
 * task is to end before.
 */
export async function awaitSchema(schemas: Schemas, id: number, waiter: SchemaWaiter): Promise<boolean> {
  for (let tries = 0; !waiter.isEnding(); tries++) {
    try {
      await schemas.load(id);
      if (tries > 0) waiter.notify("info", `the schema registry answers again: schema ${id} is loaded`);
      return true;
    } catch (error) {
      if (tries === 0) {
        waiter.notify(
          "error",
          `records wait for schema ${id}, which is asked for again and again: ${messageOf(error)}`,
        );
      }
      await waiter.sleep(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** tries));
    }
  }
  return false;
}
