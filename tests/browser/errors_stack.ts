/**
 * Log, engine, store, gateway and analyzer in this process, for scenarios of the page of errors: the real ones, but for the
 * summaries, which are written by heart. Records are those of a shop on a bad day.
 */
import { createRedactor } from "../../analyzer/errors/redaction.ts";
import { factsOnly } from "../../analyzer/summaries/facts_card.ts";
import type { ErrorFacts, Summarizer, SummaryOutcome } from "../../analyzer/summaries/summary.ts";
import { TopicAnalyzer } from "../../analyzer/topic_analyzer.ts";
import { openAlerts } from "../../cli/analyzer/alerts.ts";
import { WorkerReaders } from "../../cli/analyzer/worker_readers.ts";
import { membershipOf, openData } from "../../cli/data.ts";
import { serveGateway } from "../../cli/gateway/serve.ts";
import { type Config, configSchema } from "../../core/config/schema.ts";
import type { Store } from "../../core/store/ports.ts";
import { startEngine } from "../../engine/main.ts";
import { eventually } from "../faults/dev_process.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const TOPIC = "app-logs";
export const HOSTILE =
  "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> \u001b[31mred \u202egnp";

export interface ErrorsStack {
  readonly url: string;
  /** Takes lines in, and waits until they are stored. */
  send(lines: readonly string[], topic?: string): Promise<void>;
  /** From now on an analyzer reads the topic. */
  analyze(topic?: string): Promise<void>;
  /** Evaluates rules of alerts on what is final now. */
  evaluate(): Promise<void>;
  readonly store: Store;
}

export async function withErrorsStack(
  run: (stack: ErrorsStack) => Promise<void>,
  settings: { readonly rules?: string; readonly schedules?: Config["schedules"] } = {},
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-errors-" });
  const { rules = "", schedules = {} } = settings;
  const rulesFile = rules === "" ? "" : `${directory}/rules.yaml`;
  if (rulesFile !== "") await Deno.writeTextFile(rulesFile, rules);
  const config = configSchema.parse({
    data: directory,
    gateway: { port: 0 },
    engine: { workers: 1 },
    log: { partitions: rules === "" ? 4 : 1 }, // with one it is known what is final
    analyzer: { rulesFile },
    schedules,
  });
  const onNotice = (text: string) => console.error(text);
  {
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, onNotice);
    parts.defer(() => data.close());
    const membership = await membershipOf(data, config, onNotice);
    const engine = await startEngine({ ...data, config, membership, onNotice });
    parts.defer(() => engine.stop());
    const gateway = await serveGateway(config, data, engine);
    parts.defer(() => gateway.stop());
    const readers = new WorkerReaders({ config, log: data.log, store: data.store, onNotice });
    parts.defer(() => readers.stop());

    const analyze = async (name = TOPIC) => {
      const topic = (await data.log.listTopics()).find((each) => each.name === name);
      if (topic === undefined) throw new Error(`there is no topic ${name}`);
      const analyzer = new TopicAnalyzer({
        topic,
        documents: data.store,
        readers,
        redactor: createRedactor("a key"),
        summarizer: byHeart,
        announcer: { put: () => Promise.resolve([]) },
        rules: {
          liveMs: 15 * MINUTE_MS,
          quietMs: 30 * MINUTE_MS,
          regressedMs: 6 * HOUR_MS,
          groupMs: 5_000,
          staleMs: 1e9,
          incidentsMax: 20,
          keptMs: 1e10,
        },
        fingerprintsMax: 1000,
        summaryWaitMs: 100,
        dashboardUrl: null,
        now: Date.now,
        reached: () => {},
        onNotice,
      });
      analyzer.start();
      parts.defer(() => analyzer.stop());
    };
    const send = async (lines: readonly string[], topic = TOPIC) => {
      const answer = await fetch(`${gateway.url}/ingest/v1/${topic}`, { method: "POST", body: lines.join("\n") });
      if (!answer.ok) throw new Error(await answer.text());
      await answer.body?.cancel();
      await eventually("all is stored", async () => {
        const { topics } = await (await fetch(`${gateway.url}/api/v1/topics`)).json();
        return topics.every(({ lagRecords }: { lagRecords: number }) => lagRecords === 0);
      });
    };
    const alerts = openAlerts({ config, data, dashboardUrl: null, onNotice: () => {} });
    const evaluate = () => alerts.evaluate(Date.now());
    await run({ url: gateway.url, send, analyze, evaluate, store: data.store });
  }
  await Deno.remove(directory, { recursive: true });
}

/** Writes what is told of the failing database; of everything else it has the facts alone. */
const byHeart: Summarizer = {
  summarize(facts: ErrorFacts): Promise<SummaryOutcome> {
    if (!facts.template.includes("connection refused")) {
      return Promise.resolve(
        factsOnly(facts, "the budget of summaries is spent (mistral.usdPerDay is 1)", null),
      );
    }
    return Promise.resolve({
      kind: "written",
      author: "mistral-small-latest",
      tokensIn: 1_480,
      tokensOut: 322,
      usd: 0.00042,
      summary: {
        title: "Payments cannot reach their database",
        severity: "critical",
        category: "dependency",
        whatHappened:
          "All connections of pay to the database on port 5432 are refused, on both hosts, since the first " +
          "of these lines. Requests to /pay and /refund fail for that reason.",
        causes: [
          {
            text:
              "The database process has ended or does not accept connections: they are refused at once, not timed out.",
            confidence: "high",
            evidence: ["E1", "E2"],
          },
          {
            text: "Both hosts were switched off or moved by the same maintenance.",
            confidence: "low",
            evidence: ["E3"],
          },
        ],
        nextSteps: [
          "Look whether the database runs and listens on port 5432 of both hosts.",
          "Ask who changed its addresses or its firewall within the last hour.",
          "Once it is back, see that pay connects again without a restart.",
        ],
      },
    });
  },
};

export function errorLine(atMs: number, rest: Record<string, unknown>): string {
  return JSON.stringify({ timestamp: new Date(atMs).toISOString(), level: "ERROR", ...rest });
}

/** Three days of a shop in rounds, oldest first: what always goes wrong, what is over, and what has just begun. */
function badDay(nowMs: number): string[][] {
  const lines: { agoMs: number; line: string }[] = [];
  const add = (agoMs: number, service: string, message: string, rest: Record<string, unknown> = {}) =>
    lines.push({ agoMs, line: errorLine(nowMs - agoMs, { service, message, ...rest }) });
  const issuers = ["amex", "visa", "mastercard"];
  const refused = (agoMs: number, i: number) =>
    add(agoMs, "pay", `card ${4100 + i} was refused by ${issuers[i % 3]}`, {
      endpoint: i % 4 === 0 ? "/refund" : "/pay",
      status: 402,
    });
  for (let i = 0; i < 3 * 24 * 12; i++) refused(i * 5 * MINUTE_MS + 6 * MINUTE_MS, i);
  for (let i = 0; i < 120; i++) refused(i * 2_000, i);
  for (let i = 0; i < 90; i++) {
    add(
      i * 15_000 + 1_000,
      "ledger",
      `cannot reach db-${1 + i % 2}.internal:5432: connection refused after ${3 + i % 9} ms`,
      { level: "FATAL", endpoint: i % 3 === 0 ? "/refund" : "/pay", host: `ledger-${1 + i % 4}` },
    );
  }
  for (let i = 0; i < 37; i++) {
    add(i * 15_000 + 4_000, "checkout", `order ${88_000 + i}: no answer from pay within ${800 + 13 * i} ms`, {
      endpoint: "/checkout",
      status: 504,
    });
  }
  for (let i = 0; i < 24; i++) {
    add(70 * MINUTE_MS + i * MINUTE_MS, "search", `shard ${i % 8} is not available, tried ${1 + i % 3} times`, {
      endpoint: "/search",
    });
  }
  for (let i = 0; i < 6; i++) {
    add(i * 90_000 + 9_000, "mail", `could not send the receipt to customer${i}@example.com`, {});
  }
  add(5_000, "mail", HOSTILE);
  for (let i = 0; i < 400; i++) {
    lines.push({
      agoMs: i * 9_000,
      line: errorLine(nowMs - i * 9_000, { level: "INFO", service: "cart", message: "ok" }),
    });
  }
  // What is older than a quarter of an hour is told to nobody, and so has no summary yet: its lines are there before.
  const bounds = [Infinity, 23, 21, 19.5, 18, 16.5, 0].map((minutes) => minutes * MINUTE_MS);
  lines.sort((a, b) => b.agoMs - a.agoMs);
  return bounds.slice(1).map((bound, at) =>
    lines.filter(({ agoMs }) => agoMs >= bound && agoMs < bounds[at]).map(({ line }) => line)
  );
}

/** The bad day, read by an analyzer, with its summaries. */
export async function haveBadDay({ url, send, analyze }: ErrorsStack): Promise<void> {
  const rounds = badDay(Date.now());
  let sent = 0;
  for (const [at, lines] of rounds.entries()) {
    await send(lines);
    sent += lines.length;
    if (at === 0) await analyze();
    await eventually("the analyzer has read it", async () => {
      const { analyzer } = await (await fetch(`${url}/api/v1/incidents?topic=${TOPIC}`)).json();
      return analyzer.records === sent;
    });
  }
  await eventually("summaries are written", async () => {
    const { incidents } = await (await fetch(`${url}/api/v1/incidents?topic=${TOPIC}&state=open`)).json();
    return incidents.length === 4 && incidents.every(({ summary }: { summary: unknown }) => summary !== null);
  });
}
