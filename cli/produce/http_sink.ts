/** Sends records to the ingest endpoint of a gateway, one body after the other. */
import type { MillraceError } from "../../core/errors.ts";
import { fetchOnce } from "../../core/fetch_once.ts";
import { isNotConnected, refusal, unreachable } from "../gateway_client.ts";
import { type RecordSink, Undelivered } from "./sink.ts";

const LINE_FEED = 10;
export const BODY_BYTES = 4 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;
/** A gateway that takes nothing for this long is given up on. */
const PATIENCE_MS = 60_000;
const BACKOFF_MS = 200;
const BACKOFF_MAX_MS = 5_000;

export interface HttpSinkOptions {
  /** Of the gateway, without a path. */
  readonly url: string;
  readonly topic: string;
  /** Of that topic, for the summary. */
  readonly partitions: number;
  /** Replaced by tests, so that they don't wait. */
  readonly sleep?: (ms: number) => Promise<void>;
  readonly bodyBytesMax?: number;
}

export class HttpSink implements RecordSink {
  #body: Uint8Array = new Uint8Array(64 * 1024);
  #length = 0;
  readonly partitions: number;
  readonly #bodyBytesMax: number;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor(private readonly options: HttpSinkOptions) {
    this.partitions = options.partitions;
    this.#bodyBytesMax = Math.min(BODY_BYTES, options.bodyBytesMax ?? BODY_BYTES);
    this.#sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  add(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#length + end - start + 1;
    if (length > this.#bodyBytesMax && this.#length > 0) return false;
    if (length > this.#body.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(2 * this.#body.length, this.#bodyBytesMax)));
      grown.set(this.#body.subarray(0, this.#length));
      this.#body = grown;
    }
    this.#body.set(bytes.subarray(start, end), this.#length);
    this.#body[length - 1] = LINE_FEED;
    this.#length = length;
    return true;
  }

  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const body = this.#body.slice(0, this.#length);
    const giveUpMs = performance.now() + PATIENCE_MS;
    for (let attempt = 0;; attempt++) {
      const outcome = await this.#post(body);
      if (outcome === "taken") break;
      const waitMs = outcome.retryAfterMs ?? backoffMs(attempt);
      if (performance.now() + waitMs > giveUpMs) throw new Undelivered(outcome.reason, false);
      await this.#sleep(waitMs);
    }
    this.#length = 0;
  }

  /** Sends once. Answers how to try again where the gateway surely took nothing; throws {@link Undelivered} else. */
  async #post(
    body: Uint8Array<ArrayBuffer>,
  ): Promise<"taken" | { reason: MillraceError; retryAfterMs: number | null }> {
    let response: Response;
    try {
      response = await fetchOnce(this.#ingestUrl(), {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
    } catch (error) {
      const reason = unreachable(this.options.url, error);
      if (!isNotConnected(error)) throw new Undelivered(reason, true);
      return { reason, retryAfterMs: null };
    }
    if (response.ok) {
      await response.body?.cancel();
      return "taken";
    }
    const retryAfter = response.headers.get("retry-after");
    const { error: reason, hasBegun } = await refusal(response, `POST /ingest/v1/${this.options.topic}`);
    if ((response.status === 429 || response.status === 503) && !hasBegun) {
      return { reason, retryAfterMs: parseRetryAfter(retryAfter, Date.now()) };
    }
    // After a failure inside of the server, or on the way to it, nobody knows what it took.
    throw new Undelivered(reason, hasBegun || response.status >= 500);
  }

  #ingestUrl(): URL {
    return new URL(`/ingest/v1/${encodeURIComponent(this.options.topic)}`, this.options.url);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Retry-After, in seconds or as a date; null where it says neither. Never longer than a minute. */
export function parseRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), PATIENCE_MS);
}

/** Doubling, with a random part so that many producers don't return at once. */
function backoffMs(attempt: number): number {
  const ceiling = Math.min(BACKOFF_MS * 2 ** attempt, BACKOFF_MAX_MS);
  return ceiling / 2 + Math.random() * ceiling / 2;
}
