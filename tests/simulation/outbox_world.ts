/** A made-up world for the outbox: time that moves by events, a channel with faults, a store, processes that freeze and die. */
import { setImmediate } from "node:timers";
import type { FindOutcome, MessageRef, Notifier, SendOutcome } from "../../analyzer/notify/notifier.ts";
import type { Notice, ThreadEntry } from "../../analyzer/notify/notice.ts";
import type { DocumentCollection, DocumentPut, Documents } from "../../core/store/ports.ts";

/** Time that moves when nothing else is left to do at a moment. */
export class World {
  nowMs = 1_800_000_000_000;
  readonly #events: { readonly atMs: number; readonly run: () => void }[] = [];

  at(atMs: number, run: () => void): void {
    const index = this.#events.findLastIndex((event) => event.atMs <= atMs);
    this.#events.splice(index + 1, 0, { atMs, run });
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.nowMs + ms, resolve));
  }

  /** Until a time, or until nothing happens any more. */
  async advance(toMs: number): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const next = this.#events[0];
      if (next === undefined || next.atMs > toMs) break;
      this.#events.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = toMs;
  }
}

/** A process: what it waits for never comes once it is dead, and comes late while it is frozen. */
export class Process {
  isDead = false;
  frozenUntilMs = 0;

  constructor(readonly world: World) {}

  /** Time that passes for this process. */
  async wait(ms: number): Promise<void> {
    await this.world.delay(ms);
    while (this.frozenUntilMs > this.world.nowMs) await this.world.delay(this.frozenUntilMs - this.world.nowMs);
    if (this.isDead) await new Promise<never>(() => {});
  }
}

/** The texts themselves, which outlive processes. */
export class MemoryStore {
  version = 0;
  readonly entries = new Map<string, string>();

  commit(expect: number, puts: readonly DocumentPut[]): boolean {
    if (expect !== this.version) return false;
    for (const [key, text] of puts) {
      if (text === null) this.entries.delete(key);
      else this.entries.set(key, text);
    }
    this.version++;
    return true;
  }
}

/** A process's connection to the store: answers come late, get lost, or are errors. */
export class StoreClient implements Documents {
  constructor(
    private readonly store: MemoryStore,
    private readonly process: Process,
    private readonly random: () => number,
    private readonly faultShare: () => number,
  ) {}

  async readDocuments(): Promise<DocumentCollection> {
    await this.process.wait(this.random() * 20);
    if (this.random() < this.faultShare()) throw new Error("the store does not answer");
    const read = { version: this.store.version, entries: new Map(this.store.entries) };
    await this.process.wait(this.random() * 20);
    return read;
  }

  async documentsVersion(): Promise<number> {
    await this.process.wait(this.random() * 20);
    return this.store.version;
  }

  async commitDocuments(_collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    await this.process.wait(this.random() * 20);
    const isFault = this.random() < this.faultShare();
    // Half of those that fail are carried out all the same.
    const isDone = isFault && this.random() < 0.5 ? false : this.store.commit(expect, puts);
    await this.process.wait(this.random() * 20);
    if (isFault) throw new Error("the store does not answer");
    return isDone;
  }

  dropDocuments(): Promise<void> {
    return Promise.reject(new Error("not asked for"));
  }
}

/** A message as people see it. */
export interface Shown {
  readonly ts: string;
  readonly nonce: string;
  readonly noticeId: string;
  /** Of a reply: the message it answers to, and its id. */
  readonly parent: string | null;
  readonly replyId: string | null;
  notice: Notice;
}

/** The place that keeps messages: knows nothing of outboxes. */
export class Channel {
  readonly messages = new Map<string, Shown>();
  /** Calls that put a message there, and that took one away. */
  arrivals = 0;
  removals = 0;
  isDown = false;
  #last = 0;

  add(message: Omit<Shown, "ts">): string {
    const ts = `${++this.#last}`;
    this.messages.set(ts, { ...message, ts });
    this.arrivals++;
    return ts;
  }
}

/** What may become of a call: it is answered, refused for now, lost, carried out without an answer, or late. */
export type Fault = "none" | "retry" | "lost" | "ack_lost" | "late";

export class ChannelClient implements Notifier {
  readonly name = "sim:channel";
  readonly canUpdate = true;
  readonly intervalMs = 1_000;

  constructor(
    private readonly channel: Channel,
    private readonly process: Process,
    private readonly random: () => number,
    private readonly fault: () => Fault,
  ) {}

  async #call(carryOut: () => MessageRef | null): Promise<SendOutcome> {
    const fault = this.channel.isDown ? (this.random() < 0.5 ? "retry" : "lost") : this.fault();
    const { world } = this.process;
    const requestMs = this.random() * 300;
    switch (fault) {
      case "none": {
        // The request is on its way whatever becomes of who sent it.
        const { promise, resolve } = Promise.withResolvers<MessageRef | null>();
        world.at(world.nowMs + requestMs, () => resolve(carryOut()));
        const ref = await promise;
        await this.process.wait(this.random() * 300);
        return ref === null ? { kind: "refused", reason: "gone", remedy: "none" } : { kind: "sent", ref };
      }
      case "retry":
        await this.process.wait(requestMs);
        return { kind: "retry", reason: "not now", afterMs: this.random() < 0.5 ? 3_000 : null };
      case "lost":
        await this.process.wait(10_000);
        return { kind: "unknown", reason: "time-out" };
      case "ack_lost":
        world.at(world.nowMs + requestMs, carryOut);
        await this.process.wait(this.random() < 0.5 ? 10_000 : requestMs + 1);
        return { kind: "unknown", reason: "time-out" };
      case "late":
        world.at(world.nowMs + this.random() * 100_000, carryOut);
        await this.process.wait(10_000);
        return { kind: "unknown", reason: "time-out" };
    }
  }

  post(notice: Notice, nonce: string): Promise<SendOutcome> {
    const message = { nonce, noticeId: notice.id, parent: null, replyId: null, notice };
    return this.#call(() => ({ ts: this.channel.add(message) }));
  }

  update(notice: Notice, ref: MessageRef): Promise<SendOutcome> {
    return this.#call(() => {
      const message = this.channel.messages.get(ref.ts);
      if (message === undefined) return null;
      message.notice = notice;
      return ref;
    });
  }

  reply(notice: Notice, entry: ThreadEntry, ref: MessageRef, nonce: string): Promise<SendOutcome> {
    const message = { nonce, noticeId: notice.id, parent: ref.ts, replyId: entry.id, notice };
    return this.#call(() => ({ ts: this.channel.add(message) }));
  }

  async find(nonce: string, _sinceMs: number, ref: MessageRef | null): Promise<FindOutcome> {
    await this.process.wait(this.random() * 300);
    if (this.channel.isDown || this.fault() !== "none") {
      return { kind: "retry", reason: "not now", afterMs: null };
    }
    const found = [...this.channel.messages.values()].filter((message) =>
      message.nonce === nonce && message.parent === (ref?.ts ?? null)
    );
    await this.process.wait(this.random() * 300);
    return found.length === 0 ? { kind: "absent" } : { kind: "found", refs: found.map(({ ts }) => ({ ts })) };
  }

  async remove(ref: MessageRef): Promise<boolean> {
    await this.process.wait(this.random() * 300);
    const isGone = !this.channel.isDown && this.fault() === "none";
    if (isGone && this.channel.messages.delete(ref.ts)) this.channel.removals++;
    await this.process.wait(this.random() * 300);
    return isGone;
  }

  check(): Promise<null> {
    return Promise.resolve(null);
  }
}
