/**
 * Reads one partition of a Kafka topic, in whichever thread it was made; all readers of a thread share their connections
 * (kafka_fetcher.ts). While there is much to read, the next fetch is under way before these records are parsed.
 */
import type { KafkaAccess } from "./kafka_access.ts";
import { type FetchTarget, KafkaFetcher, type LeasedBatches } from "./kafka_fetcher.ts";
import type { FetchedBatches, PartitionReader } from "./partitioned_log.ts";

const POLL_MS = 20;

interface SharedFetcher {
  readonly fetcher: KafkaFetcher;
  readers: number;
}

/** By the cluster's access: one for all readers of the thread. */
const shared = new Map<string, SharedFetcher>();

function borrow(access: KafkaAccess): { fetcher: KafkaFetcher; giveBack: () => void } {
  const key = JSON.stringify(access);
  const entry = shared.get(key) ?? { fetcher: new KafkaFetcher(access, () => performance.now()), readers: 0 };
  shared.set(key, entry);
  entry.readers++;
  return {
    fetcher: entry.fetcher,
    giveBack: () => {
      if (--entry.readers > 0) return;
      shared.delete(key);
      void entry.fetcher.close();
    },
  };
}

export class KafkaReader implements PartitionReader {
  readonly #target: FetchTarget;
  readonly #fetcher: KafkaFetcher;
  readonly #giveBack: () => void;
  #ahead: { readonly offset: number; readonly fetched: Promise<LeasedBatches> } | null = null;
  /** What the last two fetches gave: of the one before them nothing is read any more. */
  #given: readonly LeasedBatches[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(access: KafkaAccess, target: FetchTarget) {
    const { fetcher, giveBack } = borrow(access);
    this.#target = target;
    this.#fetcher = fetcher;
    this.#giveBack = giveBack;
  }

  async fetch(offset: number, maxBytes: number, waitMs: number): Promise<FetchedBatches> {
    const deadlineMs = performance.now() + waitMs;
    if (this.#given.length === 2) {
      this.#given[0].release();
      this.#given = this.#given.slice(1);
    }
    for (;;) {
      if (this.#isClosed) throw new Error("fetch after close");
      const fetched = await this.#next(offset, maxBytes).catch((error): LeasedBatches => {
        if (!this.#isClosed) throw error;
        // The connections went with the readers.
        return { bytes: new Uint8Array(0), next: offset, start: 0, end: offset, release: () => {} };
      });
      const { bytes, next, end } = fetched;
      if (bytes.length === 0) fetched.release();
      else this.#given = [...this.#given, fetched];
      if (!this.#isClosed && 2 * bytes.length >= maxBytes && next < end) {
        const ahead = this.#fetcher.fetch(this.#target, next, maxBytes);
        ahead.catch(() => {}); // met by who asks for it
        this.#ahead = { offset: next, fetched: ahead };
      }
      const leftMs = deadlineMs - performance.now();
      if (next > offset || leftMs <= 0 || this.#isClosed) return fetched;
      await this.#sleep(Math.min(POLL_MS, leftMs));
      if (this.#isClosed) return fetched;
    }
  }

  #next(offset: number, maxBytes: number): Promise<LeasedBatches> {
    const ahead = this.#ahead;
    this.#ahead = null;
    return ahead?.offset === offset ? ahead.fetched : this.#fetcher.fetch(this.#target, offset, maxBytes);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake();
    this.#giveBack();
  }
}
