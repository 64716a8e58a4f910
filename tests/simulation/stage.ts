/**
 * A stage for simulations of programs that share an archive and a ledger: each request waits until its actor is given a turn,
 * so that actors can stop, sleep and die between any two of them.
 */
import type { Archive } from "../../core/archive/archive.ts";
import type { Ledger } from "../../core/store/ports.ts";

/** Until all that can go on without a turn has gone on. */
export const nextTask = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** Where every actor waits until it is its turn. */
export class Stage {
  readonly waiting: { readonly actor: number; readonly go: () => void }[] = [];
  /** Requests that are being answered, by actor. */
  readonly #running = new Map<number, number>();
  #changes = 0;

  async turn(actor: number): Promise<void> {
    await new Promise<void>((go) => {
      this.waiting.push({ actor, go });
      this.#changes++;
    });
  }

  async running<T>(actor: number, run: () => Promise<T>): Promise<T> {
    this.#running.set(actor, (this.#running.get(actor) ?? 0) + 1);
    try {
      return await run();
    } finally {
      this.#running.set(actor, (this.#running.get(actor) ?? 0) - 1);
    }
  }

  /** Lets one go on, and resolves when it waits again, has ended, or waits for others of its requests. */
  async step(index: number): Promise<void> {
    const [{ actor, go }] = this.waiting.splice(index, 1);
    const before = this.#changes;
    go();
    for (;;) {
      await nextTask();
      const isBusy = (this.#running.get(actor) ?? 0) > 0;
      if (!isBusy && (this.#changes !== before || this.waiting.some((other) => other.actor === actor))) return;
    }
  }

  /** An actor has ended. */
  ended(): void {
    this.#changes++;
  }
}

export class MemoryLedger implements Pick<Ledger, "get" | "compareAndSet"> {
  readonly facts = new Map<string, string>();

  get(key: string): Promise<string | null> {
    return Promise.resolve(this.facts.get(key) ?? null);
  }

  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    const isExpected = (this.facts.get(key) ?? null) === expected;
    if (isExpected) this.facts.set(key, value);
    return Promise.resolve(isExpected);
  }
}

/** Requests of one actor: before each it waits for its turn, and after those that change something once more. */
export function staged(stage: Stage, actor: number, archive: Archive, ledger: MemoryLedger) {
  const before = async <T>(run: () => Promise<T>, changes = false): Promise<T> => {
    await stage.turn(actor);
    const answer = await stage.running(actor, run);
    if (changes) await stage.turn(actor);
    return answer;
  };
  const stagedArchive: Archive = {
    location: archive.location,
    put: (key, body) => before(() => archive.put(key, body), true),
    async *list(prefix) {
      yield* await before(() => Array.fromAsync(archive.list(prefix)));
    },
    folders: (folder) => before(() => archive.folders(folder)),
    fetch: (key, path) => before(() => archive.fetch(key, path)),
    // One after the other, as a service deletes them.
    async remove(keys) {
      for (const key of keys) await before(() => archive.remove([key]), true);
    },
    close: () => {},
  };
  const stagedLedger = {
    get: (key: string) => before(() => ledger.get(key)),
    compareAndSet: (key: string, expected: string | null, value: string) =>
      before(() => ledger.compareAndSet(key, expected, value), true),
  };
  return { archive: stagedArchive, ledger: stagedLedger };
}
