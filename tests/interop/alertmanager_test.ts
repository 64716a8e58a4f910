/** Alerts as the real Alertmanager takes them: they fire, are seen by its API with labels and links, and are resolved. */
import { expect } from "expect";
import { AlertmanagerPush } from "../../analyzer/alerts/alertmanager.ts";
import { AlertmanagerSilences } from "../../analyzer/alerts/alertmanager_silences.ts";
import { toldOf } from "../../analyzer/alerts/evaluator.ts";
import { Bench, START } from "../../analyzer/alerts/test_rules.ts";
import { eventually } from "../faults/dev_process.ts";
import { canRunPrograms } from "../program_process.ts";
import { installedAlertmanager } from "../services/alertmanager.ts";
import { serviceForTests } from "../services/for_tests.ts";

const isThere = canRunPrograms && await installedAlertmanager() !== null;
if (!isThere) console.warn("warning: tests that need Alertmanager are LEFT OUT: it is not installed");
const access = isThere ? await serviceForTests("alertmanager") : null;

interface Seen {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly generatorURL: string;
  readonly status: { readonly state: string };
}

async function alertsAt(url: string, rule: string): Promise<Seen[]> {
  const response = await fetch(`${url}/api/v2/alerts?filter=${encodeURIComponent(`alertname="${rule}"`)}`);
  return await response.json();
}

Deno.test({
  name: "the real Alertmanager shows what fires, and not what is resolved",
  ignore: access === null,
  // It was started for all tests, and outlives this one.
  sanitizeResources: false,
  async fn() {
    const { url } = access ?? { url: "" };
    const rule = `error rate ${crypto.randomUUID()}`;
    const bench = new Bench(
      `rules: [{name: "${rule}", kind: error_rate, above: 0.05, window: 1m, keepFiring: 0m, severity: critical, labels: {team: shop}}]`,
    );
    const problems: string[] = [];
    const push = new AlertmanagerPush({
      urls: [url],
      dashboardUrl: "http://127.0.0.1:8080",
      onProblem: (message) => void problems.push(message),
    });
    // Alertmanager goes by the clock: alerts of minutes that are long over would count as resolved.
    const nowMs = Date.now();
    const pushAt = async (at: number, errors: number): Promise<void> => {
      bench.minutes.set({ service: "checkout" }, START + at, { count: 400, errors });
      await bench.evaluateAt(at + 1);
      const instances = new Map(bench.evaluator.alerts.map((alert, i) => [String(i), alert]));
      await push.push(toldOf(instances, bench.ruleSet.rules), nowMs + at);
    };
    await pushAt(0, 100);
    const [seen, ...others] = await alertsAt(url, rule);
    expect(problems).toEqual([]);
    expect(others).toEqual([]);
    expect(seen.labels).toEqual({
      alertname: rule,
      kind: "error_rate",
      service: "checkout",
      severity: "critical",
      team: "shop",
      topic: "logs",
    });
    expect(seen.annotations).toMatchObject({ observed: "25 %", high: "5 %", baseline: "fixed", samples: "400" });
    expect(seen.status.state).toBe("active");
    expect(new URL(seen.generatorURL).searchParams.get("where")).toBe("service=checkout");
    // The minute of START is past: what is resolved at it ends at once.
    const [alert] = toldOf(new Map(bench.evaluator.alerts.map((one, i) => [String(i), one])), bench.ruleSet.rules);
    const minute = Math.floor(nowMs / 60_000);
    const resolved = {
      ...alert,
      instance: { ...alert.instance, state: "resolved" as const, startedAt: minute - 3, since: minute - 1 },
    };
    await push.push([resolved], nowMs + 100);
    expect(await alertsAt(url, rule)).toEqual([]);
    expect(problems).toEqual([]);
  },
});

Deno.test({
  name: "the real Alertmanager holds back what is silenced here, until it is ended here, and not what is worse",
  ignore: access === null,
  sanitizeResources: false,
  async fn() {
    const { url } = access ?? { url: "" };
    const rule = `silenced ${crypto.randomUUID()}`;
    const labels = { alertname: rule, service: "checkout", severity: "warning" };
    const problems: string[] = [];
    const silences = () =>
      new AlertmanagerSilences({ urls: [url], onProblem: (message) => void problems.push(message) });
    const nowMs = Date.now();
    const silencedFor = (minutes: number) => [{
      labels,
      silence: { untilMs: nowMs + minutes * 60_000, by: "anna", comment: "" },
    }];
    const ends = { startsAt: new Date(nowMs).toISOString(), endsAt: new Date(nowMs + 600_000).toISOString() };
    const become = (states: Readonly<Record<string, string>>) =>
      eventually(JSON.stringify(states), async () => {
        const seen = await alertsAt(url, rule);
        const now = Object.fromEntries(seen.map(({ labels, status }) => [labels.severity, status.state]));
        return Object.keys(states).every((severity) => now[severity] === states[severity]);
      });
    await silences().keep(silencedFor(60), nowMs);
    const posted = await fetch(`${url}/api/v2/alerts`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify([labels, { ...labels, severity: "critical" }].map((each) => ({
        ...{ labels: each, annotations: {} },
        ...ends,
      }))),
    });
    await posted.body?.cancel();
    await become({ warning: "suppressed", critical: "active" });
    // Another process moves its end, and ends it.
    const others = silences();
    for (const minutes of [120, 10]) await others.keep(silencedFor(minutes), nowMs + 1_000);
    await become({ warning: "suppressed", critical: "active" });
    await others.keep([{ labels, silence: null }], nowMs + 2_000);
    await become({ warning: "active", critical: "active" });
    expect(problems).toEqual([]);
  },
});
