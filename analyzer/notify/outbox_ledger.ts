/** The entries of an outbox, in memory and in a collection of documents: every change is written before it holds. */
import type { Documents } from "../../core/store/ports.ts";
import type { Entry } from "./outbox.ts";
import { decodeEntry, encodeEntry } from "./outbox_codec.ts";

/** What a change sees and does. It may be run again, on newer entries, until it is written. */
export interface Transaction {
  get(key: string): Entry | null;
  /** Null: forgets it. */
  set(key: string, entry: Entry | null): void;
}

interface Queued {
  run(transaction: Transaction): void;
  resolve(): void;
  reject(error: unknown): void;
}

const ROUNDS_MAX = 20;
const BATCH_MAX = 100;

export class OutboxLedger {
  readonly #entries = new Map<string, Entry>();
  readonly #queue: Queued[] = [];
  #version: number | null = null;
  #isDraining = false;
  /** Texts of the collection that are no entries: left alone. */
  #unreadable = 0;

  /** @param onNotice What the operator should know, in a line. */
  constructor(
    private readonly documents: Documents,
    private readonly collection: string,
    private readonly onNotice: (text: string) => void = () => {},
  ) {}

  /** How many there were when the collection was read last. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** As they were last seen; in no order. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** Reads the collection where another has changed it. Throws where the store does. */
  async refresh(): Promise<void> {
    if (this.#isDraining) return;
    if (this.#version === null || await this.documents.documentsVersion(this.collection) !== this.#version) {
      await this.#load();
    }
  }

  /**
   * Runs a change and writes what it put, together with others that wait. Throws where the store does, or others were
   * faster many times over: then nobody knows whether it was written, and it may be given again.
   */
  change<Result>(run: (transaction: Transaction) => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let result: { readonly value: Result } | null = null;
    this.#queue.push({
      run: (transaction) => {
        result = { value: run(transaction) };
      },
      resolve: () => result !== null && resolve(result.value),
      reject,
    });
    if (!this.#isDraining) void this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    // Changes that come at the same moment share a write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_MAX);
      try {
        await this.#write(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isDraining = false;
  }

  async #write(batch: readonly Queued[]): Promise<void> {
    let failure: unknown = null;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (this.#version === null) await this.#load();
      const changed = new Map<string, Entry | null>();
      const transaction: Transaction = {
        get: (key) => changed.has(key) ? changed.get(key) ?? null : this.#entries.get(key) ?? null,
        set: (key, entry) => changed.set(key, entry),
      };
      for (const { run } of batch) run(transaction);
      if (changed.size === 0) return;
      const outcome = await this.#commit(changed);
      if (outcome === true) return;
      if (outcome !== false) {
        if (failure !== null) throw outcome.error;
        failure = outcome.error;
      }
    }
    throw failure ?? new Error(`${this.collection} was changed by others ${ROUNDS_MAX} times over`);
  }

  /** Whether it was written; else, or where nobody knows, the collection is read anew. */
  async #commit(changed: ReadonlyMap<string, Entry | null>): Promise<boolean | { readonly error: unknown }> {
    const version = this.#version ?? 0;
    const puts = [...changed].map(([key, entry]) => [key, entry === null ? null : encodeEntry(entry)] as const);
    // Null until the answer: who reads it meanwhile learns nothing false.
    this.#version = null;
    try {
      if (!await this.documents.commitDocuments(this.collection, version, puts)) return false;
    } catch (error) {
      return { error };
    }
    for (const [key, entry] of changed) {
      if (entry === null) this.#entries.delete(key);
      else this.#entries.set(key, entry);
    }
    this.#version = version + 1;
    return true;
  }

  async #load(): Promise<void> {
    const { version, entries } = await this.documents.readDocuments(this.collection);
    this.#entries.clear();
    const before = this.#unreadable;
    const unreadable: string[] = [];
    for (const [key, text] of entries) {
      const entry = decodeEntry(text);
      if (entry === null) unreadable.push(key);
      else this.#entries.set(key, entry);
    }
    this.#version = version;
    this.#unreadable = unreadable.length;
    if (this.#unreadable <= before) return;
    const count = `${unreadable.length} of the messages that are kept cannot be read`;
    this.onNotice(
      `warning: ${count} (as ${unreadable[0].slice(0, 200)}): they were written by another version, or are damaged; ` +
        `they are left alone, and their matters are told anew if they go on`,
    );
  }
}
