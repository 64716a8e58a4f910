import { expect } from "expect";
import { LIVE_CASES } from "../../analyzer/evaluation/live_cases.ts";
import { average, runLive, share } from "../../analyzer/evaluation/live_run.ts";
import { ModelServer } from "../../analyzer/evaluation/model_server.ts";
import { promptFor } from "../../analyzer/summaries/prompt.ts";
import { loadPrompts } from "../../analyzer/summaries/prompts.ts";
import { modelAnswer } from "../../analyzer/summaries/test_facts.ts";
import { configSchema } from "../../core/config/schema.ts";

Deno.test("the live evaluation asks about each case, and another model about each answer", async () => {
  let clock = 0;
  await using server = new ModelServer({
    act: ({ model, user }) => {
      if (model === "judge") {
        const isDisk = user.includes("no space left");
        return { kind: "says", content: { grounded: true, names_cause: isDisk } };
      }
      clock += 100;
      const hasCause = !user.includes("internal error");
      return {
        kind: "says",
        content: modelAnswer({
          possible_causes: hasCause ? [{ text: "The disk is full", confidence: "low", evidence: ["E1"] }] : [],
        }),
      };
    },
  });
  const settings = { ...configSchema.parse({}).mistral, serverUrl: server.url, model: "writer", callsPerDay: 1 };
  const report = await runLive(LIVE_CASES, { settings, judge: "judge", times: 3, now: () => clock });
  const n = 3 * LIVE_CASES.length;
  expect(report).toMatchObject({
    model: "writer",
    judge: "judge",
    written: n,
    judged: n,
    factsOnly: [],
    grounded: { mean: 1, n },
    tokens: { mean: 1200, low: 1200, high: 1200 },
    latencyMs: { mean: 100 },
  });
  // The full disk, and the case that bears no cause.
  expect(report.rightCause.mean).toBeCloseTo(2 / LIVE_CASES.length);
  expect(server.questions.filter(({ model }) => model === "judge").length).toBe(n);
  expect(server.refusals).toEqual([]);
});

Deno.test("all lines of the cases reach the model", async () => {
  const prompts = await loadPrompts("");
  for (const { name, facts } of LIVE_CASES) {
    const user = promptFor(facts, prompts)?.messages[1].content ?? "";
    expect({ name, cut: /left out\)|characters\)/.test(user) }).toEqual({ name, cut: false });
    expect({ name, shown: promptFor(facts, prompts)?.shown.size }).toEqual({ name, shown: facts.evidence.length });
  }
});

Deno.test("intervals are those of the literature", () => {
  // Wilson (1927) for 8 of 10 and for 0 of 10, as tabulated by statsmodels' proportion_confint(method="wilson").
  expect(share([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])).toMatchObject({
    mean: 0.8,
    low: expect.closeTo(0.4902, 3),
    high: expect.closeTo(0.9433, 3),
  });
  expect(share(Array(10).fill(0)).high).toBeCloseTo(0.2775, 3);
  expect(average([1, 2, 3, 4])).toMatchObject({ mean: 2.5, low: expect.closeTo(2.5 - 1.96 * 0.6455, 3) });
});
