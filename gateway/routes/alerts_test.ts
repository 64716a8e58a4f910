import { expect } from "expect";
import { parseRules } from "../../analyzer/alerts/rules_file.ts";
import { type Evaluations, evaluationsOf, START } from "../test_alerts.ts";
import { type TestGateway, withGateway } from "../test_gateway.ts";

const RULES = parseRules(
  `
rules:
  - name: error rate
    kind: error_rate
    topics: [shop]
    above: 0.05
    window: 1m
    keepFiring: 2m
    severity: critical
    labels: {team: payments}
    summary: Too many errors.
    runbook: https://example.org/runbook
  - {name: some errors, kind: threshold, topics: [shop], metric: errors, window: 1m, above: 4, by: [service], for: 5m}
  - {name: elsewhere, kind: lag, topics: [other], seconds: 60}
inhibit:
  - {source: [rule=error rate], target: [rule=some errors]}
silences:
  - {match: [service=pay], until: 2026-03-01T13:00:00Z, comment: its database moves}
`,
  "rules.yaml",
);
/** Checkout fails in the minute of 11:51 alone; pay from that of 11:56 on. */
async function haveAlerts(gateway: TestGateway): Promise<Evaluations> {
  const evaluations = await evaluationsOf(gateway, RULES);
  for (let at = 0; at < 10; at++) {
    await evaluations.judge(at, { checkout: at === 1 ? 50 : 0, pay: at >= 6 ? 100 : 0 });
  }
  return evaluations;
}

Deno.test("alerts: what fires first, with what was observed and expected, and what is over", async () => {
  await withGateway(async (gateway) => {
    await haveAlerts(gateway);
    const { status, json } = await gateway.ask("/api/v1/alerts?topic=shop");
    expect(status).toBe(200);
    const silenced = { until: "2026-03-01T13:00:00.000Z", comment: "its database moves", by: null };
    expect(json).toMatchObject({
      total: 3,
      alerts: [
        {
          rule: "error rate",
          kind: "error_rate",
          topic: "shop",
          service: "pay",
          severity: "critical",
          state: "firing",
          hasData: true,
          labels: { team: "payments", service: "pay", topic: "shop", rule: "error rate", severity: "critical" },
          groupedBy: ["service"],
          startedAt: "2026-03-01T11:57:00.000Z",
          since: "2026-03-01T11:57:00.000Z",
          firedAt: "2026-03-01T11:57:00.000Z",
          resolvedAt: null,
          judgedUntil: "2026-03-01T12:00:00.000Z",
          cause: { status: "breach", observed: 0.5, high: 0.05, unit: "share", samples: 200, windowMinutes: 1 },
          silenced,
          isInhibited: false,
          summary: "Too many errors.",
          runbook: "https://example.org/runbook",
          link: "/dashboard?topic=shop&from=2026-03-01T10%3A57%3A00Z&to=2026-03-01T12%3A01%3A00Z&where=service%3Dpay",
        },
        { rule: "some errors", service: "pay", state: "pending", firedAt: null, silenced, isInhibited: true },
        {
          rule: "error rate",
          service: "checkout",
          state: "resolved",
          startedAt: "2026-03-01T11:52:00.000Z",
          firedAt: "2026-03-01T11:52:00.000Z",
          resolvedAt: "2026-03-01T11:55:00.000Z",
          cause: { observed: 0.25 },
          latest: { observed: 0 },
          silenced: null,
          isInhibited: false,
        },
      ],
      evaluator: {
        evaluatedAt: "2026-03-01T12:00:05.000Z",
        judgedUntil: "2026-03-01T12:00:00.000Z",
        rules: 2,
        rulesFile: "rules.yaml",
      },
    });
  });
});

Deno.test("alerts are chosen by topic, state, service and time", async () => {
  await withGateway(async (gateway) => {
    const { minutes, judge } = await haveAlerts(gateway);
    const found = async (query: string): Promise<string[]> => {
      const { alerts } = Object(await gateway.ask(`/api/v1/alerts?${query}`).then(({ json }) => json));
      return alerts.map(({ rule, service }: { rule: string; service: string }) => `${rule} ${service}`);
    };
    const [firing, pending, over] = ["error rate pay", "some errors pay", "error rate checkout"];
    expect(await found("")).toEqual([firing, pending, over]);
    expect(await found("topic=other")).toEqual([]);
    expect(await found("state=active")).toEqual([firing]);
    expect(await found("state=firing")).toEqual([firing]);
    expect(await found("state=pending")).toEqual([pending]);
    expect(await found("state=resolved")).toEqual([over]);
    expect(await found("service=checkout")).toEqual([over]);
    expect(await found("limit=1")).toEqual([firing]);
    // An alert is of all minutes from its first breach until it was resolved.
    expect(await found("from=2026-03-01T11:50:00Z&to=2026-03-01T11:52:00Z")).toEqual([]);
    expect(await found("from=2026-03-01T11:50:00Z&to=2026-03-01T11:53:00Z")).toEqual([over]);
    expect(await found("from=2026-03-01T11:54:00Z&to=2026-03-01T11:57:00Z")).toEqual([over]);
    expect(await found("from=2026-03-01T11:56:00Z&to=2026-03-01T11:58:00Z")).toEqual([firing, pending]);
    expect(await found("state=no_data")).toEqual([]);
    // A minute in which the topic has nothing at all.
    await judge(10, {});
    expect(await found("state=no_data")).toEqual([firing, pending]);
    expect(await found("state=firing")).toEqual([firing]);
    expect(minutes.finalUntil).toBe(START + 11);
  });
});

Deno.test("without an analyzer there is nothing, and it is said that nothing was evaluated", async () => {
  await withGateway(async (gateway) => {
    await gateway.log.createTopic("shop", { partitions: 1 });
    const nothing = { evaluatedAt: null, judgedUntil: null, rules: 0, rulesFile: "" };
    const { json } = await gateway.ask("/api/v1/alerts?topic=shop");
    expect(json).toEqual({ alerts: [], total: 0, evaluator: nothing });
    expect((await gateway.ask("/api/v1/alerts?topic=shpo")).status).toBe(404);
    const refused = await gateway.ask("/api/v1/alerts?state=fireing");
    expect(refused.status).toBe(400);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.json).toMatchObject({ parameter: "state" });
    expect(refused.text).toContain("did you mean firing?");
    expect((await gateway.ask("/api/v1/alerts?from=yesterday")).json).toMatchObject({ parameter: "from" });
  });
});

Deno.test("alerts of a topic that was deleted are nobody's, also where another has its name", async () => {
  await withGateway(async (gateway) => {
    await haveAlerts(gateway);
    const total = async (query = "") => Object((await gateway.ask(`/api/v1/alerts${query}`)).json).total;
    expect(await total()).toBe(3);
    await gateway.log.deleteTopic("shop");
    expect(await total()).toBe(0);
    await gateway.log.createTopic("shop", { partitions: 1 });
    expect(await total("?topic=shop")).toBe(0);
  });
});
