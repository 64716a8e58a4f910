/** An outbox over one channel of the simulation, for tests of what it tells. */
import type { Notice } from "../../analyzer/notify/notice.ts";
import type { FindOutcome, Notifier } from "../../analyzer/notify/notifier.ts";
import { Outbox, type OutboxOptions } from "../../analyzer/notify/outbox_runner.ts";
import { randomFrom } from "./delivery_simulator.ts";
import { Channel, ChannelClient, type Fault, MemoryStore, Process, StoreClient, World } from "./outbox_world.ts";

export const MINUTE = 60_000;

/** An outbox over one channel of the simulation, driven every second. */
export class Bench {
  readonly world = new World();
  readonly store = new MemoryStore();
  readonly channel = new Channel();
  readonly told: string[] = [];
  readonly #process = new Process(this.world);
  readonly outbox: Outbox;
  fault: Fault = "none";
  isStoreDown = false;

  constructor(options: Partial<OutboxOptions> = {}, wrap: (client: Notifier) => Notifier = (client) => client) {
    const random = randomFrom(1);
    const client = new ChannelClient(this.channel, this.#process, random, () => this.fault);
    this.outbox = new Outbox({
      documents: new StoreClient(this.store, this.#process, random, () => this.isStoreDown ? 1 : 0),
      collection: "outbox",
      notifiers: [wrap(client)],
      routes: () => [client.name],
      now: () => this.world.nowMs,
      random,
      onNotice: (text) => this.told.push(text),
      ...options,
    });
  }

  async put(...notices: Notice[]): Promise<readonly string[]> {
    const put = this.outbox.put(notices);
    await this.world.advance(this.world.nowMs + 200);
    return await put;
  }

  async run(ms: number, stepMs = 1_000): Promise<void> {
    for (const endMs = this.world.nowMs + ms; this.world.nowMs < endMs;) {
      const run = this.outbox.run();
      await this.world.advance(Math.min(endMs, this.world.nowMs + stepMs));
      await run;
    }
  }

  get shown() {
    return [...this.channel.messages.values()];
  }
}

/** The notifier under another name. */
export function wrapped(client: Notifier, name: string, change: Partial<Notifier> = {}): Notifier {
  return {
    name,
    canUpdate: client.canUpdate,
    intervalMs: client.intervalMs,
    post: client.post.bind(client),
    update: client.update.bind(client),
    reply: client.reply.bind(client),
    find: client.find.bind(client),
    remove: client.remove.bind(client),
    check: client.check.bind(client),
    ...change,
  };
}

/** A way without means to look for what was sent or to change it: e-mail, webhooks. */
export const blind = (client: Notifier): Notifier =>
  wrapped(client, client.name, {
    canUpdate: false,
    find: (): Promise<FindOutcome> => Promise.resolve({ kind: "cannot_tell", reason: "no means" }),
  });
