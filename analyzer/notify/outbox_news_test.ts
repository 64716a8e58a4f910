import { expect } from "expect";
import fc from "fast-check";
import { Bench, blind, MINUTE, wrapped } from "../../tests/simulation/outbox_bench.ts";
import { noticeOf, threadEntry } from "../../tests/simulation/notices_for_tests.ts";
import type { Notice } from "./notice.ts";
import type { Notifier } from "./notifier.ts";

Deno.test("where messages cannot be changed, beginning and end are told, and nothing between", async () => {
  const bench = new Bench({}, blind);
  await bench.put(noticeOf("error/1", { thread: [threadEntry("a")] }));
  await bench.run(5_000);
  for (let i = 0; i < 5; i++) {
    await bench.put(noticeOf("error/1", { summary: `It goes on: ${i}`, thread: [threadEntry("a")] }));
    await bench.run(5 * MINUTE);
  }
  expect(bench.channel.arrivals).toBe(1);
  const over = noticeOf("error/1", { state: "resolved" });
  await bench.put(over);
  await bench.run(5_000);
  const [first, end] = bench.shown;
  expect(end).toMatchObject({ parent: first.ts, notice: { state: "resolved" } });
  await bench.put(noticeOf("error/1", { title: "Again" }));
  await bench.run(5_000);
  expect(bench.shown.length).toBe(3);
  expect(bench.shown[2].notice.state).toBe("open");
  expect(bench.outbox.status()).toMatchObject([{ pending: 0, posted: 3 }]);
});

/** What came after the first message, by the text of the reply, and the severity that it was sent with. */
const repliesOf = (bench: Bench) =>
  bench.shown.filter(({ parent }) => parent !== null).map(({ replyId, notice: { severity, state } }) => {
    return `${replyId?.split("-")[0]} ${severity} ${state}`;
  });

Deno.test("where messages cannot be changed, a worse severity is told at once, a lower one once it has lasted", async () => {
  const bench = new Bench({}, blind);
  const at = async (severity: Notice["severity"], ms: number) => {
    await bench.put(noticeOf("error/1", { severity }));
    await bench.run(ms);
  };
  await at("error", 5_000);
  await at("critical", 5_000);
  expect(repliesOf(bench)).toEqual(["severity critical open"]);
  await at("warning", 9 * MINUTE);
  await at("critical", 20 * MINUTE); // as it was told: nothing is left to tell
  expect(repliesOf(bench)).toEqual(["severity critical open"]);
  await at("error", 9 * MINUTE);
  await at("warning", 9 * MINUTE);
  expect(repliesOf(bench)).toEqual(["severity critical open"]);
  await at("warning", 2 * MINUTE);
  expect(repliesOf(bench)).toEqual(["severity critical open", "severity warning open"]);
  await at("info", MINUTE);
  await bench.put(noticeOf("error/1", { severity: "info", state: "resolved" }));
  await bench.run(20 * MINUTE);
  expect(repliesOf(bench).slice(2)).toEqual(["state info resolved"]);
  await at("critical", 20 * MINUTE); // open again, which says it
  expect(repliesOf(bench).slice(3)).toEqual(["state critical open"]);
  expect(bench.outbox.status()).toMatchObject([{ pending: 0 }]);
});

Deno.test("where messages cannot be changed, what came up is told where it is news, and not what the first message came with", async () => {
  const bench = new Bench({}, blind);
  const news = (id: string) => ({ ...threadEntry(id), isNews: true });
  const put = async (...thread: ReturnType<typeof threadEntry>[]) => {
    await bench.put(noticeOf("error/1", { thread }));
    await bench.run(5_000);
  };
  await put(news("early"));
  await put(news("early"), threadEntry("small"), news("regressed"));
  await put(news("early"), threadEntry("small"), news("regressed"));
  expect(bench.shown.map(({ replyId }) => replyId)).toEqual([null, "regressed"]);
});

Deno.test("where messages cannot be changed, at most eight are told between beginning and end, and the last says so", async () => {
  const sent: string[] = [];
  const noting = (client: Notifier): Notifier => {
    const unseeing = blind(client);
    return wrapped(unseeing, client.name, {
      reply: (notice, entry, ref, nonce, signal) => {
        sent.push(entry.text);
        return unseeing.reply(notice, entry, ref, nonce, signal);
      },
    });
  };
  const bench = new Bench({}, noting);
  const thread: Notice["thread"][number][] = [];
  for (let i = 0; i < 40; i++) {
    thread.push({ ...threadEntry(`n${i}`), isNews: i % 2 === 0 });
    await bench.put(noticeOf("error/1", { thread: [...thread], severity: i % 4 < 2 ? "error" : "critical" }));
    await bench.run(15 * MINUTE, 5_000);
  }
  expect(sent.length).toBe(8);
  expect(sent.map((text) => text.includes("Nothing more is told"))).toEqual([...Array(7).fill(false), true]);
  await bench.put(noticeOf("error/1", { thread, state: "resolved" }));
  await bench.run(5_000);
  expect(sent.slice(8)).toEqual(["Resolved."]);
  expect(bench.outbox.status()).toMatchObject([{ pending: 0 }]);
});

Deno.test("where messages cannot be changed, any run of severities and ends: few messages, and the last says what is", async () => {
  const steps = fc.array(
    fc.record({
      severity: fc.constantFrom<Notice["severity"]>("critical", "error", "warning", "info"),
      state: fc.constantFrom<Notice["state"]>("open", "open", "open", "acknowledged", "resolved"),
      ms: fc.constantFrom(2_000, MINUTE, 9 * MINUTE, 11 * MINUTE),
    }),
    { minLength: 1, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const bench = new Bench({}, blind);
      for (const { ms, ...change } of all) {
        await bench.put(noticeOf("error/1", change));
        await bench.run(ms, 2_000);
      }
      await bench.run(15 * MINUTE, 5_000);
      const [first, ...replies] = bench.shown;
      const news = replies.filter(({ replyId }) => !replyId?.startsWith("state-")).length;
      expect(news).toBeLessThanOrEqual(8);
      expect(bench.outbox.status()).toMatchObject([{ pending: 0 }]);
      const last = (replies.at(-1) ?? first).notice;
      const { severity, state } = all[all.length - 1];
      expect(last.state === "resolved").toBe(state === "resolved");
      if (state !== "resolved" && news < 8) expect(last.severity).toBe(severity);
    }),
    { numRuns: 40 },
  );
});
