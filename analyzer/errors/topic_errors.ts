/**
 * All that is known of a topic's errors, in memory, and what of it has to be kept: fingerprints, incidents, how far the log
 * was read. Pure: what it is told and when gives the same documents.
 */
import { Decisions } from "../../core/incidents/decisions.ts";
import {
  ALGORITHM_VERSION,
  type Analysis,
  fingerprintKey,
  HEAD_KEY,
  type HeadDocument,
  type IncidentDocument,
  incidentKey,
  readErrors,
} from "../../core/incidents/documents.ts";
import type { DocumentPut } from "../../core/store/ports.ts";
import type { ErrorBatch } from "./error_record.ts";
import { FingerprintBook } from "./fingerprint_book.ts";
import { IncidentDesk, type IncidentRules } from "./incident_desk.ts";
import type { Redactor } from "./redactor.ts";

export interface TopicErrorsOptions {
  readonly redactor: Redactor;
  readonly rules: IncidentRules;
  readonly fingerprintsMax: number;
}

const NEW_HEAD: HeadDocument = {
  algorithm: ALGORITHM_VERSION,
  positions: {},
  records: 0,
  errors: 0,
  committedMs: 0,
  author: "",
  trouble: null,
  asked: 0,
  tokens: 0,
  usd: 0,
};

export class TopicErrors {
  readonly book: FingerprintBook;
  readonly desk: IncidentDesk;
  readonly head: HeadDocument;
  decisions = new Decisions();

  /** @param entries The documents of the collection; those of errors that cannot be read are left aside. Throws NEWER_DATA. */
  constructor(entries: ReadonlyMap<string, string>, options: TopicErrorsOptions) {
    this.book = new FingerprintBook(options.redactor, options);
    this.desk = new IncidentDesk(this.book, options.rules);
    const { head, fingerprints, incidents } = readErrors(entries);
    this.head = { ...NEW_HEAD, ...head, positions: { ...head?.positions } };
    this.book.restore(fingerprints);
    this.desk.restore(incidents);
  }

  /** The offset below which every record of a partition was read. */
  positionOf(partition: number): number {
    return this.head.positions[String(partition)] ?? 0;
  }

  decide(decisions: Decisions): void {
    this.decisions = decisions;
    this.book.decide(decisions);
    for (const { id } of this.desk.all) this.desk.touch(id);
  }

  /** Counts the errors of a batch. */
  apply({ records, positions, read }: ErrorBatch, nowMs: number): void {
    for (const error of records) {
      if (error.offset < this.positionOf(error.partition)) continue; // read before this process had the partition
      this.desk.occurred(this.book.add(error, nowMs));
      this.head.errors++;
      this.head.positions[String(error.partition)] = error.offset + 1; // a partition is read in its order
    }
    for (const [partition, offset] of positions) {
      this.head.positions[String(partition)] = Math.max(this.positionOf(partition), offset);
    }
    this.head.records += read;
  }

  /** What a summary came to; the wish for it is settled, or put off. */
  settle(id: string, analysis: Analysis, retryAtMs: number | null): void {
    const fingerprint = this.book.rootOf(id);
    if (fingerprint === undefined) return;
    // The facts alone never take the place of what a model wrote.
    if (analysis.isModel || !fingerprint.analysis?.isModel) fingerprint.analysis = analysis;
    if (analysis.isModel) {
      fingerprint.asked++;
      this.head.asked++;
      this.head.tokens += analysis.tokens;
      this.head.usd += analysis.usd;
    }
    fingerprint.wanted = retryAtMs === null || fingerprint.wanted === null
      ? null
      : { ...fingerprint.wanted, notBeforeMs: retryAtMs };
    this.book.touch(fingerprint.id);
    if (fingerprint.incident !== null) this.desk.touch(fingerprint.incident);
  }

  /**
   * What has changed since the last call, as puts of one commit, and the incidents among it. Incidents of fingerprints that
   * have changed count as changed for those who tell people.
   */
  takeChanges(
    nowMs: number,
  ): { readonly puts: readonly DocumentPut[]; readonly incidents: readonly IncidentDocument[] } {
    this.book.takeExemplars();
    const fingerprints = this.book.takeChanges();
    const incidents = this.desk.takeChanges();
    this.head.committedMs = nowMs;
    const puts: DocumentPut[] = [
      ...fingerprints.forgotten.map((id): DocumentPut => [fingerprintKey(id), null]),
      ...incidents.forgotten.map((id): DocumentPut => [incidentKey(id), null]),
      ...fingerprints.changed.map((each): DocumentPut => [fingerprintKey(each.id), JSON.stringify(each)]),
      ...incidents.changed.map((each): DocumentPut => [incidentKey(each.id), JSON.stringify(each)]),
      [HEAD_KEY, JSON.stringify(this.head)],
    ];
    const told = new Set(incidents.changed);
    for (const { incident } of fingerprints.changed) {
      const of = incident === null ? undefined : this.desk.find(incident);
      if (of !== undefined) told.add(of);
    }
    return { puts, incidents: [...told] };
  }
}
