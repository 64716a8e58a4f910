import { expect } from "expect";
import { configSchema } from "../core/config/schema.ts";
import { MillraceError } from "../core/errors.ts";
import { startGateway } from "./main.ts";
import { withGateway } from "./test_gateway.ts";

/** The configuration of a gateway on this host and port. */
const listening = (host: string, port: number) => configSchema.parse({ gateway: { host, port } });

Deno.test("port 0 takes a free port, and the url leads there", async () => {
  await withGateway(async ({ parts }) => {
    const gateway = await startGateway({ ...parts, config: listening("127.0.0.1", 0) });
    try {
      expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}`);
      expect(gateway.port).toBeGreaterThan(0);
      expect(await (await fetch(`${gateway.url}/healthz`)).json()).toEqual({ status: "ok" });
    } finally {
      await gateway.stop();
    }
    await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
  });
});

Deno.test("a port that is taken is told with a remedy", async () => {
  await withGateway(async ({ parts }) => {
    const first = await startGateway({ ...parts, config: listening("127.0.0.1", 0) });
    try {
      const second = startGateway({ ...parts, config: listening("127.0.0.1", first.port) });
      const error = await second.then((gateway) => gateway.stop(), (error) => error);
      expect(error).toBeInstanceOf(MillraceError);
      expect(error).toMatchObject({ code: "PORT_UNAVAILABLE", remedy: expect.stringContaining("--port") });
      expect(error.message).toContain(String(first.port));
    } finally {
      await first.stop();
    }
  });
});

Deno.test("an address that is not this machine's is told as such", async () => {
  await withGateway(async ({ parts }) => {
    const error = await startGateway({ ...parts, config: listening("203.0.113.1", 0) })
      .then((gateway) => gateway.stop(), (error) => error);
    expect(error).toMatchObject({ code: "PORT_UNAVAILABLE", message: expect.stringContaining("203.0.113.1") });
  });
});

Deno.test("stopping lets a request that runs end, and takes no further one", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  let isAsked: () => void = () => {};
  const asked = new Promise<void>((resolve) => isAsked = resolve);
  await withGateway(async ({ parts }) => {
    const gateway = await startGateway({ ...parts, config: listening("127.0.0.1", 0) });
    const running = fetch(`${gateway.url}/api/v1/topics`);
    await asked;
    const stopped = gateway.stop();
    await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
    release();
    expect(await (await running).json()).toEqual({ topics: [] });
    await stopped;
  }, {
    parts: ({ log }) => ({
      log: new Proxy(log, {
        get: (target, name) => {
          if (name === "listTopics") return async () => (isAsked(), await held, await target.listTopics());
          const own = Reflect.get(target, name);
          return typeof own === "function" ? own.bind(target) : own;
        },
      }),
    }),
  });
});

Deno.test("a body that is refused early over the wire still gets its answer", async () => {
  await withGateway(async ({ parts }) => {
    const config = configSchema.parse({ gateway: { port: 0, ingestBodyBytesMax: 4096 } });
    const gateway = await startGateway({ ...parts, config });
    try {
      const url = `${gateway.url}/ingest/v1/shop`;
      const refused = await fetch(url, { method: "POST", body: "x".repeat(8 * 1024 * 1024) });
      expect(refused.status).toBe(413);
      await refused.body?.cancel();
      const next = await fetch(url, { method: "POST", body: "fine\n" });
      expect(next.status).toBe(200);
      await next.body?.cancel();
    } finally {
      await gateway.stop();
    }
  });
});
