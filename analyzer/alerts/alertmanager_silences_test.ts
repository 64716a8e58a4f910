import { expect } from "expect";
import { type AlertDecision, AlertDecisions } from "../../core/alerts/decisions.ts";
import { AlertmanagerSilences, type SilencedAlert, silencedOf } from "./alertmanager_silences.ts";
import { messagesOf } from "./dispatch.ts";
import { toldOf } from "./evaluator.ts";
import { Bench, START } from "./test_rules.ts";

interface Kept {
  id: string;
  readonly matchers: readonly { readonly name: string; readonly value: string }[];
  endsAt: string;
  readonly comment: string;
  readonly createdBy: string;
  state: string;
}

/** Silences as Alertmanager keeps them: a change of the end alone keeps the id, what is ended stays in the list. */
function alertmanager() {
  const silences: Kept[] = [];
  const asked: string[] = [];
  const state = { isDown: false };
  const answer = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname.replace("/api/v2/", "");
    asked.push(`${request.method} ${path}`);
    if (state.isDown) return new Response("not now", { status: 503 });
    if (request.method === "GET") {
      return Response.json(silences.map((each) => ({
        ...each,
        status: { state: each.state },
        matchers: each.matchers.map((one) => ({ isRegex: false, isEqual: true, ...one })),
      })));
    }
    if (request.method === "DELETE") {
      for (const each of silences) if (path === `silence/${each.id}`) each.state = "expired";
      return new Response("");
    }
    const { id, ...rest } = await request.json();
    const there = silences.find((each) => each.id === id);
    if (there === undefined) silences.push({ id: `s${silences.length + 1}`, state: "active", ...rest });
    else there.endsAt = rest.endsAt;
    return Response.json({ silenceID: there?.id ?? `s${silences.length}` });
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return { silences, asked, state, url: `http://127.0.0.1:${server.addr.port}`, close: () => server.shutdown() };
}

const NOW = START * 60_000;
const alert = (endpoint: string, minutes: number | null): SilencedAlert => ({
  labels: { alertname: "errors", endpoint },
  silence: minutes === null ? null : { untilMs: NOW + minutes * 60_000, by: "anna", comment: "" },
});

Deno.test("what is silenced here is silenced there, until then or until it is ended, and nothing else is touched", async () => {
  const server = alertmanager();
  const foreign: Kept = {
    ...{ id: "theirs", matchers: [{ name: "alertname", value: "errors" }, { name: "endpoint", value: "/a" }] },
    ...{ endsAt: new Date(NOW + 9e6).toISOString(), comment: "by hand", createdBy: "ben", state: "active" },
  };
  server.silences.push(foreign);
  const problems: string[] = [];
  const open = () => new AlertmanagerSilences({ urls: [server.url], onProblem: (text) => void problems.push(text) });
  const ours = () => server.silences.filter(({ id, state }) => id !== "theirs" && state === "active");
  try {
    let silences = open();
    await silences.keep([alert("/a", 30), alert("/b", null)], NOW);
    expect(ours()).toMatchObject([{ createdBy: "anna", endsAt: new Date(NOW + 1_800_000).toISOString() }]);
    expect(ours()[0].matchers).toMatchObject([{ name: "alertname", value: "errors" }, {
      name: "endpoint",
      value: "/a",
    }]);
    const asked = server.asked.length;
    await silences.keep([alert("/b", null), alert("/a", 30)], NOW + 5_000);
    expect(server.asked.length).toBe(asked);
    // Another process goes on; a longer silence moves the end; an alert that begins meanwhile is silenced, too.
    silences = open();
    await silences.keep([alert("/a", 60), alert("/c", 60)], NOW + 10_000);
    expect(ours().map(({ endsAt }) => endsAt)).toEqual([1, 2].map(() => new Date(NOW + 3_600_000).toISOString()));
    // One that is over for now keeps its silence; ended here, it ends there, also when its alert comes back later.
    await silences.keep([alert("/a", null)], NOW + 20_000);
    expect(ours()).toHaveLength(1);
    await silences.keep([alert("/c", null)], NOW + 30_000);
    expect(ours()).toEqual([]);
    expect(foreign.state).toBe("active");
    server.state.isDown = true;
    await silences.keep([alert("/a", 60)], NOW + 40_000);
    await silences.keep([alert("/a", 60)], NOW + 45_000);
    expect(problems).toEqual([expect.stringContaining("was not told what is silenced: HTTP 503: not now")]);
    server.state.isDown = false;
    await silences.keep([alert("/a", 60)], NOW + 50_000);
    expect(ours()).toHaveLength(1);
  } finally {
    await server.close();
  }
});

Deno.test("a silence is of the alerts that fire in a message, and of none that is worse", async () => {
  const bench = new Bench(
    "rules: [{name: errors, kind: threshold, metric: errors, above: 5, window: 1m, severity: warning, by: [service]}]",
  );
  for (const service of ["a", "b"]) bench.minutes.set({ service }, START, { count: 100, errors: 50 });
  await bench.evaluateAt(1);
  const told = toldOf(new Map(bench.evaluator.alerts.map((one, i) => [String(i), one])), bench.ruleSet.rules);
  const [{ group }] = messagesOf(bench.ruleSet.routes, told[0].labels, {});
  const given = (severity: AlertDecision["severity"]) =>
    new AlertDecisions([{
      kind: "silence",
      group,
      severity,
      by: "anna",
      atMs: NOW,
      untilMs: NOW + 60_000,
      comment: "",
    }]);
  const silencedBy = (decisions: AlertDecisions) =>
    silencedOf(told, bench.ruleSet, {}, decisions, NOW).map((
      { labels: { service }, silence },
    ) => [service, silence?.by]);
  const inGroup = told.map(({ labels }) => messagesOf(bench.ruleSet.routes, labels, {})[0].group === group);
  expect(silencedBy(given("warning"))).toEqual(
    told.map(({ labels: { service } }, at) => [service, inGroup[at] ? "anna" : undefined]),
  );
  expect(silencedBy(given("info"))).toEqual(told.map(({ labels: { service } }) => [service, undefined]));
});
