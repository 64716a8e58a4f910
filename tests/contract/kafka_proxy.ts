/**
 * A broker's address of its own, through which everything passes, and where tests change or cut what they want: for what
 * a healthy broker does not do when asked. Frames are those of https://kafka.apache.org/protocol.html#protocol_common
 */
import { Buffer } from "node:buffer";
import type { KafkaAccess } from "../../core/log/kafka_access.ts";

export const FETCH = 1;
export const PRODUCE = 0;
export const API_VERSIONS = 18;
const METADATA = 3;
const FIND_COORDINATOR = 10;
/** Of a fetch response, before the first record of the first partition. Versions 13 to 17, after the correlation id. */
const THROTTLE_AT = 1;
const LENGTH_BYTES = 4;

export interface KafkaProxy extends AsyncDisposable {
  /** The access given, with the proxy in the broker's place. */
  readonly access: KafkaAccess;
  /** Connections that were taken. */
  readonly connections: number;
  /** Called with the API's number and the body from the correlation id on, which may be changed in place. */
  onResponse: (api: number, response: Buffer) => void;
  /** Answers whether the request goes to the broker; the connection is cut where not. */
  onRequest: (api: number, request: Buffer) => boolean;
  /** Cuts every connection there is. */
  cut(): void;
}

/** Stands before the first broker of `access`, which advertises that address. */
export function startKafkaProxy(access: KafkaAccess, ownPort = 0): KafkaProxy {
  const [address] = access.brokers;
  const hostname = address.slice(0, address.lastIndexOf(":"));
  const port = Number(address.slice(hostname.length + 1));
  const listener = Deno.listen({ hostname: "127.0.0.1", port: ownPort });
  const open = new Set<Deno.Conn>();
  let connections = 0;
  const proxy: KafkaProxy = {
    access: { ...access, brokers: [`127.0.0.1:${listener.addr.port}`] },
    get connections() {
      return connections;
    },
    onResponse: () => {},
    onRequest: () => true,
    cut: () => open.forEach(close),
    async [Symbol.asyncDispose]() {
      listener.close();
      proxy.cut();
      await accepting;
    },
  };
  const close = (connection: Deno.Conn) => {
    if (!open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // The other end was first.
    }
  };
  const serve = async (client: Deno.Conn) => {
    connections++;
    open.add(client);
    const broker = await Deno.connect({ hostname, port });
    open.add(broker);
    /** API of each request under way, by its correlation id. */
    const apis = new Map<number, number>();
    const upwards = pass(client, broker, (request) => {
      const api = request.readInt16BE(LENGTH_BYTES);
      apis.set(request.readInt32BE(LENGTH_BYTES + 4), api);
      return proxy.onRequest(api, request.subarray(LENGTH_BYTES));
    });
    const downwards = pass(broker, client, (response) => {
      const body = response.subarray(LENGTH_BYTES);
      const api = apis.get(body.readInt32BE(0)) ?? -1;
      apis.delete(body.readInt32BE(0));
      if (api === METADATA || api === FIND_COORDINATOR) readdress(body, hostname, port, listener.addr.port);
      proxy.onResponse(api, body);
      return true;
    });
    await Promise.race([upwards, downwards]).catch(() => {});
    close(client);
    close(broker);
    await Promise.allSettled([upwards, downwards]);
  };
  const accepting = (async () => {
    const serving: Promise<void>[] = [];
    try {
      for await (const client of listener) serving.push(serve(client));
    } finally {
      await Promise.allSettled(serving);
    }
  })().catch(() => {});
  return proxy;
}

/** Passes whole frames on until `look` answers false or one of the ends closes. */
async function pass(from: Deno.Conn, to: Deno.Conn, look: (frame: Buffer) => boolean): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of from.readable.values({ preventCancel: true })) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readInt32BE(0)) {
      const frame = Buffer.from(rest.subarray(0, LENGTH_BYTES + rest.readInt32BE(0)));
      rest = rest.subarray(frame.length);
      if (!look(frame)) return;
      for (let at = 0; at < frame.length;) at += await to.write(frame.subarray(at));
    }
  }
}

/** Puts the proxy's port where the broker names its address: the host, then the port as an int32. */
function readdress(body: Buffer, hostname: string, port: number, own: number): void {
  const named = Buffer.concat([Buffer.from(hostname), Buffer.alloc(4)]);
  named.writeInt32BE(port, hostname.length);
  for (let at = body.indexOf(named); at >= 0; at = body.indexOf(named, at + 1)) {
    body.writeInt32BE(own, at + hostname.length);
  }
}

/** The parts of a fetch response that tests change. Answers null where it holds no partition. */
export function fetchResponse(response: Buffer): { throttle(ms: number): void; fail(errorCode: number): void } | null {
  const at = LENGTH_BYTES + THROTTLE_AT;
  const topicsAt = at + 4 + 2 + 4;
  if (response[topicsAt] < 2) return null;
  // Topic count, topic id, partition count, partition.
  const errorAt = topicsAt + 1 + 16 + 1 + 4;
  return {
    throttle: (ms) => void response.writeInt32BE(ms, at),
    fail: (errorCode) => void response.writeInt16BE(errorCode, errorAt),
  };
}

/** Makes an answer to ApiVersions, version 3, say that the broker knows an API up to `newest` only. */
export function limitVersion(response: Buffer, api: number, newest: number): void {
  // After the error and the count each API has its number, its oldest and its newest version, and no tags.
  for (let at = LENGTH_BYTES + 2 + 1; at + 7 <= response.length; at += 7) {
    if (response.readInt16BE(at) === api) return void response.writeInt16BE(newest, at + 4);
  }
}
