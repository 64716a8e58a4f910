/**
 * A store that loses acknowledgements, a log of errors, and analyzers that die, sleep and race: what the errors of a topic
 * come to must not depend on any of it.
 */
import type { ErrorReaders, ErrorReading } from "../../analyzer/errors/error_reading.ts";
import type { ErrorBatch, ErrorRecord } from "../../analyzer/errors/error_record.ts";
import type { DocumentCollection, DocumentPut, Documents } from "../../core/store/ports.ts";

/** Mulberry32: a small generator with a seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Documents in memory; some commits fail before or after they were made. */
export class UnsureDocuments implements Documents {
  readonly #collections = new Map<string, { version: number; entries: Map<string, string> }>();
  commits = 0;

  /** @param trouble Asked before and after each commit; throws where it is to fail. */
  constructor(readonly trouble: (when: "before" | "after") => void = () => {}) {}

  #of(collection: string) {
    let found = this.#collections.get(collection);
    if (found === undefined) this.#collections.set(collection, found = { version: 0, entries: new Map() });
    return found;
  }

  readDocuments(collection: string): Promise<DocumentCollection> {
    const { version, entries } = this.#of(collection);
    return Promise.resolve({ version, entries: new Map(entries) });
  }

  documentsVersion(collection: string): Promise<number> {
    return Promise.resolve(this.#of(collection).version);
  }

  async commitDocuments(collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    await Promise.resolve();
    this.trouble("before");
    const found = this.#of(collection);
    if (found.version !== expect) return false;
    found.version++;
    this.commits++;
    for (const [key, text] of puts) {
      if (text === null) found.entries.delete(key);
      else found.entries.set(key, text);
    }
    this.trouble("after");
    return true;
  }

  dropDocuments(collection: string): Promise<void> {
    this.#collections.delete(collection);
    return Promise.resolve();
  }
}

/** A log of errors by partition, which is read in batches of random sizes. */
export class ErrorLog implements ErrorReaders {
  readonly partitions: ErrorRecord[][];

  constructor(partitions: number, readonly random: () => number) {
    this.partitions = Array.from({ length: partitions }, () => []);
  }

  append(partition: number, error: Omit<ErrorRecord, "partition" | "offset">): void {
    const records = this.partitions[partition];
    records.push({ ...error, partition, offset: records.length });
  }

  open(topic: { readonly id: string }, positions: readonly number[]): ErrorReading {
    const at = [...positions];
    return {
      next: async (): Promise<ErrorBatch | null> => {
        await new Promise((resolve) => setTimeout(resolve));
        const records: ErrorRecord[] = [];
        const reached = new Map<number, number>();
        this.partitions.forEach((all, partition) => {
          const end = Math.min(all.length, at[partition] + Math.floor(this.random() * 40));
          if (end === at[partition]) return;
          records.push(...all.slice(at[partition], end));
          reached.set(partition, at[partition] = end);
        });
        return records.length === 0 ? null : { topicId: topic.id, records, positions: reached, read: records.length };
      },
      close: () => Promise.resolve(),
    };
  }
}
