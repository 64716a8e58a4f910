/** The gateway's server. */
import { messageOf, MillraceError } from "../core/errors.ts";
import { createApp } from "./app.ts";
import type { GatewayParts } from "./parts.ts";

const STOP_TIMEOUT_MS = 5_000;

export interface Gateway {
  /** Where it is reached, as http://127.0.0.1:8080. */
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, lets running ones end for a few seconds, and resolves. */
  stop(): Promise<void>;
}

/** Listens on config.gateway. Rejects with PORT_UNAVAILABLE. */
export function startGateway(parts: GatewayParts): Promise<Gateway> {
  return new Promise((resolve) => resolve(listen(parts)));
}

function listen(parts: GatewayParts): Gateway {
  const { host, port } = parts.config.gateway;
  const closing = new AbortController();
  const app = createApp({ ...parts, closing: closing.signal });
  const ending = new AbortController();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: host, port, signal: ending.signal, onListen: () => {} }, app.fetch);
  } catch (error) {
    throw portError(host, port, error);
  }
  const { port: taken } = server.addr;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return {
    url: `http://${name.includes(":") ? `[${name}]` : name}:${taken}`,
    port: taken,
    async stop() {
      closing.abort();
      const timer = setTimeout(() => ending.abort(), STOP_TIMEOUT_MS);
      await server.shutdown().catch(() => {});
      clearTimeout(timer);
    },
  };
}

function portError(host: string, port: number, cause: unknown): unknown {
  if (cause instanceof Deno.errors.AddrInUse) {
    return new MillraceError(
      "PORT_UNAVAILABLE",
      `port ${port} on ${host} is in use`,
      "stop what uses it, or choose another: --port 8081 (0 takes any free one)",
      { cause },
    );
  }
  if (cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.AddrNotAvailable) {
    return new MillraceError(
      "PORT_UNAVAILABLE",
      `cannot listen on ${host}:${port}: ${messageOf(cause)}`,
      "choose another address or a port above 1023: --host 127.0.0.1 --port 8080",
      { cause },
    );
  }
  return cause;
}
