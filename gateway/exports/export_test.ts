import { expect } from "expect";
import { NOW_MS, type TestGateway, withGateway } from "../test_gateway.ts";
import type { Export, ExportQuery } from "../../core/store/ports.ts";
import { createApp } from "../app.ts";
import type { GatewayParts } from "../parts.ts";

const PATH = "/api/v1/export?topic=shop&table=minutes&format=csv";

/** A store whose exports are streams that the test holds. */
class HeldExports {
  readonly queries: ExportQuery[] = [];
  readonly cancelled: number[] = [];
  readonly controllers: ReadableStreamDefaultController<Uint8Array>[] = [];

  readonly parts = (real: GatewayParts): Partial<GatewayParts> => ({
    store: new Proxy(real.store, {
      get: (target, name) => {
        if (name === "export") return this.export;
        const own = Reflect.get(target, name);
        return typeof own === "function" ? own.bind(target) : own;
      },
    }),
  });

  export = (query: ExportQuery): Promise<Export> => {
    const index = this.queries.push(query) - 1;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.controllers[index] = controller),
      cancel: () => void this.cancelled.push(index),
    });
    return Promise.resolve({ stream, frontier: [{ partition: 0, offset: 123 }, { partition: 1, offset: 456 }] });
  };
}

async function withExports(
  run: (exports: HeldExports, request: (path: string) => Promise<Response>, gateway: TestGateway) => Promise<void>,
): Promise<void> {
  const exports = new HeldExports();
  await withGateway(async (gateway) => {
    await gateway.log.createTopic("shop", { partitions: 2 });
    const app = createApp(gateway.parts);
    await run(exports, (path) => Promise.resolve(app.request(path)), gateway);
  }, { parts: exports.parts });
}

Deno.test("an export comes as a file with its frontier, for everything unless a range is given", async () => {
  await withExports(async (exports, request) => {
    const response = await request(`${PATH}&where=level=ERROR&raw=1`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="shop-minutes.csv"',
      "x-millrace-frontier": "0:123,1:456",
      "cache-control": "no-store",
    });
    const [{ range, ...query }] = exports.queries;
    expect(query).toMatchObject({
      table: "minutes",
      format: "csv",
      isRaw: true,
      where: [{ field: "level", op: "in", values: ["ERROR"] }],
    });
    expect(range.fromMs).toBeLessThan(Date.UTC(1971, 0));
    expect(range.toMs).toBeGreaterThan(Date.UTC(2200, 0));
    exports.controllers[0].enqueue(new TextEncoder().encode("a,b\n"));
    exports.controllers[0].close();
    expect(await response.text()).toBe("a,b\n");
  });
});

Deno.test("the file is named by topic, table and range", async () => {
  await withExports(async (exports, request) => {
    const response = await request(`${PATH}&from=2026-02-01&to=2026-03-01T12:00:00Z`);
    expect(response.headers.get("content-disposition"))
      .toBe('attachment; filename="shop-minutes-20260201T000000Z-20260301T120000Z.csv"');
    expect(exports.queries[0].range).toEqual({ fromMs: Date.UTC(2026, 1, 1), toMs: Date.UTC(2026, 2, 1, 12) });
    await response.body?.cancel();
    expect(NOW_MS).toBeGreaterThan(exports.queries[0].range.toMs);
  });
});

Deno.test("two exports run at a time; a third is told when to come again, and may once one has ended", async () => {
  await withExports(async (exports, request) => {
    const first = await request(PATH);
    const second = await request(PATH);
    const third = await request(PATH);
    expect(third.status).toBe(429);
    expect(Number(third.headers.get("retry-after"))).toBeGreaterThan(0);
    await third.body?.cancel();
    exports.controllers[0].close();
    await first.text();
    const fourth = await request(PATH);
    expect(fourth.status).toBe(200);
    // The client went away: the store's stream ends with it, and the place is free.
    await second.body?.cancel("gone");
    expect(exports.cancelled).toEqual([1]);
    const fifth = await request(PATH);
    expect(fifth.status).toBe(200);
    exports.controllers[3].error(new Error("the file broke"));
    await expect(fifth.text()).rejects.toThrow();
    expect((await request(PATH)).status).toBe(200);
    await fourth.body?.cancel();
  });
});

Deno.test("an export that breaks off after its first bytes says why in the log", async () => {
  const lines: string[] = [];
  const original = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    await withExports(async (exports, request) => {
      const response = await request(PATH);
      exports.controllers[0].enqueue(new TextEncoder().encode("a,b\n"));
      const text = response.text();
      exports.controllers[0].error(new Error("no space left"));
      await expect(text).rejects.toThrow("no space left");
    });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "ERROR", message: "an export broke off: no space left" },
    ]);
  } finally {
    console.error = original;
  }
});
