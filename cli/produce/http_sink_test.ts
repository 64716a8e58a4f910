import { createServer } from "node:http";
import { expect } from "expect";
import { HttpSink, type HttpSinkOptions, parseRetryAfter } from "./http_sink.ts";
import { Undelivered } from "./sink.ts";

interface Received {
  readonly url: URL;
  readonly body: string;
}

/** A gateway that answers with each of `answers` in turn, then with 200. */
async function withGateway(
  answers: readonly (() => Response)[],
  run: (url: string, received: Received[]) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const answer = answers[received.length];
    received.push({ url: new URL(request.url), body: await request.text() });
    return answer?.() ?? Response.json({});
  });
  try {
    await run(`http://127.0.0.1:${server.addr.port}`, received);
  } finally {
    await server.shutdown();
  }
}

function sinkFor(url: string, options: Partial<HttpSinkOptions> = {}): { sink: HttpSink; waits: number[] } {
  const waits: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { sink: new HttpSink({ url, topic: "shop", partitions: 4, sleep, ...options }), waits };
}

function add(sink: HttpSink, text: string): boolean {
  const bytes = new TextEncoder().encode(`<${text}>`);
  return sink.add(bytes, 1, bytes.length - 1);
}

const problem = (status: number, detail: string, headers: Record<string, string> = {}): Response =>
  Response.json({ title: "refused", detail }, { status, headers });

Deno.test("records are sent as lines to the topic", async () => {
  await withGateway([], async (url, received) => {
    const { sink } = sinkFor(url);
    for (const text of ["a", "bc", "d"]) expect(add(sink, text)).toBe(true);
    await sink.flush();
    await sink.flush();
    expect(received.map(({ body }) => body)).toEqual(["a\nbc\nd\n"]);
    expect(received[0].url.pathname + received[0].url.search).toBe("/ingest/v1/shop");
  });
});

Deno.test("a full body asks for a flush, and a record larger than a body goes alone", async () => {
  await withGateway([], async (url, received) => {
    const { sink } = sinkFor(url, { bodyBytesMax: 10 });
    expect(add(sink, "1234")).toBe(true);
    expect(add(sink, "5678")).toBe(true);
    expect(add(sink, "9")).toBe(false);
    await sink.flush();
    expect(add(sink, "x".repeat(50))).toBe(true);
    expect(add(sink, "9")).toBe(false);
    await sink.flush();
    expect(received.map(({ body }) => body)).toEqual(["1234\n5678\n", `${"x".repeat(50)}\n`]);
  });
});

Deno.test("a gateway that cannot keep up is asked again after the time that it names", async () => {
  const busy = () => problem(429, "slow down", { "retry-after": "3" });
  await withGateway([busy, () => problem(503, "starting")], async (url, received) => {
    const { sink, waits } = sinkFor(url);
    add(sink, "a");
    await sink.flush();
    expect(received.map(({ body }) => body)).toEqual(["a\n", "a\n", "a\n"]);
    expect(waits[0]).toBe(3000);
    expect(waits).toHaveLength(2);
  });
});

Deno.test("a gateway that stopped in the middle of a body is not sent the same lines again", async () => {
  const full = () => Response.json({ detail: "the disk is full", accepted: 0 }, { status: 507 });
  const midway = () => Response.json({ detail: "line 3 is too long", accepted: 2 }, { status: 413 });
  const busy = () => Response.json({ detail: "slow down", accepted: 0 }, { status: 429 });
  for (const answer of [full, midway, busy]) {
    await withGateway([answer], async (url, received) => {
      const { sink } = sinkFor(url);
      add(sink, "a");
      expect((await failureOf(sink)).mayBeIn).toBe(true);
      expect(received).toHaveLength(1);
    });
  }
});

async function failureOf(sink: HttpSink): Promise<Undelivered> {
  try {
    await sink.flush();
  } catch (error) {
    if (error instanceof Undelivered) return error;
    throw error;
  }
  throw new Error("the flush succeeded");
}

Deno.test("a refusal is told in the gateway's words and surely took nothing", async () => {
  await withGateway([() => problem(400, "no format jsn")], async (url) => {
    const { sink } = sinkFor(url);
    add(sink, "a");
    const { reason, mayBeIn } = await failureOf(sink);
    expect(mayBeIn).toBe(false);
    expect(reason).toMatchObject({
      code: "REFUSED",
      message: "POST /ingest/v1/shop: the gateway answered 400: no format jsn",
    });
  });
});

Deno.test("after an answer that says nothing of what was taken, nothing is sent again", async () => {
  await withGateway([() => problem(500, "oops")], async (url, received) => {
    const { sink } = sinkFor(url);
    add(sink, "a");
    expect((await failureOf(sink)).mayBeIn).toBe(true);
    expect(received).toHaveLength(1);
  });
});

Deno.test("a connection that breaks after the records were sent is ambiguous, so they are not sent again", async () => {
  let connections = 0;
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      await connection.read(new Uint8Array(1000));
      connection.close();
    }
  })();
  const { sink } = sinkFor(`http://127.0.0.1:${listener.addr.port}`);
  add(sink, "a");
  const { reason, mayBeIn } = await failureOf(sink);
  expect([reason.code, mayBeIn]).toEqual(["UNREACHABLE", true]);
  listener.close();
  await accepting;
  expect(connections).toBe(1);
});

Deno.test("a connection that was used before and breaks is no reason to send twice", async () => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    if (bodies.length === 2) request.socket.destroy(); // taken, and not answered
    else response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  const { sink } = sinkFor(`http://127.0.0.1:${address.port}`);
  add(sink, "a");
  await sink.flush();
  add(sink, "b");
  expect((await failureOf(sink)).mayBeIn).toBe(true);
  expect(bodies).toEqual(["a\n", "b\n"]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("a gateway that isn't there yet is waited for", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const received: string[] = [];
  let server: Deno.HttpServer | undefined;
  const sleep = (): Promise<void> => {
    server ??= Deno.serve({ port, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
      received.push(await request.text());
      return Response.json({});
    });
    return Promise.resolve();
  };
  const sink = new HttpSink({ url: `http://127.0.0.1:${port}`, topic: "shop", partitions: 4, sleep });
  add(sink, "a");
  await sink.flush();
  expect(received).toEqual(["a\n"]);
  await server?.shutdown();
});

Deno.test("Retry-After is read as seconds or as a date, and never believed for more than a minute", () => {
  const nowMs = Date.UTC(2026, 0, 1);
  expect(parseRetryAfter("5", nowMs)).toBe(5000);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:07 GMT", nowMs)).toBe(7000);
  expect(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", nowMs)).toBe(0);
  expect(parseRetryAfter("86400", nowMs)).toBe(60_000);
  expect([parseRetryAfter(null, nowMs), parseRetryAfter("soon", nowMs)]).toEqual([null, null]);
});
