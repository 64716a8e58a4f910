/** Health and metrics of a program that has no gateway: /healthz, /readyz and /metrics. */
import { Gauge, Registry } from "prom-client";
import process from "node:process";
import { messageOf, MillraceError } from "../core/errors.ts";

export interface StatusSource {
  /** Reasons why it cannot do its work at the moment; none where it can. */
  reasons(): Promise<readonly string[]> | readonly string[];
  /** Fills in figures before they are read. */
  collect(): Promise<void> | void;
  readonly registry: Registry;
}

export interface StatusServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Listens; throws PORT_UNAVAILABLE. `key` names the setting of the port: "engine.port". */
export function startStatusServer(
  { host, port, key }: { readonly host: string; readonly port: number; readonly key: string },
  source: StatusSource,
): StatusServer {
  addProcessFigures(source.registry);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: host, port, onListen: () => {} }, (request) => answer(request, source));
  } catch (cause) {
    throw new MillraceError(
      "PORT_UNAVAILABLE",
      `cannot listen on ${host}:${port}: ${messageOf(cause)}`,
      `stop what uses it, or choose another ${key} (0 takes any free one)`,
      { cause },
    );
  }
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return {
    url: `http://${name.includes(":") ? `[${name}]` : name}:${server.addr.port}`,
    stop: () => server.shutdown(),
  };
}

async function answer(request: Request, source: StatusSource): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/healthz":
      return Response.json({ status: "ok" });
    case "/readyz": {
      const reasons = await source.reasons();
      const isReady = reasons.length === 0;
      return Response.json({ status: isReady ? "ready" : "not ready", reasons }, { status: isReady ? 200 : 503 });
    }
    case "/metrics":
      await source.collect();
      return new Response(await source.registry.metrics(), {
        headers: { "Content-Type": source.registry.contentType },
      });
    default:
      return Response.json({ title: "Not found", status: 404, detail: "there are /healthz, /readyz and /metrics" }, {
        status: 404,
        headers: { "Content-Type": "application/problem+json" },
      });
  }
}

function addProcessFigures(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory",
    registers,
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });
  new Gauge({
    name: "process_cpu_seconds_total",
    help: "Time of processors, user and system",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
}
