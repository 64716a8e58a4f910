import { Buffer } from "node:buffer";
import { Writer } from "@platformatic/kafka";
import { expect } from "expect";
import { PlainConnection } from "./kafka_plain_connection.ts";

type Answer = (connection: Deno.TcpConn, correlationId: number, body: Uint8Array) => Promise<unknown> | void;

async function readFully(connection: Deno.TcpConn, length: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const got = await connection.read(bytes.subarray(at)).catch(() => null);
    if (got === null) return null;
    at += got;
  }
  return bytes;
}

/** A server that hands each request to `answer`, and the connection to it. */
async function connected(answer: Answer, requestTimeoutMs = 30_000) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const connection = await listener.accept();
    for (;;) {
      const length = await readFully(connection, 4);
      const request = length && await readFully(connection, new DataView(length.buffer).getInt32(0));
      if (!request) break;
      const view = new DataView(request.buffer);
      const header = 2 + 2 + 4 + 2 + view.getInt16(8) + 1;
      await answer(connection, view.getInt32(4), request.subarray(header));
    }
    try {
      connection.close();
    } catch {
      // `answer` did
    }
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const options = { clientId: "a-test", connectTimeoutMs: 5_000, requestTimeoutMs };
  const connection = await PlainConnection.open("127.0.0.1", port, options);
  return {
    connection,
    async [Symbol.asyncDispose]() {
      connection.close();
      await serving;
      listener.close();
    },
  };
}

/** A response as brokers frame it, with the tags of its header as given. */
function framed(correlationId: number, body: Uint8Array, tags: readonly number[] = [0]): Uint8Array {
  const bytes = new Uint8Array(8 + tags.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, bytes.length - 4);
  view.setInt32(4, correlationId);
  bytes.set(tags, 8);
  bytes.set(body, 8 + tags.length);
  return bytes;
}

const request = (text: string) => Writer.create().append(Buffer.from(text));
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

Deno.test("requests under way together get their own answers, whatever pieces these come in", async () => {
  await using peer = await connected(async (connection, id, body) => {
    // One tag of number 1 with 2 bytes, as a newer broker may add it.
    const bytes = framed(id, body, [1, 1, 2, 9, 9]);
    for (let at = 0; at < bytes.length; at += 7) await writeAll(connection, bytes.subarray(at, at + 7));
  });
  const texts = ["one", "", "three and more", "4".repeat(300)];
  const answers = await Promise.all(texts.map((text) => peer.connection.request(1, 13, request(text))));
  expect(answers.map(({ bytes }) => textOf(bytes))).toEqual(texts);
});

Deno.test("memory is used again only after its release", async () => {
  const large = new Uint8Array(100_000);
  let count = 0;
  await using peer = await connected((connection, id) => writeAll(connection, framed(id, large.fill(++count))));
  const ask = () => peer.connection.request(1, 13, request("x"));
  const [first, second] = [await ask(), await ask()];
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  expect([first.bytes[99_999], second.bytes[99_999]]).toEqual([1, 2]);
  first.release();
  const third = await ask();
  expect(third.bytes.buffer).toBe(first.bytes.buffer);
  expect([second.bytes[99_999], third.bytes[99_999]]).toEqual([2, 3]);
});

Deno.test("all requests hear of a connection that ends, and it takes no more", async () => {
  await using peer = await connected(async (connection, id) => {
    await writeAll(connection, framed(id, new Uint8Array(50)).subarray(0, 20));
    connection.close();
  });
  const asked = [1, 2].map(() => peer.connection.request(1, 13, request("x")));
  for (const each of await Promise.allSettled(asked)) expect(each.status).toBe("rejected");
  expect(peer.connection.isClosed).toBe(true);
  await expect(peer.connection.request(1, 13, request("x"))).rejects.toThrow("is closed");
});

Deno.test("an answer to another request, and one without end, are refused", async () => {
  await using stranger = await connected((connection, id) => writeAll(connection, framed(id + 1, new Uint8Array(1))));
  await expect(stranger.connection.request(1, 13, request("x"))).rejects.toThrow("what it was not asked");
  await using endless = await connected((connection, id) => {
    const bytes = framed(id, new Uint8Array(1));
    new DataView(bytes.buffer).setInt32(0, -5);
    return writeAll(connection, bytes);
  });
  await expect(endless.connection.request(1, 13, request("x"))).rejects.toThrow("bytes");
});

Deno.test("a broker that is silent is given up, and named", async () => {
  await using peer = await connected(() => {}, 50);
  await expect(peer.connection.request(1, 13, request("x"))).rejects.toThrow(/^127\.0\.0\.1:\d+ has not answered/);
  expect(peer.connection.isClosed).toBe(true);
});

Deno.test("a port that nobody listens on is told with its address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const options = { clientId: "a-test", connectTimeoutMs: 5_000, requestTimeoutMs: 1_000 };
  await expect(PlainConnection.open("127.0.0.1", port, options)).rejects.toThrow(`127.0.0.1:${port} does not answer`);
});
