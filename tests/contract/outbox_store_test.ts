/** The outbox over the embedded store itself: what was told is known after it was opened again. */
import { expect } from "expect";
import { ConsoleNotifier } from "../../analyzer/notify/console.ts";
import type { Notice } from "../../analyzer/notify/notice.ts";
import { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import { noticeOf } from "../simulation/notices_for_tests.ts";

const MATTERS = 30;

/** Tells what is given over a store of its own opening; answers the events of each line printed. */
async function tell(directory: string, notices: readonly Notice[]): Promise<string[]> {
  const store = await openDuckDbStore({ directory, memoryBytes: 192 * 1_048_576, threads: 2 });
  const lines: string[] = [];
  const told: string[] = [];
  const outbox = new Outbox({
    documents: store,
    collection: "outbox",
    notifiers: [new ConsoleNotifier({ isTerminal: false, write: (text) => lines.push(text) })],
    routes: () => ["console"],
    now: Date.now,
    random: Math.random,
    onNotice: (text) => told.push(text),
  });
  try {
    expect(await outbox.put(notices)).toEqual([]);
    do {
      await outbox.run();
      await outbox.idle();
    } while (outbox.status()[0].pending > 0);
    await outbox.stop();
  } finally {
    await store.close();
  }
  expect(told).toEqual([]);
  return lines.map((line) => {
    const { event, notice } = JSON.parse(line);
    return `${event} ${notice.id} ${notice.state}`;
  });
}

Deno.test("what was told is not told again after a start, and what changed meanwhile is", async () => {
  const directory = await Deno.makeTempDir({ prefix: "millrace-outbox-" });
  try {
    const open = Array.from({ length: MATTERS }, (_, i) => noticeOf(`error/${i}`, { openedMs: Date.now() + i }));
    expect(await tell(directory, open)).toEqual(open.map(({ id }) => `opened ${id} open`));
    expect(await tell(directory, open)).toEqual([]);
    const over = open.map((notice, i): Notice => i % 3 === 0 ? { ...notice, state: "resolved" } : notice);
    const ended = over.filter(({ state }) => state === "resolved").map(({ id }) => `changed ${id} resolved`);
    expect((await tell(directory, over)).sort()).toEqual(ended.sort());
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
