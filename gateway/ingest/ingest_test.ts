import { expect } from "expect";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { MillraceError } from "../../core/errors.ts";
import { openReader } from "../../core/log/registry.ts";
import { readAll } from "../../core/log/test_batches.ts";
import { type Answer, NOW_MS, type TestGateway, withGateway } from "../test_gateway.ts";

const MEGABYTE = 1024 * 1024;

/** Every record of a topic as latin-1 text, sorted: which partition it went to is the log's business. */
async function stored({ log }: TestGateway, name: string): Promise<string[]> {
  const topic = await log.findTopic(name);
  if (topic === undefined) return [];
  const values: string[] = [];
  for (let partition = 0; partition < topic.partitions; partition++) {
    const reader = openReader(log.readerSpec(topic, partition));
    for (const { value, timestampMs } of await readAll(reader, 0, 64 * MEGABYTE)) {
      values.push(Buffer.from(value ?? "").toString("latin1"));
      expect(timestampMs).toBe(NOW_MS);
    }
    reader.close();
  }
  return values.sort();
}

/** node's gzip, in a buffer of its own as fetch wants it. */
const gzip = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(gzipSync(text));

function post(
  gateway: TestGateway,
  path: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return gateway.ask(path, { method: "POST", body, headers });
}

Deno.test("lines become records, byte for byte, in a topic that is made on the way", async () => {
  await withGateway(async (gateway) => {
    const lines = ['{"a":1}', "caf\xe9 \xff\xfe", "nul\0nul", " spaces ", "\r"];
    const body = Buffer.from(`${lines[0]}\n\n${lines[1]}\r\n${lines[2]}\n${lines[3]}\n${lines[4]}\r\nlast`, "latin1");
    const answer = await post(gateway, "/ingest/v1/shop?partitions=3&format=json", body);
    expect(answer).toMatchObject({ status: 200, json: { topic: "shop", accepted: 6, bytes: body.length } });
    expect(await stored(gateway, "shop")).toEqual([...lines, "last"].sort());
    expect(await gateway.log.findTopic("shop")).toMatchObject({ partitions: 3, format: "json" });
  });
});

Deno.test("gzip is taken apart, in several members too", async () => {
  await withGateway(async (gateway) => {
    const body = Uint8Array.from([...gzip("a\nb"), ...gzip("c\n"), ...gzip("d\n")]);
    expect(await post(gateway, "/ingest/v1/shop", body, { "content-encoding": "gzip" }))
      .toMatchObject({ status: 200, json: { accepted: 3, bytes: 7 } });
    expect(await stored(gateway, "shop")).toEqual(["a", "bc", "d"]);
  });
});

Deno.test("an empty body is no mistake", async () => {
  await withGateway(async (gateway) => {
    expect(await post(gateway, "/ingest/v1/shop", "")).toMatchObject({ status: 200, json: { accepted: 0, bytes: 0 } });
    expect(await gateway.ask("/ingest/v1/shop", { method: "POST" })).toMatchObject({ status: 200 });
  });
});

Deno.test("what cannot be taken is refused with the reason, and makes no topic", async () => {
  await withGateway(async (gateway) => {
    const refused: readonly (readonly [string, Record<string, string>, number, string])[] = [
      ["/ingest/v1/shop", { "content-encoding": "br" }, 415, "gzip"],
      ["/ingest/v1/a%2Fb", {}, 400, "letters"],
      ["/ingest/v1/%2E%2E", {}, 404, "nothing at"], // the URL's own way of going up
      ["/ingest/v1/shop?partitions=0", {}, 400, "1024"],
      ["/ingest/v1/shop?partitions=many", {}, 400, "1024"],
      ["/ingest/v1/shop?partition=3", {}, 400, "did you mean partitions"],
      ["/ingest/v1/shop?format=jsno", {}, 400, "did you mean json"],
    ];
    for (const [path, headers, status, hint] of refused) {
      const answer = await post(gateway, path, "x\n", headers);
      expect({ path, status: answer.status }).toEqual({ path, status });
      expect(Object(answer.json).detail).toContain(hint);
    }
    expect(await gateway.log.listTopics()).toEqual([]);
  }, { parts: () => ({ formats: ["access", "json"] }) });
});

Deno.test("a line that is too long is named, and what came before it is stored", async () => {
  await withGateway(async (gateway) => {
    const answer = await post(gateway, "/ingest/v1/shop", `one\n\n${"x".repeat(5000)}\nthree\n`);
    expect(answer).toMatchObject({ status: 413, json: { status: 413, accepted: 1, line: 3 } });
    expect(Object(answer.json).detail).toContain("line 3");
    expect(await stored(gateway, "shop")).toEqual(["one"]);
  }, { config: { log: { recordBytesMax: 4096 } } });
});

Deno.test("a body over the limit is refused: at once where its length is said, else where the limit is", async () => {
  const line = "0123456789abcdef".repeat(4) + "\n";
  const body = line.repeat(1000);
  await withGateway(async (gateway) => {
    const said = await post(gateway, "/ingest/v1/said", body, { "content-length": String(body.length) });
    expect(said).toMatchObject({ status: 413, json: { accepted: 0 } });
    expect(await stored(gateway, "said")).toEqual([]);
    const bomb = await post(gateway, "/ingest/v1/bomb", gzip(body), { "content-encoding": "gzip" });
    expect(bomb.status).toBe(413);
    const { accepted } = Object(bomb.json);
    expect(accepted * line.length).toBeLessThanOrEqual(16_384);
    expect(await stored(gateway, "bomb")).toEqual(new Array(accepted).fill(line.trim()));
  }, { config: { gateway: { ingestBodyBytesMax: 16_384 } } });
});

Deno.test("a gzip body that is broken or cut short is a 400, and tells what is stored", async () => {
  await withGateway(async (gateway) => {
    const whole = gzip(Array.from({ length: 50_000 }, (_, i) => `${i} ${Math.sin(i)}\n`).join(""));
    for (const body of [Uint8Array.from(Buffer.from("plain text\n")), whole.subarray(0, whole.length / 2)]) {
      const answer = await post(gateway, "/ingest/v1/shop", body, { "content-encoding": "gzip" });
      expect(answer.status).toBe(400);
    }
    const cut = await post(gateway, "/ingest/v1/cut", whole.subarray(0, whole.length / 2), {
      "content-encoding": "gzip",
    });
    const { accepted, detail } = Object(cut.json);
    expect(detail).toContain("gzip");
    expect(await stored(gateway, "cut")).toHaveLength(accepted);
  });
});

Deno.test("the answer comes only when the records are durable", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  await withGateway(async (gateway) => {
    const answer = post(gateway, "/ingest/v1/shop", "a\n");
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve("waiting"), 50))]);
    expect(first).toBe("waiting");
    release();
    expect((await answer).status).toBe(200);
    expect(await stored(gateway, "shop")).toEqual(["a"]);
  }, {
    parts: ({ log }) => ({
      log: changed(log, { append: async (...given) => (await held, await log.append(...given)) }),
    }),
  });
});

Deno.test("while too much waits to become durable, others are told to come again", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  await withGateway(async (gateway) => {
    const answer = post(gateway, "/ingest/v1/shop", `${"x".repeat(1000)}\n`.repeat(3000));
    await eventually(async () => (await post(gateway, "/ingest/v1/shop", "")).status === 429);
    const refused = await post(gateway, "/ingest/v1/shop", "late\n");
    expect(refused).toMatchObject({ status: 429, json: { title: "Too busy" } });
    expect(refused.headers.get("retry-after")).toBe("1");
    release();
    expect(await answer).toMatchObject({ status: 200, json: { accepted: 3000 } });
    expect((await post(gateway, "/ingest/v1/shop", "now\n")).status).toBe(200);
    expect(await stored(gateway, "shop")).toHaveLength(3001);
  }, {
    config: { gateway: { ingestPendingBytesMax: MEGABYTE } },
    parts: ({ log }) => ({
      log: changed(log, { append: async (...given) => (await held, await log.append(...given)) }),
    }),
  });
});

Deno.test("a body that is slow to arrive keeps nobody else out", async () => {
  await withGateway(async (gateway) => {
    let more: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) });
    const slow = post(gateway, "/ingest/v1/shop", body);
    for (let i = 0; i < 3; i++) more?.enqueue(new TextEncoder().encode(`${"s".repeat(1023)}\n`.repeat(1024)));
    await eventually(async () => (await stored(gateway, "shop")).length > 2000);
    expect((await post(gateway, "/ingest/v1/shop", "quick\n")).status).toBe(200);
    more?.close();
    expect(await slow).toMatchObject({ status: 200, json: { accepted: 3072 } });
  }, { config: { gateway: { ingestPendingBytesMax: MEGABYTE } } });
});

Deno.test("a full disk is a 507 that says so, with when to come again", async () => {
  const full = new MillraceError("DISK_FULL", "no space is left on the disk of ./data", "make room");
  await withGateway(async (gateway) => {
    const answer = await post(gateway, "/ingest/v1/shop", "a\nb\n");
    expect(answer.status).toBe(507);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Object(answer.json)).toMatchObject({ title: "Disk full", detail: expect.stringContaining("no space") });
    expect(answer.json).not.toHaveProperty("accepted");
  }, { parts: ({ log }) => ({ log: changed(log, { append: () => Promise.reject(full) }) }) });
});

Deno.test("where the log fails before a line that is too long, the answer is about the log", async () => {
  const full = new MillraceError("DISK_FULL", "no space is left", "make room");
  await withGateway(async (gateway) => {
    const answer = await post(gateway, "/ingest/v1/shop", `a\n${"x".repeat(5000)}\n`);
    expect(answer.status).toBe(507);
  }, {
    config: { log: { recordBytesMax: 4096 } },
    parts: ({ log }) => ({ log: changed(log, { append: () => Promise.reject(full) }) }),
  });
});

/** The log with some of its methods replaced. */
function changed<L extends object>(log: L, methods: Partial<L>): L {
  return new Proxy(log, {
    get: (target, name) => {
      const own = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
