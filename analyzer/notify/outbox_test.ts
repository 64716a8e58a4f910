import { expect } from "expect";
import { Bench, blind, MINUTE, wrapped } from "../../tests/simulation/outbox_bench.ts";
import { noticeOf, threadEntry } from "../../tests/simulation/notices_for_tests.ts";
import {
  Channel,
  ChannelClient,
  MemoryStore,
  Process,
  StoreClient,
  World,
} from "../../tests/simulation/outbox_world.ts";
import { randomFrom } from "../../tests/simulation/delivery_simulator.ts";
import type { Notice } from "./notice.ts";
import type { MessageRef, Notifier, SendOutcome } from "./notifier.ts";
import { Outbox } from "./outbox_runner.ts";

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

Deno.test("the same notice changes nothing, another with its id changes the message", async () => {
  const bench = new Bench();
  await bench.put(noticeOf("error/1"));
  await bench.run(5_000);
  expect(bench.shown.map(({ noticeId }) => noticeId)).toEqual(["error/1"]);
  const { version } = bench.store;
  await bench.put(noticeOf("error/1"), noticeOf("error/1", { updatedMs: bench.world.nowMs }));
  await bench.run(10 * MINUTE);
  expect(bench.store.version).toBe(version);
  await bench.put(noticeOf("error/1", { state: "resolved" }));
  await bench.run(3_000);
  expect(bench.shown.map(({ notice }) => notice.state)).toEqual(["resolved"]);
  expect(bench.channel.arrivals).toBe(1);
  expect(bench.outbox.status()).toMatchObject([{ channel: "sim:channel", posted: 1, updated: 1, pending: 0 }]);
});

Deno.test("entries that cannot be read are left alone, counted, and told of once", async () => {
  const bench = new Bench();
  bench.store.commit(0, [["sim:channel error/7", '{"version":99}'], ["sim:channel error/8", "{"]]);
  await bench.put(noticeOf("error/1"));
  await bench.run(MINUTE);
  expect(bench.outbox.unreadable).toBe(2);
  expect(bench.told.length).toBe(1);
  expect(bench.told[0]).toContain("2 of the messages that are kept cannot be read (as sim:channel error/7)");
  expect(bench.store.entries.get("sim:channel error/8")).toBe("{");
  expect(bench.shown.map(({ noticeId }) => noticeId)).toEqual(["error/1"]);
  bench.store.commit(bench.store.version, [["sim:channel error/7", null], ["sim:channel error/8", null]]);
  await bench.run(MINUTE);
  expect(bench.outbox.unreadable).toBe(0);
});

Deno.test("10 000 changes of a count: one message, an update a minute at most, rarer the longer it lasts", async () => {
  const bench = new Bench();
  const startMs = bench.world.nowMs;
  const at: number[] = [];
  const seen = bench.channel.messages;
  for (let i = 0; i < 10_000; i++) {
    const count = { label: "Count", value: String(i) };
    const put = bench.outbox.put([noticeOf("error/1", { facts: [count], openedMs: startMs })]);
    const run = bench.outbox.run();
    const before = [...seen.values()][0]?.notice;
    await bench.world.advance(bench.world.nowMs + 4_000);
    await Promise.all([put, run]);
    const after = [...seen.values()][0]?.notice;
    if (before !== undefined && after !== before) at.push(bench.world.nowMs);
  }
  expect(bench.channel.arrivals).toBe(1);
  const gaps = at.slice(1).map((ms, i) => ms - at[i]);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(MINUTE - 4_000);
  // Over eleven hours: about as many as there are tens of percents between ten minutes and five hours, then two an hour.
  expect(at.length).toBeLessThan(80);
  expect(gaps.at(-1)).toBeGreaterThan(25 * MINUTE);
});

Deno.test("a change of state or of the summary is told at once", async () => {
  const bench = new Bench();
  await bench.put(noticeOf("error/1"));
  await bench.run(3_000);
  for (const change of [{ state: "acknowledged" }, { summary: "The card processor is down." }] as const) {
    await bench.put(noticeOf("error/1", change));
    await bench.run(3_000);
    expect(bench.shown[0].notice).toMatchObject(change);
  }
});

Deno.test("what came up later is told once each, in the thread", async () => {
  const bench = new Bench();
  await bench.put(noticeOf("error/1", { thread: [threadEntry("a")] }));
  await bench.run(5_000);
  await bench.put(noticeOf("error/1", { thread: [threadEntry("a"), threadEntry("b")] }));
  await bench.run(5_000);
  await bench.put(noticeOf("error/1", { thread: [threadEntry("a"), threadEntry("b")], title: "Else" }));
  await bench.run(5_000);
  const [first] = bench.shown;
  expect(bench.shown.map(({ replyId, parent }) => [replyId, parent])).toEqual([
    [null, null],
    ["a", first.ts],
    ["b", first.ts],
  ]);
});

Deno.test("messages to a channel keep their distance, the worst first", async () => {
  const bench = new Bench();
  await bench.put(
    ...["info", "warning", "error", "critical"].map((severity, i) =>
      noticeOf(`error/${i}`, { severity: severity as Notice["severity"], openedMs: i })
    ),
  );
  await bench.run(900, 100);
  expect(bench.shown.map(({ notice }) => notice.severity)).toEqual(["critical"]);
  await bench.run(8_000, 100);
  expect(bench.shown.map(({ notice }) => notice.severity)).toEqual(["critical", "error", "warning", "info"]);
});

Deno.test("a matter that was over before it was told is told once, or forgotten if so wanted", async () => {
  const bench = new Bench();
  await bench.put(noticeOf("error/1"), noticeOf("error/2"));
  const put = bench.outbox.put([noticeOf("error/1", { state: "resolved" })], { skipUntold: true });
  await bench.world.advance(bench.world.nowMs + 200);
  await put;
  await bench.put(noticeOf("error/2", { state: "resolved" }));
  await bench.run(10_000);
  expect(bench.shown.map(({ notice }) => [notice.id, notice.state])).toEqual([["error/2", "resolved"]]);
  expect(bench.channel.arrivals).toBe(1);
});

Deno.test("what was resolved is forgotten after seven days, and not told again", async () => {
  const bench = new Bench();
  const over = noticeOf("error/1", { state: "resolved" });
  await bench.put(over, noticeOf("error/2"));
  await bench.run(10_000);
  await bench.run(7 * DAY - HOUR, HOUR / 2);
  expect(bench.store.entries.size).toBe(2);
  await bench.run(2 * HOUR, HOUR / 2);
  expect([...bench.store.entries.keys()]).toEqual(["sim:channel error/2"]);
  await bench.put(over);
  await bench.run(10_000);
  expect(bench.channel.arrivals).toBe(2);
});

Deno.test("a channel that is down for an hour: nothing lost, bounded, told once when it is down and once when it is back", async () => {
  const bench = new Bench();
  bench.channel.isDown = true;
  let pending = 0;
  for (let minute = 0; minute < 60; minute++) {
    await bench.put(...Array.from({ length: 5 }, (_, i) => noticeOf(`error/${minute * 5 + i}`)));
    // They go on happening meanwhile.
    await bench.put(noticeOf("error/0", { facts: [{ label: "Count", value: String(minute) }] }));
    await bench.run(MINUTE);
    pending = Math.max(pending, bench.outbox.status()[0].pending);
  }
  expect(bench.outbox.status()).toMatchObject([{ isDown: true, pending: 300 }]);
  expect(pending).toBe(300);
  expect(bench.told.length).toBe(1);
  expect(bench.told[0]).toContain("sim:channel has taken no message");
  bench.channel.isDown = false;
  await bench.run(15 * MINUTE);
  expect(bench.told.length).toBe(2);
  expect(bench.told[1]).toContain("takes messages again");
  expect(bench.shown.length).toBe(300);
  expect(bench.shown.find(({ noticeId }) => noticeId === "error/0")?.notice.facts[0].value).toBe("59");
  expect(bench.outbox.status()).toMatchObject([{ isDown: false, pending: 0 }]);
});

Deno.test("where too much waits, more is not taken, and that is said", async () => {
  const bench = new Bench({ pendingMax: 250 });
  bench.channel.isDown = true;
  const many = Array.from({ length: 300 }, (_, i) => noticeOf(`error/${i}`));
  const left = await bench.put(...many);
  expect(left).toEqual(many.slice(250).map(({ id }) => id));
  expect(await bench.put(...many)).toEqual(left);
  expect(bench.told.length).toBe(1);
  bench.channel.isDown = false;
  await bench.run(10 * MINUTE);
  expect(await bench.put(...many)).toEqual([]);
  await bench.run(3 * MINUTE);
  expect(bench.shown.length).toBe(300);
});

Deno.test("a channel that waits does not keep another waiting", async () => {
  const world = new World();
  const process = new Process(world);
  const store = new MemoryStore();
  const random = randomFrom(2);
  const [up, down] = [new Channel(), new Channel()];
  down.isDown = true;
  const clients = [
    new ChannelClient(down, process, random, () => "none"),
    new ChannelClient(up, process, random, () => "none"),
  ];
  const notifiers = clients.map((client, i) => wrapped(client, `sim:${i}`));
  const outbox = new Outbox({
    documents: new StoreClient(store, process, random, () => 0),
    collection: "outbox",
    notifiers,
    routes: () => ["sim:0", "sim:1"],
    now: () => world.nowMs,
    random,
    onNotice: () => {},
  });
  const put = outbox.put([noticeOf("error/1"), noticeOf("error/2")]);
  await world.advance(world.nowMs + 500);
  await put;
  for (let i = 0; i < 10; i++) {
    const run = outbox.run();
    await world.advance(world.nowMs + 500);
    await run;
  }
  expect(up.arrivals).toBe(2);
  expect(down.arrivals).toBe(0);
});

Deno.test("where nobody can tell whether it arrived, it is sent again, marked, seldom, and counted", async () => {
  const bench = new Bench({}, blind);
  bench.fault = "ack_lost";
  await bench.put(noticeOf("error/1"));
  await bench.run(HOUR);
  // Without an answer for an hour: after 1, 2, 4... minutes, not every few seconds.
  expect(bench.channel.arrivals).toBeGreaterThan(2);
  expect(bench.channel.arrivals).toBeLessThan(9);
  const nonces = new Set(bench.shown.map(({ nonce }) => nonce));
  expect(nonces.size).toBe(1);
  const [first, ...others] = bench.shown.map(({ notice }) => JSON.stringify(notice.facts).includes("May be a repeat"));
  expect(first).toBe(false);
  expect(others.every((isMarked) => isMarked)).toBe(true);
  bench.fault = "none";
  await bench.run(2 * HOUR);
  expect(bench.outbox.status()).toMatchObject([{ pending: 0, repeats: 1, unknown: bench.channel.arrivals - 1 }]);
});

Deno.test("a refused message is given up, with the reason, and keeps nobody waiting", async () => {
  const refuse = (client: Notifier): Notifier =>
    wrapped(client, client.name, {
      post: (notice, nonce, signal): Promise<SendOutcome> =>
        notice.id === "error/1"
          ? Promise.resolve({ kind: "refused", reason: "too odd", remedy: "make it less odd" })
          : client.post(notice, nonce, signal),
    });
  const bench = new Bench({}, refuse);
  await bench.put(noticeOf("error/1"), noticeOf("error/2"));
  await bench.run(10_000);
  expect(bench.shown.map(({ noticeId }) => noticeId)).toEqual(["error/2"]);
  expect(bench.outbox.status()).toMatchObject([{ failed: 1, pending: 0 }]);
  expect(bench.told).toEqual(["sim:channel refuses the message of error/1: too odd; make it less odd"]);
});

Deno.test("while the store fails nothing is sent twice, and that is told once", async () => {
  const bench = new Bench();
  let calls = 0;
  await bench.put(noticeOf("error/1"));
  bench.isStoreDown = true;
  await bench.run(10 * MINUTE);
  calls = bench.channel.arrivals;
  expect(calls).toBe(0);
  expect(bench.told.length).toBe(1);
  bench.isStoreDown = false;
  await bench.run(MINUTE);
  expect(bench.channel.arrivals).toBe(1);
  expect(bench.told.length).toBe(2);
});

Deno.test("an outcome that the store does not take at first is kept, and nothing is sent meanwhile", async () => {
  let bench: Bench | null = null;
  const breaking = (client: Notifier): Notifier =>
    wrapped(client, client.name, {
      post: async (notice, nonce, signal): Promise<SendOutcome> => {
        const outcome = await client.post(notice, nonce, signal);
        if (bench !== null) bench.isStoreDown = true;
        return outcome;
      },
    });
  bench = new Bench({}, breaking);
  await bench.put(noticeOf("error/1"), noticeOf("error/2"));
  await bench.run(5 * MINUTE);
  expect(bench.channel.arrivals).toBe(1);
  bench.isStoreDown = false;
  await bench.run(5_000);
  bench.isStoreDown = false;
  await bench.run(5_000);
  expect(bench.channel.arrivals).toBe(2);
  bench.isStoreDown = false;
  await bench.run(5 * MINUTE);
  expect(bench.shown.length).toBe(2);
});

Deno.test("a stop waits for what is under way and starts nothing more", async () => {
  const bench = new Bench();
  await bench.put(noticeOf("error/1"), noticeOf("error/2"));
  const run = bench.outbox.run();
  await bench.world.advance(bench.world.nowMs + 100);
  await run;
  const stopped = bench.outbox.stop();
  await bench.world.advance(bench.world.nowMs + MINUTE);
  await stopped;
  await bench.run(MINUTE);
  expect(bench.channel.arrivals).toBe(1);
  const [ref]: MessageRef[] = bench.shown.map(({ ts }) => ({ ts }));
  expect([...bench.store.entries.values()].join()).toContain(JSON.stringify(ref));
});
