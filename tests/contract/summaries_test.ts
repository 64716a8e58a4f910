import { expect } from "expect";
import type { ModelAct } from "../../analyzer/evaluation/model_server.ts";
import { modelAnswer } from "../../analyzer/summaries/test_facts.ts";
import { ask, Bench, good, KEY, never, reasonOf } from "./summaries_for_tests.ts";

Deno.test("a summary by the model, with what it took", async () => {
  await using bench = await Bench.with({});
  await bench.summarizer.check(never);
  expect(await ask(bench)).toEqual({
    kind: "written",
    summary: {
      title: "Payments cannot reach its database",
      severity: "error",
      category: "dependency",
      whatHappened: "Connections to payments-db are refused, and requests to /pay fail.",
      causes: [{ text: "The database is down", confidence: "medium", evidence: ["E1", "E2"] }],
      nextSteps: ["Look whether payments-db is running"],
    },
    author: "mistral-small-latest",
    tokensIn: 1000,
    tokensOut: 200,
    usd: 0.00027,
  });
  const [question] = bench.server.questions;
  expect(question).toMatchObject({ model: "mistral-small-latest", temperature: 0, seed: 1, maxTokens: 1500 });
  expect(bench.summarizer.status()).toMatchObject({
    written: 1,
    calls: 1,
    tokensIn: 1000,
    tokensOut: 200,
    usd: 0.00027,
    breaker: "closed",
    budget: { day: { calls: 1, tokens: 1200, nanoUsd: 270_000 } },
  });
  expect(bench.notices).toEqual([]);
});

Deno.test("too many requests: as long as the server asks for is waited, then it is asked again", async () => {
  await using bench = await Bench.with({
    acts: [{ kind: "status", status: 429, headers: { "retry-after": "7" } }, { kind: "status", status: 503 }, good],
  });
  expect((await ask(bench)).kind).toBe("written");
  expect(bench.pauses).toEqual([7000, 500]);
  expect(bench.summarizer.status()).toMatchObject({
    calls: 3,
    failures: { rate_limited: 1, server_error: 1 },
    budget: { day: { calls: 3, tokens: 1200 } },
  });
});

Deno.test("a wait beyond the deadline is left to the caller", async () => {
  await using bench = await Bench.with({ acts: [{ kind: "status", status: 429, headers: { "retry-after": "120" } }] });
  const outcome = await ask(bench);
  expect(reasonOf(outcome)).toBe("the model's server takes no more requests for now");
  expect(outcome).toMatchObject({ retryAfterMs: 120_000 });
  expect(bench.pauses).toEqual([]);
});

Deno.test("servers that fail, break off, stall or talk of other things give the facts, after three attempts at most", async () => {
  const acts: [ModelAct, string, number][] = [
    [{ kind: "status", status: 500, body: `<h1>${KEY}</h1>` }, "the model's server failed (status 500", 3],
    [{ kind: "breaks" }, "", 3],
    [{ kind: "raw", body: "<html>proxy</html>", contentType: "text/html" }, "what answers is no server of a model", 3],
    [{ kind: "raw", body: '{"id":' }, "what answers is no server of a model", 3],
    [{ kind: "raw", body: '{"choices":[]}' }, "what answers is no server of a model", 3],
    [
      { kind: "status", status: 400, body: { message: `bad field ${KEY}` } },
      "the model's server refused the request (status 400",
      1,
    ],
  ];
  for (const [act, reason, attempts] of acts) {
    await using bench = await Bench.with({ acts: [act] });
    const told = reasonOf(await ask(bench));
    expect(told).toContain(reason);
    expect(told).not.toContain(KEY);
    expect(bench.server.questions.length).toBe(attempts);
  }
});

Deno.test("a server that never answers is waited for until the deadline, and no longer; it stays paid for", async () => {
  for (const act of [{ kind: "hangs" }, { kind: "stalls" }] as const) {
    await using bench = await Bench.with({ acts: [act] }, { timeoutMs: 300 });
    expect(reasonOf(await ask(bench))).toBe("the model did not answer in time");
    expect(bench.server.questions.length).toBe(1);
    expect(bench.summarizer.status()).toMatchObject({ failures: { timeout: 1 }, tokensIn: 0 });
    expect(bench.summarizer.status().budget.day.tokens).toBeGreaterThan(1500);
  }
});

Deno.test("an answer without end is broken off, even where it would be a good one", async () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, padding: "x".repeat(8 * 1024 * 1024) };
  await using bench = await Bench.with({ acts: [{ kind: "says", content: modelAnswer(), usage }] });
  expect(reasonOf(await ask(bench))).not.toBe("");
  await using within = await Bench.with({
    acts: [{ kind: "says", content: modelAnswer(), usage: { ...usage, padding: "x" } }],
  });
  expect((await ask(within)).kind).toBe("written");
});

Deno.test("an answer that cannot be used is asked for once more, warmer, and says what was wrong", async () => {
  const bad: [ModelAct, string][] = [
    [{ kind: "says", content: modelAnswer(), finish: "length" }, "cut off before its end"],
    [{ kind: "says", content: '{"title": ' + "\n\t ".repeat(3000), finish: "length" }, "cut off before its end"],
    [{ kind: "says", content: " \n ".repeat(3000) }, "empty"],
    [{ kind: "says", content: "I think that the database is down." }, "not valid JSON"],
    [
      { kind: "says", content: modelAnswer({ severity: "apocalyptic" }) },
      "did not follow the schema (severity: invalid_value)",
    ],
    [{ kind: "says", content: { answer: 42 } }, "did not follow the schema"],
    [{ kind: "says", content: [] }, "empty"],
    [{
      kind: "says",
      content: modelAnswer({
        what_happened: "<>",
        possible_causes: [{ text: "x", confidence: "high", evidence: ["E9"] }],
      }),
    }, "no part of the answer could be used"],
  ];
  for (const [act, problem] of bad) {
    await using bench = await Bench.with({ acts: [act, good] });
    expect((await ask(bench)).kind).toBe("written");
    const [first, second] = bench.server.questions;
    expect(second.temperature).toBeGreaterThan(first.temperature ?? 0);
    expect(second.seed).not.toBe(first.seed);
    expect(second.user).toBe(first.user);
    expect(second.system).toContain(problem);
    expect(bench.summarizer.status()).toMatchObject({
      calls: 2,
      repairs: 1,
      tokensIn: 2000,
      failures: { bad_answer: 1 },
    });
  }
});

Deno.test("two answers that cannot be used give the facts", async () => {
  await using bench = await Bench.with({ acts: [{ kind: "says", content: "no" }] });
  expect(reasonOf(await ask(bench))).toBe("the model's answer could not be used (the answer was not valid JSON)");
  expect(bench.server.questions.length).toBe(2);
});

Deno.test("the text among chunks is the answer; what the model thought is not", async () => {
  const content = [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }, {
    type: "text",
    text: JSON.stringify(modelAnswer()),
  }];
  await using bench = await Bench.with({ acts: [{ kind: "says", content }] });
  expect((await ask(bench)).kind).toBe("written");
});

Deno.test("a server that does not say what it took is paid by an estimate", async () => {
  await using bench = await Bench.with({ acts: [{ kind: "says", content: modelAnswer(), usage: null }] });
  const outcome = await ask(bench);
  if (outcome.kind !== "written") throw new Error(outcome.reason);
  expect(outcome.tokensIn).toBeGreaterThan(500);
  expect(outcome.tokensOut).toBeGreaterThan(100);
});
