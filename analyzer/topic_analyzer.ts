/**
 * One topic's errors: read, counted, kept, explained and told. What is kept is committed at once with how far the log was
 * read, by compare-and-set: whoever loses a race reads what the other has kept, and goes on from there.
 */
import { Decisions, decisionsCollection, readDecisions } from "../core/incidents/decisions.ts";
import { type Analysis, errorsCollection, type IncidentDocument } from "../core/incidents/documents.ts";
import { messageOf } from "../core/errors.ts";
import type { Topic } from "../core/log/partitioned_log.ts";
import type { Documents } from "../core/store/ports.ts";
import { factsOf, membersOf } from "./errors/error_facts.ts";
import type { ErrorReaders, ErrorReading } from "./errors/error_reading.ts";
import type { ErrorBatch, ErrorRecord } from "./errors/error_record.ts";
import type { IncidentRules } from "./errors/incident_desk.ts";
import { noticeOf, silenceOf } from "./errors/incident_notice.ts";
import type { Redactor } from "./errors/redactor.ts";
import { TopicErrors } from "./errors/topic_errors.ts";
import type { Notice } from "./notify/notice.ts";
import { factsSummary } from "./summaries/facts_card.ts";
import type { ErrorFacts, Summarizer, SummaryOutcome } from "./summaries/summary.ts";

/** Who tells people: takes notices, and answers the ids of those that it has no room for now. */
export interface Announcer {
  put(notices: readonly Notice[]): Promise<readonly string[]>;
}

export interface TopicAnalyzerParts {
  readonly topic: Topic;
  readonly documents: Documents;
  readonly readers: ErrorReaders;
  readonly redactor: Redactor;
  readonly summarizer: Summarizer;
  readonly announcer: Announcer;
  readonly rules: IncidentRules;
  readonly fingerprintsMax: number;
  /** How long the first message of an incident waits for its summary. */
  readonly summaryWaitMs: number;
  readonly dashboardUrl: string | null;
  readonly now: () => number;
  /** Every record of the partition below `offset` was read, and what came of it is kept. */
  readonly reached: (partition: number, offset: number) => void;
  readonly onNotice: (text: string) => void;
}

const WAIT_MS = 500;
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** Fingerprints that one commit holds at most: it is one request to a store. */
const CHANGES_MAX = 300;
/** Errors between two rests, in which others of this thread have their turn. */
const ERRORS_AT_ONCE = 500;
const DECISIONS_MS = 1_000;
/** Positions without errors are kept so often. */
const POSITIONS_MS = 10_000;
/** An incident of which nothing but counts has changed is told of so often. */
const COUNTS_MS = 15_000;
const SUMMARIES_AT_ONCE = 4;

export interface TopicFigures {
  readonly topic: string;
  readonly records: number;
  readonly errors: number;
  readonly fingerprints: number;
  readonly openIncidents: number;
  readonly positions: Readonly<Record<string, number>>;
  readonly conflicts: number;
  readonly failures: number;
}

export class TopicAnalyzer {
  readonly #parts: TopicAnalyzerParts;
  #errors: TopicErrors | null = null;
  #conflicts = 0;
  #failures = 0;
  #isStopping = false;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(parts: TopicAnalyzerParts) {
    this.#parts = parts;
  }

  get topic(): Topic {
    return this.#parts.topic;
  }

  get figures(): TopicFigures {
    const errors = this.#errors;
    return {
      topic: this.#parts.topic.name,
      records: errors?.head.records ?? 0,
      errors: errors?.head.errors ?? 0,
      fingerprints: errors?.book.size ?? 0,
      openIncidents: errors?.desk.open ?? 0,
      positions: errors?.head.positions ?? {},
      conflicts: this.#conflicts,
      failures: this.#failures,
    };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Keeps what was read, and ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopping) {
      const tenure = new Tenure(this.#parts, () => this.#isStopping);
      try {
        if (await tenure.run((errors) => this.#errors = errors) === "conflict") this.#conflicts++;
        failures = 0;
        continue;
      } catch (error) {
        this.#failures++;
        if (tenure.commits > 0) failures = 0;
        const text = `errors of ${this.#parts.topic.name}: ${messageOf(error)}`;
        if (failures++ === 0) this.#parts.onNotice(`warning: ${text}; it is tried again, and nothing is lost`);
      }
      await this.#sleep(Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(failures - 1, 5)));
    }
  }

  #sleep(ms: number): Promise<void> {
    if (this.#isStopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** From what is kept to a lost race, a failure or a stop. */
class Tenure {
  commits = 0;
  readonly #parts: TopicAnalyzerParts;
  readonly #isStopping: () => boolean;
  readonly #collection: string;
  readonly #stopped = new AbortController();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #answers: { readonly id: string; readonly facts: ErrorFacts; readonly outcome: SummaryOutcome }[] = [];
  /** Incidents to be told of, and when each was last. */
  readonly #untold = new Set<string>();
  readonly #told = new Map<string, { readonly atMs: number; readonly key: string }>();
  #version = 0;
  #decisionsVersion = -1;
  #decisionsMs = -Infinity;
  #positionsMs = 0;
  #kept = "";

  constructor(parts: TopicAnalyzerParts, isStopping: () => boolean) {
    this.#parts = parts;
    this.#isStopping = isStopping;
    this.#collection = errorsCollection(parts.topic.id);
  }

  async run(opened: (errors: TopicErrors) => void): Promise<"conflict" | "stopped"> {
    const { topic, documents, readers, now } = this.#parts;
    const { version, entries } = await documents.readDocuments(this.#collection);
    this.#version = version;
    const errors = new TopicErrors(entries, this.#parts);
    opened(errors);
    await this.#heed(errors);
    this.#positionsMs = now();
    this.#kept = JSON.stringify(errors.head.positions);
    for (const incident of errors.desk.all) if (incident.isTold) this.#untold.add(incident.id);
    const reading = readers.open(topic, Array.from({ length: topic.partitions }, (_, at) => errors.positionOf(at)));
    try {
      return await this.#follow(errors, reading);
    } finally {
      this.#stopped.abort();
      await reading.close();
      await Promise.all(this.#asking.values());
    }
  }

  async #follow(errors: TopicErrors, reading: ErrorReading): Promise<"conflict" | "stopped"> {
    for (;;) {
      const isLast = this.#isStopping();
      const batch = isLast ? null : await reading.next(WAIT_MS);
      for (const slice of batch === null ? [] : slicesOf(batch)) {
        if (errors.book.changes > CHANGES_MAX && !await this.#commit(errors, false)) return "conflict";
        errors.apply(slice, this.#parts.now());
        if (slice.records.length >= ERRORS_AT_ONCE) await new Promise((resolve) => setTimeout(resolve));
      }
      await this.#heed(errors);
      errors.desk.look(this.#parts.now());
      this.#takeAnswers(errors);
      if (!await this.#commit(errors, isLast)) return "conflict";
      if (isLast) return "stopped";
      await this.#announce(errors);
      this.#ask(errors);
    }
  }

  /** What people have decided meanwhile. */
  async #heed(errors: TopicErrors): Promise<void> {
    const { documents, topic, now } = this.#parts;
    if (now() - this.#decisionsMs < DECISIONS_MS) return;
    this.#decisionsMs = now();
    if (await documents.documentsVersion(decisionsCollection(topic.id)) === this.#decisionsVersion) return;
    const { version, decisions } = await readDecisions(documents, topic.id);
    this.#decisionsVersion = version;
    errors.decide(new Decisions(decisions));
    for (const incident of errors.desk.all) if (incident.isTold) this.#untold.add(incident.id);
  }

  /** Keeps what has changed; false where another process has kept something since. */
  async #commit(errors: TopicErrors, isLast: boolean): Promise<boolean> {
    const { documents, now, reached } = this.#parts;
    const { puts, incidents } = errors.takeChanges(now());
    for (const incident of incidents) if (incident.isTold) this.#untold.add(incident.id);
    const positions = JSON.stringify(errors.head.positions);
    const hasNews = puts.length > 1; // besides the head
    const isDue = positions !== this.#kept && (isLast || now() - this.#positionsMs >= POSITIONS_MS);
    if (!hasNews && !isDue) return true;
    if (!await documents.commitDocuments(this.#collection, this.#version, puts)) return false;
    this.#version++;
    this.commits++;
    this.#kept = positions;
    this.#positionsMs = now();
    for (const [partition, offset] of Object.entries(errors.head.positions)) reached(Number(partition), offset);
    return true;
  }

  // -------------------------------------------------------------- telling

  async #announce(errors: TopicErrors): Promise<void> {
    const { announcer, topic, dashboardUrl, now } = this.#parts;
    const nowMs = now();
    const rootOf = (id: string) => errors.book.rootOf(id);
    const notices: { readonly incident: IncidentDocument; readonly notice: Notice; readonly key: string }[] = [];
    for (const id of this.#untold) {
      const incident = errors.desk.find(id);
      const notice = incident === undefined || !this.#isReady(incident, errors, nowMs) ? null : noticeOf(incident, {
        topicId: topic.id,
        topic: topic.name,
        decisions: errors.decisions,
        rootOf,
        factsOnly: (fingerprint) => factsSummary(this.#factsOf(fingerprint.id, errors, nowMs)),
        dashboardUrl,
        nowMs,
      });
      if (incident === undefined) this.#untold.delete(id);
      if (incident === undefined || notice === null) continue;
      const key = keyOf(notice);
      const told = this.#told.get(id);
      if (told?.key === key && nowMs - told.atMs < COUNTS_MS) continue;
      notices.push({ incident, notice, key });
    }
    if (notices.length === 0) return;
    const refused = new Set(await announcer.put(notices.map(({ notice }) => notice)));
    for (const { incident, notice, key } of notices) {
      if (refused.has(notice.id)) continue;
      this.#untold.delete(incident.id);
      this.#told.set(incident.id, { atMs: nowMs, key });
      if (incident.isAnnounced) continue;
      incident.isAnnounced = true;
      errors.desk.touch(incident.id);
    }
  }

  /** Its first message waits a little for the summary; one that was silenced before is not told of. */
  #isReady(incident: IncidentDocument, errors: TopicErrors, nowMs: number): boolean {
    const [lead] = membersOf(incident, (id) => errors.book.rootOf(id));
    if (lead === undefined) return false;
    if (incident.isAnnounced) return true;
    if (silenceOf(incident, lead, errors.decisions, nowMs) !== null) return false;
    return lead.analysis !== null || incident.state === "resolved" ||
      nowMs - incident.createdMs >= this.#parts.summaryWaitMs;
  }

  // -------------------------------------------------------------- summaries

  #ask(errors: TopicErrors): void {
    const nowMs = this.#parts.now();
    const wanted = [...errors.book.all].filter(({ id, wanted, mergedInto }) =>
      wanted !== null && wanted.notBeforeMs <= nowMs && mergedInto === null && !this.#asking.has(id)
    ).sort((a, b) => b.count - a.count);
    for (const { id } of wanted.slice(0, Math.max(0, SUMMARIES_AT_ONCE - this.#asking.size))) {
      const facts = this.#factsOf(id, errors, nowMs);
      const asking = this.#parts.summarizer.summarize(facts, this.#stopped.signal).then((outcome) => {
        this.#answers.push({ id, facts, outcome });
      }).finally(() => this.#asking.delete(id));
      this.#asking.set(id, asking);
    }
  }

  #factsOf(id: string, errors: TopicErrors, nowMs: number): ErrorFacts {
    const fingerprint = errors.book.rootOf(id);
    if (fingerprint === undefined) throw new Error(`there is no fingerprint ${id}`);
    const neighbours = [...errors.book.all].filter((other) =>
      other.service === fingerprint.service && other.id !== fingerprint.id && other.mergedInto === null &&
      nowMs - other.lastMs <= this.#parts.rules.liveMs
    );
    const reason = fingerprint.wanted?.reason ?? "new";
    return factsOf(fingerprint, { topic: this.#parts.topic.name, reason, nowMs, neighbours });
  }

  #takeAnswers(errors: TopicErrors): void {
    const nowMs = this.#parts.now();
    for (const { id, facts, outcome } of this.#answers.splice(0)) {
      const isModel = outcome.kind === "written";
      const analysis: Analysis = {
        summary: copyOf(outcome.summary),
        author: isModel ? outcome.author : `facts only: ${outcome.reason}`,
        isModel,
        reason: facts.reason,
        atMs: nowMs,
        tokens: isModel ? outcome.tokensIn + outcome.tokensOut : 0,
        usd: isModel ? outcome.usd : 0,
        evidence: facts.evidence.map((line) => ({ ...line })),
      };
      errors.settle(id, analysis, isModel || outcome.retryAfterMs === null ? null : nowMs + outcome.retryAfterMs);
      errors.head.author = analysis.author;
      errors.head.trouble = isModel ? null : outcome.reason;
    }
  }
}

function copyOf(summary: SummaryOutcome["summary"]): Analysis["summary"] {
  return {
    ...summary,
    causes: summary.causes.map((cause) => ({ ...cause, evidence: [...cause.evidence] })),
    nextSteps: [...summary.nextSteps],
  };
}

/** All of a notice that is worth telling at once. */
function keyOf({ state, severity, title, summary, causes, author, thread, facts }: Notice): string {
  const marks = facts.filter(({ label }) => label === "Acknowledged" || label === "Silenced");
  return JSON.stringify([state, severity, title, summary, causes, author, thread, marks]);
}

/** A batch in pieces, each with the positions that are reached behind it. */
function* slicesOf(batch: ErrorBatch): Generator<ErrorBatch> {
  const { records } = batch;
  for (let at = 0; at < records.length || at === 0; at += ERRORS_AT_ONCE) {
    const some = records.slice(at, at + ERRORS_AT_ONCE);
    const isLast = at + ERRORS_AT_ONCE >= records.length;
    yield {
      ...batch,
      records: some,
      positions: isLast ? batch.positions : positionsBehind(some),
      read: isLast ? batch.read : 0,
    };
  }
}

function positionsBehind(records: readonly ErrorRecord[]): ReadonlyMap<number, number> {
  const positions = new Map<number, number>();
  for (const { partition, offset } of records) {
    positions.set(partition, Math.max(positions.get(partition) ?? 0, offset + 1));
  }
  return positions;
}
