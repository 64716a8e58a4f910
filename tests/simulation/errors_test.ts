/** Errors of a topic count once, and are told once, whatever happens to who reads them. */
import { expect } from "expect";
import type { IncidentRules } from "../../analyzer/errors/incident_desk.ts";
import type { Notice } from "../../analyzer/notify/notice.ts";
import { TopicAnalyzer } from "../../analyzer/topic_analyzer.ts";
import { factsSummary } from "../../analyzer/summaries/facts_card.ts";
import type { ErrorFacts } from "../../analyzer/summaries/summary.ts";
import { errorsCollection, type FingerprintDocument, fingerprintDocument } from "../../core/incidents/documents.ts";
import { ErrorLog, seeded, UnsureDocuments } from "./errors_simulator.ts";

const MINUTE_MS = 60_000;
const RULES: IncidentRules = {
  liveMs: 15 * MINUTE_MS,
  quietMs: 30 * MINUTE_MS,
  regressedMs: 6 * 60 * MINUTE_MS,
  groupMs: 2 * MINUTE_MS,
  staleMs: 7 * 24 * 60 * MINUTE_MS,
  incidentsMax: 20,
  keptMs: 90 * 24 * 60 * MINUTE_MS,
};
const TOPIC = { id: "T", name: "logs", partitions: 3 };
const NOW_MS = Date.parse("2026-03-02T12:00:00Z");

/** Kinds of errors, each with a word of its own by which a recount knows them. */
const KINDS = [
  { service: "pay", mark: "card", message: (n: number) => `card ${n} was refused by the bank` },
  { service: "pay", mark: "timeout", message: (n: number) => `timeout after ${n} ms while asking ledger` },
  { service: "shop", mark: "stock", message: (n: number) => `stock of item-${n} is negative` },
  { service: "mail", mark: "smtp", message: () => "smtp relay closed the connection" },
];

function fill(log: ErrorLog, random: () => number, errors: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < errors; i++) {
    const { service, mark, message } = KINDS[Math.floor(random() * KINDS.length)];
    const text = message(Math.floor(random() * 1e6));
    log.append(Math.floor(random() * log.partitions.length), {
      ms: NOW_MS - Math.floor(random() * 60_000),
      service,
      level: "ERROR",
      message: text,
      template: null,
      raw: text,
      values: { endpoint: `/${service}` },
    });
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  return counts;
}

interface World {
  readonly documents: UnsureDocuments;
  readonly log: ErrorLog;
  readonly notices: Map<string, Notice>;
  readonly asked: ErrorFacts[];
}

function analyzerIn(world: World): TopicAnalyzer {
  return new TopicAnalyzer({
    topic: TOPIC,
    documents: world.documents,
    readers: world.log,
    redactor: { redact: (text) => text },
    summarizer: {
      summarize: (facts) => {
        world.asked.push(facts);
        return Promise.resolve({
          kind: "written",
          summary: factsSummary(facts),
          author: "double",
          tokensIn: 10,
          tokensOut: 10,
          usd: 0,
        });
      },
    },
    announcer: {
      put: (notices) => {
        for (const notice of notices) world.notices.set(notice.id, notice);
        return Promise.resolve([]);
      },
    },
    rules: RULES,
    fingerprintsMax: 1_000,
    summaryWaitMs: 0,
    dashboardUrl: "https://logs.example.org",
    now: () => NOW_MS,
    reached: () => {},
    onNotice: () => {},
  });
}

async function fingerprintsIn({ documents }: World): Promise<FingerprintDocument[]> {
  const { entries } = await documents.readDocuments(errorsCollection(TOPIC.id));
  return [...entries].filter(([key]) => key.startsWith("fingerprint/")).map(([, text]) =>
    fingerprintDocument.parse(JSON.parse(text))
  );
}

/** Occurrences by mark, of all fingerprints that count. */
async function countsIn(world: World): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { template, count, mergedInto } of await fingerprintsIn(world)) {
    if (mergedInto !== null) continue;
    const kind = KINDS.find(({ mark }) => template.includes(mark));
    counts.set(kind?.mark ?? template, (counts.get(kind?.mark ?? template) ?? 0) + count);
  }
  return counts;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort(([a], [b]) => a < b ? -1 : 1);
const sumOf = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);

for (let seed = 1; seed <= 12; seed++) {
  Deno.test(`errors count once though commits fail, are not answered for, and analyzers race (seed ${seed})`, async () => {
    const random = seeded(seed);
    const documents = new UnsureDocuments(() => {
      if (random() < 0.15) throw new Error("the store does not answer");
    });
    const log = new ErrorLog(TOPIC.partitions, random);
    const world: World = { documents, log, notices: new Map(), asked: [] };
    const expected = fill(log, random, 600);
    let analyzers = [analyzerIn(world), analyzerIn(world)];
    for (const analyzer of analyzers) analyzer.start();
    for (let crash = 0; crash < 4; crash++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      // One that is stopped has no further say; one that goes on in its place knows nothing of it.
      const [first, ...others] = analyzers;
      void first.stop();
      analyzers = [...others, analyzerIn(world)];
      analyzers.at(-1)?.start();
    }
    await until(async () => sumOf(await countsIn(world)) >= 600);
    await Promise.all(analyzers.map((analyzer) => analyzer.stop()));
    expect(sorted(await countsIn(world))).toEqual(sorted(expected));
  });
}
