/** A gateway over a real log and a real store in a directory of its own, without engine, for tests. */
import { configSchema } from "../core/config/schema.ts";
import type { EmbeddedLog } from "../core/log/embedded.ts";
import { openEmbeddedLog } from "../core/log/registry.ts";
import type { Store } from "../core/store/ports.ts";
import { openStore } from "../core/store/registry.ts";
import { createApp } from "./app.ts";
import type { EngineFigures, GatewayParts } from "./parts.ts";

export const NOW_MS = Date.UTC(2026, 2, 1, 12, 0, 30);

/** An engine that has done nothing yet. */
export const IDLE: EngineFigures = {
  workers: 1,
  assignments: [{ worker: 0, partitions: [{ topic: "shop", partition: 0 }] }],
  isHealthy: true,
  recordsTotal: 0,
  unparsedTotal: 0,
  flushesTotal: 7,
  conflictsTotal: 0,
  flushErrorsTotal: 0,
  lastError: null,
  capped: [{ topic: "crowded", dimension: "endpoint", cells: 12 }],
};

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; null where it is none. */
  readonly json: unknown;
}

export interface TestGateway {
  readonly parts: GatewayParts;
  readonly log: EmbeddedLog;
  readonly store: Store;
  ask(path: string, init?: RequestInit): Promise<Answer>;
}

export interface TestSettings {
  /** Over the defaults of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** In place of the real parts. */
  readonly parts?: (real: GatewayParts) => Partial<GatewayParts>;
  readonly now?: () => number;
}

/** Opens everything, runs, and removes it again. */
export async function withGateway(
  run: (gateway: TestGateway) => Promise<void>,
  settings: TestSettings = {},
): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-gateway-" });
  const config = configSchema.parse({ data, ...settings.config });
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  const store = await openStore("duckdb", config);
  try {
    const real: GatewayParts = {
      config,
      log,
      store,
      engine: { status: () => IDLE, describeTopic: () => Promise.resolve({ format: "json", preset: "apps" }) },
      deleteTopic: async (topic) => {
        await store.dropTopic(topic.id);
        await log.deleteTopic(topic.name);
      },
      now: settings.now ?? (() => NOW_MS),
    };
    const parts = { ...real, ...settings.parts?.(real) };
    const app = createApp(parts);
    const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
      const { status, headers, text } = await read(await app.request(path, init));
      return { status, headers, text, json: jsonOf(text) };
    };
    await run({ parts, log, store, ask });
  } finally {
    await log.close();
    await store.close();
    await Deno.remove(data, { recursive: true });
  }
}

async function read(response: Response): Promise<{ status: number; headers: Headers; text: string }> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
