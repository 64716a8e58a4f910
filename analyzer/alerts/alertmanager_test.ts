import { expect } from "expect";
import { AlertmanagerPush, postableAlert } from "./alertmanager.ts";
import { toldOf } from "./evaluator.ts";
import { Bench, START } from "./test_rules.ts";

/** A server that takes alerts, or refuses them. */
function receiver() {
  const bodies: unknown[] = [];
  const state = { status: 200 };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body: unknown = await request.json();
    if (new URL(request.url).pathname !== "/api/v2/alerts") return new Response("", { status: 404 });
    if (state.status === 200) bodies.push(body);
    return new Response(state.status === 200 ? "" : "not now", { status: state.status });
  });
  return { bodies, state, url: `http://127.0.0.1:${server.addr.port}/`, close: () => server.shutdown() };
}

Deno.test("alerts are sent when they change, again each minute, and once more after a failure, which is told once", async () => {
  const server = receiver();
  const problems: string[] = [];
  const push = new AlertmanagerPush({
    urls: [server.url],
    dashboardUrl: null,
    onProblem: (text) => void problems.push(text),
  });
  const bench = new Bench(
    "rules: [{name: errors, kind: threshold, metric: errors, above: 5, window: 1m, keepFiring: 0m}]",
  );
  const pushAt = async (minute: number, errors: number, seconds = 0): Promise<void> => {
    bench.minutes.set({ service: "a" }, START + minute, { count: 100, errors });
    await bench.evaluateAt(minute + 1);
    const alerts = toldOf(new Map(bench.evaluator.alerts.map((alert, i) => [String(i), alert])), bench.ruleSet.rules);
    await push.push(alerts, (START + minute) * 60_000 + seconds * 1000);
  };
  try {
    await pushAt(0, 0);
    expect(server.bodies).toEqual([]);
    server.state.status = 503;
    await pushAt(1, 9);
    await pushAt(1, 9, 5);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("HTTP 503: not now");
    server.state.status = 200;
    await pushAt(1, 9, 10);
    await pushAt(1, 9, 15);
    expect(server.bodies).toHaveLength(1);
    expect(problems.at(-1)).toContain("answers again");
    await pushAt(2, 9, 10);
    expect(server.bodies).toHaveLength(2);
    await pushAt(3, 0);
    expect(server.bodies).toHaveLength(3);
    const sent = server.bodies.map((body) => postableAlert.array().parse(body));
    expect(sent.map(([alert]) => alert.labels.alertname)).toEqual(["errors", "errors", "errors"]);
    // Firing until nobody has sent it for four minutes; then ended at its minute.
    expect(sent[0][0].endsAt).toBe(new Date((START + 1) * 60_000 + 10_000 + 240_000).toISOString());
    expect(sent[2][0].endsAt).toBe(new Date((START + 4) * 60_000).toISOString());
  } finally {
    await server.close();
  }
});

Deno.test("an Alertmanager that is down stops nothing", async () => {
  const problems: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const push = new AlertmanagerPush({ urls: [url], dashboardUrl: null, onProblem: (text) => void problems.push(text) });
  const bench = new Bench("rules: [{name: errors, kind: threshold, metric: errors, above: 5, window: 1m}]");
  bench.minutes.set({}, START, { count: 100, errors: 50 });
  await bench.evaluateAt(1);
  await push.push(toldOf(new Map(bench.evaluator.alerts.map((alert, i) => [String(i), alert])), []), START * 60_000);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^warning: Alertmanager ${url} got no alerts: .*tried again`));
});
