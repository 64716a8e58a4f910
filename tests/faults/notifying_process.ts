/**
 * An outbox in a process of its own, to be killed by itself at a chosen step: before or after any write of the ledger and
 * any call of Slack. Its clock runs faster than time. Ends with status 0 once all is told.
 */
import type { Notice } from "../../analyzer/notify/notice.ts";
import type { Notifier } from "../../analyzer/notify/notifier.ts";
import { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { SlackNotifier } from "../../analyzer/notify/slack.ts";
import type { DocumentCollection, DocumentPut, Documents } from "../../core/store/ports.ts";
import { noticeOf, threadEntry } from "../simulation/notices_for_tests.ts";

export interface NotifyingOrders {
  readonly apiUrl: string;
  readonly ledger: string;
  /** The fast clock: `epochMs` at the moment `realMs`, then `scale` times as fast. */
  readonly epochMs: number;
  readonly realMs: number;
  readonly scale: number;
  readonly notices: number;
  /** At which of its steps the process kills itself: when it comes to it for the nth time; null: at none. */
  readonly killAt: { readonly step: string; readonly nth: number } | null;
}

/** In the order of a message's life. */
export const STEPS = [
  "before a post",
  "after a post",
  "before a write",
  "after a write",
  "before a look",
  "after a look",
  "before a change",
  "after a change",
  "before a reply",
  "after a reply",
] as const;

export const fastClock = ({ epochMs, realMs, scale }: Pick<NotifyingOrders, "epochMs" | "realMs" | "scale">) => () =>
  epochMs + (Date.now() - realMs) * scale;

/** A collection in a file, replaced as a whole by a rename: what was written is there, whoever is killed when. */
class FileDocuments implements Documents {
  constructor(private readonly path: string, private readonly step: (name: string) => void) {}

  async readDocuments(): Promise<DocumentCollection> {
    try {
      const { version, entries } = JSON.parse(await Deno.readTextFile(this.path));
      return { version, entries: new Map(entries) };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { version: 0, entries: new Map() };
      throw error;
    }
  }

  async documentsVersion(): Promise<number> {
    return (await this.readDocuments()).version;
  }

  async commitDocuments(_collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    const { version, entries } = await this.readDocuments();
    if (version !== expect) return false;
    const next = new Map(entries);
    for (const [key, text] of puts) {
      if (text === null) next.delete(key);
      else next.set(key, text);
    }
    this.step("before a write");
    await Deno.writeTextFile(`${this.path}.new`, JSON.stringify({ version: version + 1, entries: [...next] }));
    await Deno.rename(`${this.path}.new`, this.path);
    this.step("after a write");
    return true;
  }

  dropDocuments(): Promise<void> {
    return Promise.reject(new Error("not asked for"));
  }
}

function stepping(slack: SlackNotifier, step: (name: string) => void): Notifier {
  const around = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    step(`before a ${name}`);
    const outcome = await call();
    step(`after a ${name}`);
    return outcome;
  };
  return {
    name: slack.name,
    canUpdate: slack.canUpdate,
    intervalMs: slack.intervalMs,
    post: (...given) => around("post", () => slack.post(...given)),
    update: (...given) => around("change", () => slack.update(...given)),
    reply: (...given) => around("reply", () => slack.reply(...given)),
    find: (...given) => around("look", () => slack.find(...given)),
    remove: (...given) => around("removal", () => slack.remove(...given)),
    check: (signal) => slack.check(signal),
  };
}

/** What there is to tell: first that it began, then that it is over, with a reply. */
function noticesOf({ notices }: NotifyingOrders, isOver: boolean): Notice[] {
  return Array.from(
    { length: notices },
    (_, i) => noticeOf(`error/${i}`, isOver ? { state: "resolved", thread: [threadEntry("more")] } : {}),
  );
}

async function main(orders: NotifyingOrders): Promise<void> {
  let steps = 0;
  const step = (name: string) => {
    if (name !== orders.killAt?.step || ++steps !== orders.killAt.nth) return;
    Deno.kill(Deno.pid, "SIGKILL");
    // The signal may take a moment: nothing is done meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  const documents = new FileDocuments(orders.ledger, step);
  const slack = new SlackNotifier({
    token: "xoxb-test-token",
    apiUrl: orders.apiUrl,
    channel: "#errors",
    hasButtons: true,
    timeoutMs: 10_000 / orders.scale,
  });
  const outbox = new Outbox({
    documents,
    collection: "outbox",
    notifiers: [stepping(slack, step)],
    routes: () => [slack.name],
    now: fastClock(orders),
    random: Math.random,
    onNotice: () => {},
  });
  const { entries } = await documents.readDocuments();
  let isOver = [...entries.values()].some((text) => text.includes('"isResolved":true'));
  for (;;) {
    await outbox.put(noticesOf(orders, isOver));
    await outbox.run();
    await outbox.idle();
    if (outbox.status()[0].pending === 0) {
      if (isOver) return;
      isOver = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]));
