/**
 * A connection that carries fetches over plain TCP. Each response is read into memory that is used again: the library's
 * connections copy every byte twice into new memory on its way, which took more time than all parsing
 * (deno task bench --only kafka). Encrypted and authenticated connections are the library's (kafka_fetch_link.ts).
 * Framing: https://kafka.apache.org/protocol.html#protocol_common
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Writer } from "@platformatic/kafka";
import { messageOf } from "../errors.ts";
import { afterResponseHeader } from "./kafka_fetch_response.ts";
import { ResponseBuffers } from "./response_buffers.ts";

/** Of a response: its length and its correlation id. */
const START_BYTES = 8;
/** No broker's configuration allows more (socket.request.max.bytes is 100 MiB by default). */
const RESPONSE_BYTES_MAX = 1 << 30;

export interface PlainConnectionOptions {
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** A response from after its header on. */
export interface LeasedResponse {
  readonly bytes: Uint8Array;
  /** Says that nobody reads the bytes any more; may be left out. Once at most. */
  release(): void;
}

interface Pending {
  readonly correlationId: number;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly resolve: (response: LeasedResponse) => void;
  readonly reject: (error: unknown) => void;
}

export class PlainConnection {
  readonly #address: string;
  readonly #connection: Deno.TcpConn;
  readonly #options: PlainConnectionOptions;
  readonly #buffers = new ResponseBuffers();
  /** In the order of their requests, which is that of the responses. */
  readonly #pending: Pending[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #correlationId = 0;
  #isClosed = false;

  private constructor(address: string, connection: Deno.TcpConn, options: PlainConnectionOptions) {
    this.#address = address;
    this.#connection = connection;
    this.#options = options;
    void this.#receive();
  }

  /** Rejects where no address of the host answers in time. */
  static async open(host: string, port: number, options: PlainConnectionOptions): Promise<PlainConnection> {
    const addresses = isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
    let problem = `${host} has no address`;
    for (const address of addresses) {
      const opening = Deno.connect({ hostname: address, port });
      try {
        const connection = await withinTime(opening, options.connectTimeoutMs);
        connection.setNoDelay(true);
        return new PlainConnection(`${host}:${port}`, connection, options);
      } catch (error) {
        opening.then((late) => late.close(), () => {});
        problem = messageOf(error);
      }
    }
    throw new Error(`${host}:${port} does not answer: ${problem}`);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends a request with a flexible header (version 2); requests may be under way together. */
  request(apiKey: number, apiVersion: number, body: Writer): Promise<LeasedResponse> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error(`the connection to ${this.#address} is closed`));
      const correlationId = this.#correlationId = (this.#correlationId + 1) & 0x7fffffff;
      const { requestTimeoutMs, clientId } = this.#options;
      const timer = setTimeout(
        () => this.#end(new Error(`${this.#address} has not answered for ${requestTimeoutMs / 1000} s`)),
        requestTimeoutMs,
      );
      this.#pending.push({ correlationId, timer, resolve, reject });
      const request = Writer.create().appendInt16(apiKey).appendInt16(apiVersion).appendInt32(correlationId)
        .appendString(clientId, false).appendTaggedFields().appendFrom(body).prependLength();
      this.#writing = this.#writing.then(() => this.#write(request.buffer));
    });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    } catch (error) {
      this.#end(error);
    }
  }

  /** Until the connection ends. */
  async #receive(): Promise<void> {
    const start = new Uint8Array(START_BYTES);
    const view = new DataView(start.buffer);
    try {
      while (await this.#fill(start)) {
        const length = view.getInt32(0) - (START_BYTES - 4);
        const pending = this.#pending[0];
        if (pending === undefined || pending.correlationId !== view.getInt32(4)) {
          throw new Error(`${this.#address} answers what it was not asked`);
        }
        if (length < 0 || length > RESPONSE_BYTES_MAX) throw new Error(`${this.#address} answers ${length} bytes`);
        const bytes = this.#buffers.take(length);
        if (!await this.#fill(bytes)) break;
        this.#pending.shift();
        clearTimeout(pending.timer);
        pending.resolve({ bytes: afterResponseHeader(bytes), release: () => this.#buffers.give(bytes) });
      }
      this.#end(new Error(`${this.#address} closed the connection`));
    } catch (error) {
      this.#end(error);
    }
  }

  /** False where the connection ends before. */
  async #fill(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      const got = await this.#connection.read(bytes.subarray(at));
      if (got === null) return false;
      at += got;
    }
    return true;
  }

  #end(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#connection.close();
    } catch {
      // it was closed from the other side
    }
    for (const { timer, reject } of this.#pending.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }

  close(): void {
    this.#end(new Error(`the connection to ${this.#address} is closed`));
  }
}

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
