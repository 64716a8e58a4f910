import { expect } from "expect";
import { type ModelAct, modelCard } from "../../analyzer/evaluation/model_server.ts";
import { ownLedger } from "../../analyzer/summaries/shared_budget.ts";
import { createSummarizer } from "../../analyzer/summaries/summarizer.ts";
import { errorFacts } from "../../analyzer/summaries/test_facts.ts";
import { configSchema } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { ask, Bench, good, KEY, never, reasonOf } from "./summaries_for_tests.ts";

Deno.test("a wrong key is told once, never printed, and asked about again only after a long rest", async () => {
  await using bench = await Bench.with({ key: "another" });
  await bench.summarizer.check(never);
  for (let i = 0; i < 50; i++) {
    expect(reasonOf(await ask(bench, { fingerprint: `f${i}` }))).toContain("does not take the key");
  }
  expect(bench.server.questions.length).toBe(0);
  expect(bench.notices).toEqual([
    "summaries: the model's server does not take the key: correct mistral.apiKey or mistral.apiKeyFile; errors are told with the facts alone until it answers",
  ]);
});

Deno.test("a key in a file that is corrected is taken without a restart, and told once", async () => {
  const apiKeyFile = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(apiKeyFile, "old\n");
    await using bench = await Bench.with({}, { apiKey: "", apiKeyFile });
    expect(reasonOf(await ask(bench))).toContain("does not take the key");
    await Deno.writeTextFile(apiKeyFile, `${KEY}\n`);
    expect(reasonOf(await ask(bench))).toContain("does not take the key");
    bench.nowMs += 600_000;
    expect((await ask(bench)).kind).toBe("written");
    expect(bench.notices.map((text) => text.slice(0, 50))).toEqual([
      "summaries: the model's server does not take the ke",
      "summaries: the model answers again",
    ]);
  } finally {
    await Deno.remove(apiKeyFile);
  }
});

Deno.test("a key file that is not there is a clear error at the start", async () => {
  const settings = { ...configSchema.parse({}).mistral, apiKeyFile: "/nowhere/key" };
  const error = await createSummarizer(settings, {
    now: Date.now,
    random: () => 0,
    wait: () => Promise.resolve(),
    notice: () => {},
    ledger: ownLedger(),
  })
    .then(() => null, (thrown: unknown) => thrown);
  if (!(error instanceof MillraceError)) throw new Error("taken");
  expect([error.code, error.message]).toEqual([
    "INVALID_CONFIG",
    expect.stringContaining("mistral.apiKeyFile: /nowhere/key cannot be read"),
  ]);
});

Deno.test("a model that is not there is told at the start, with some that are", async () => {
  const models = ["mistral-small-2603", "ministral-8b-2512"].map((id) =>
    modelCard(id, { aliases: [id.replace(/\d{4}$/, "latest")] })
  );
  await using bench = await Bench.with({ models }, { model: "mistral-smal-latest" });
  await bench.summarizer.check(never);
  expect(bench.notices).toEqual([
    "summaries: the model's server has no mistral-smal-latest (did you mean mistral-small-latest?): set mistral.model to one of " +
    "ministral-8b-2512, ministral-8b-latest, mistral-small-2603, mistral-small-latest; errors are told with the facts alone until it answers",
  ]);
  expect(reasonOf(await ask(bench))).toContain("has no mistral-smal-latest");
  expect(bench.server.questions.length).toBe(0);
});

Deno.test("a model that is retired, or soon will be, is told with its successor", async () => {
  const card = (
    deprecation: string,
  ) => [modelCard("old-model", { deprecation, deprecation_replacement_model: "new-model" })];
  await using retired = await Bench.with({ models: card("2026-07-31T00:00:00Z") }, { model: "old-model" });
  await retired.summarizer.check(never);
  expect(retired.notices).toEqual([
    expect.stringContaining("old-model was retired on 2026-07-31: set mistral.model to new-model"),
  ]);
  await using soon = await Bench.with({ models: card("2027-01-01T00:00:00Z") }, { model: "old-model" });
  await soon.summarizer.check(never);
  expect(soon.notices).toEqual([
    expect.stringContaining("is to be retired on 2027-01-01: set mistral.model to new-model before"),
  ]);
  expect((await ask(soon)).kind).toBe("written");
});

Deno.test("a model that goes away while it runs is told once, with those that there are", async () => {
  const acts: ModelAct[] = [
    {
      kind: "status",
      status: 400,
      body: {
        object: "error",
        message: "Invalid model: mistral-small-latest",
        type: "invalid_model",
        param: null,
        code: "1500",
      },
    },
    {
      kind: "status",
      status: 404,
      body: { object: "error", message: "The model `mistral-small-latest` does not exist.", type: "NotFoundError" },
    },
  ];
  for (const act of acts) {
    await using bench = await Bench.with({ acts: [act], models: [modelCard("mistral-small-2612")] });
    for (let i = 0; i < 5; i++) {
      expect(reasonOf(await ask(bench))).toContain(
        "no such model (mistral-small-latest): set mistral.model to one of mistral-small-2612",
      );
    }
    expect(bench.server.questions.length).toBe(1);
    expect(bench.notices.length).toBe(1);
  }
});

Deno.test("a date of retirement in an answer is told once, and not by the SDK", async () => {
  const warn = console.warn;
  const warned: unknown[] = [];
  console.warn = (...words: unknown[]) => warned.push(words);
  try {
    await using bench = await Bench.with({ headers: { "x-model-deprecation-timestamp": "2027-03-31" } });
    for (let i = 0; i < 3; i++) expect((await ask(bench)).kind).toBe("written");
    expect(bench.notices).toEqual([
      "summaries: the model mistral-small-latest is to be retired on 2027-03-31: set mistral.model to another",
    ]);
    expect(warned).toEqual([]);
  } finally {
    console.warn = warn;
  }
});

Deno.test("a server of one's own, below a path, without keys, list or aliases", async () => {
  const vllm = {
    object: "list",
    data: [{
      id: "small",
      object: "model",
      created: 1,
      owned_by: "vllm",
      root: "small",
      parent: null,
      max_model_len: 4096,
      permission: [],
    }],
  };
  await using bench = await Bench.with({ key: undefined, list: { kind: "raw", body: JSON.stringify(vllm) } }, {
    apiKey: "",
    model: "small",
  });
  await bench.summarizer.check(never);
  expect((await ask(bench)).kind).toBe("written");
  expect(bench.server.questions[0].headers.get("authorization")).toBe("Bearer none");
  await using bare = await Bench.with({ list: { kind: "status", status: 404 } });
  await bare.summarizer.check(never);
  expect((await ask(bare)).kind).toBe("written");
  expect([...bench.notices, ...bare.notices]).toEqual([]);
});

Deno.test("without a key nothing is asked, and it is said once", async () => {
  await using bench = await Bench.with({}, { apiKey: "", serverUrl: "https://api.mistral.ai/" });
  await bench.summarizer.check(never);
  expect(reasonOf(await ask(bench))).toBe("no key to a model is set");
  expect(bench.notices).toEqual([
    "summaries: no key to Mistral is set (mistral.apiKey): errors are told with the facts alone",
  ]);
});

Deno.test("a server that is down: five errors find out, the others are spared; one notice, and one when it is back", async () => {
  let isUp = false;
  await using bench = await Bench.with({ act: () => isUp ? good : { kind: "status", status: 500 } });
  for (let i = 0; i < 200; i++) reasonOf(await ask(bench, { fingerprint: `f${i}` }));
  expect(bench.server.questions.length).toBe(15);
  expect(bench.summarizer.status()).toMatchObject({ breaker: "open", factsOnly: { failure: 5, breaker: 195 } });
  expect(bench.notices.length).toBe(1);
  bench.nowMs += 30_000;
  isUp = true;
  expect((await ask(bench)).kind).toBe("written");
  expect(bench.summarizer.status().breaker).toBe("closed");
  expect(bench.notices).toEqual([
    expect.stringContaining("the model's server failed"),
    "summaries: the model answers again",
  ]);
});

Deno.test("an hour of outage is one notice, however often it is tried", async () => {
  await using bench = await Bench.with({ acts: [{ kind: "status", status: 500 }] });
  for (let second = 0; second < 3600; second += 10) {
    bench.nowMs += 10_000;
    reasonOf(await ask(bench, { fingerprint: `f${second}` }));
  }
  expect(bench.notices.length).toBe(1);
  expect(bench.server.questions.length).toBeLessThan(60);
});

Deno.test("a spent budget is told once, with its setting, and lasts over a restart", async () => {
  const ledger = ownLedger();
  await using bench = await Bench.with({}, { callsPerDay: 3 }, ledger);
  const outcomes = [];
  for (let i = 0; i < 20; i++) outcomes.push(await ask(bench, { fingerprint: `f${i}` }));
  expect(outcomes.filter(({ kind }) => kind === "written").length).toBe(3);
  expect(outcomes[19]).toMatchObject({
    reason: "the budget of summaries is spent (mistral.callsPerDay is 3)",
    retryAfterMs: 43_200_000,
  });
  expect(bench.notices.length).toBe(1);
  await using after = await Bench.with({}, { callsPerDay: 3 }, ledger);
  expect(reasonOf(await ask(after))).toContain("callsPerDay");
  after.nowMs += 43_200_000;
  expect((await ask(after)).kind).toBe("written");
  expect(after.notices).toEqual([expect.stringContaining("is spent"), "summaries: the budget holds again"]);
});

Deno.test("retries and repairs are paid from the same budget", async () => {
  await using bench = await Bench.with({ acts: [{ kind: "says", content: "no" }] }, { callsPerDay: 1 });
  expect(reasonOf(await ask(bench))).toContain("mistral.callsPerDay is 1");
  expect(bench.server.questions.length).toBe(1);
});

Deno.test("the same error rests after a summary, and may be asked again at once where the server failed", async () => {
  await using bench = await Bench.with({ acts: [good, { kind: "status", status: 400 }, good] }, {
    coolDownSeconds: 600,
  });
  expect((await ask(bench)).kind).toBe("written");
  expect(await ask(bench)).toMatchObject({
    kind: "facts_only",
    reason: "the model was asked about it a short time ago",
    retryAfterMs: 600_000,
  });
  expect((await ask(bench, { fingerprint: "other" })).kind).toBe("facts_only");
  expect((await ask(bench, { fingerprint: "other" })).kind).toBe("written");
});

Deno.test("no more are asked at a time than the settings say, and a storm does not pile up", async () => {
  let underWay = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  await using bench = await Bench.with({
    act: async () => {
      most = Math.max(most, ++underWay);
      await gate.promise;
      underWay--;
      return good;
    },
  }, { concurrency: 3, callsPerMinute: 0 });
  const asked = Array.from({ length: 500 }, (_, i) => ask(bench, { fingerprint: `f${i}` }));
  while (bench.server.questions.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  const { underWay: atATime, waiting } = bench.summarizer.status();
  gate.resolve();
  expect({ atATime, waiting }).toEqual({ atATime: 3, waiting: 100 });
  const outcomes = await Promise.all(asked);
  expect(most).toBe(3);
  expect(outcomes.filter(({ kind }) => kind === "written").length).toBe(103);
  expect(bench.summarizer.status().factsOnly.busy).toBe(397);
});

Deno.test("a stop calls off what is under way, and opens no breaker", async () => {
  await using bench = await Bench.with({ acts: [{ kind: "hangs" }] });
  const stop = new AbortController();
  const asked = Array.from(
    { length: 8 },
    (_, i) => bench.summarizer.summarize(errorFacts({ fingerprint: `f${i}` }), stop.signal),
  );
  while (bench.server.questions.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  for (const outcome of await Promise.all(asked)) expect(reasonOf(outcome)).toContain("the analyzer is stopping");
  expect(bench.summarizer.status()).toMatchObject({ breaker: "closed", underWay: 0, waiting: 0 });
});

Deno.test("whatever MISTRAL_DEBUG and MISTRAL_API_KEY say, the SDK prints nothing, sends no other key and needs no environment", async () => {
  const script = `
    import { createSummarizer } from ${
    JSON.stringify(new URL("../../analyzer/summaries/summarizer.ts", import.meta.url).href)
  };
    import { errorFacts } from ${
    JSON.stringify(new URL("../../analyzer/summaries/test_facts.ts", import.meta.url).href)
  };
    const settings = JSON.parse(Deno.args[0]);
    const summarizer = await createSummarizer(settings, { now: Date.now, random: () => 0, wait: () => Promise.resolve(), notice: console.log, ledger: { get: () => Promise.resolve(null), compareAndSet: () => Promise.resolve(true) } });
    console.log((await summarizer.summarize(errorFacts(), AbortSignal.timeout(20000))).kind);`;
  await using bench = await Bench.with({ key: undefined });
  const file = await Deno.makeTempFile({
    suffix: ".ts",
    dir: new URL(".", import.meta.url).pathname,
    prefix: ".summaries-",
  });
  try {
    await Deno.writeTextFile(file, script);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--no-check",
        "--no-prompt",
        "--cached-only",
        "--allow-read",
        "--allow-net=127.0.0.1",
        file,
        JSON.stringify({ ...bench.settings, apiKey: "" }),
      ],
      env: { MISTRAL_DEBUG: "false", MISTRAL_API_KEY: "from-the-environment" },
    }).output();
    expect([new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)]).toEqual(["written\n", ""]);
    expect(bench.server.questions[0].headers.get("authorization")).toBe("Bearer none");
  } finally {
    await Deno.remove(file);
  }
});
