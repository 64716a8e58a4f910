/** What is known of a fingerprint for certain, as a summary is asked for it. Pure. */
import type { FingerprintDocument, IncidentDocument, Reason } from "../../core/incidents/documents.ts";
import type { Evidence } from "../notify/notice.ts";
import type { ErrorFacts } from "../summaries/summary.ts";
import { ratePerMinute, usualPerMinute } from "../../core/incidents/counts.ts";
import { visible } from "../shown_text.ts";

const NEIGHBOURS_MAX = 5;
const VALUES_MAX = 3;
/** A value that was met less often says nothing. */
const OCCURRENCES_MIN = 2;

/** Lines as evidence, numbered from E1 in the order of their times. */
export function evidenceOf({ exemplars }: FingerprintDocument): Evidence[] {
  return [...exemplars].sort((a, b) => a.ms - b.ms || a.partition - b.partition || a.offset - b.offset)
    .map(({ text }, at) => ({ id: `E${at + 1}`, text: visible(text) }));
}

/** "endpoint /pay: 120 of 130", the most frequent values of each field that has several occurrences behind it. */
export function parametersOf({ values, count }: FingerprintDocument): string[] {
  return Object.entries(values).flatMap(([field, counts]) =>
    [...counts].filter(([, of]) => of >= OCCURRENCES_MIN).sort((a, b) => b[1] - a[1]).slice(0, VALUES_MAX).map((
      [value, of],
    ) => `${field} ${visible(value)}: ${of} of ${count}`)
  );
}

export function factsOf(
  fingerprint: FingerprintDocument,
  { topic, reason, nowMs, neighbours }: {
    readonly topic: string;
    readonly reason: Reason;
    readonly nowMs: number;
    /** Other fingerprints of the service. */
    readonly neighbours: readonly FingerprintDocument[];
  },
): ErrorFacts {
  return {
    fingerprint: fingerprint.id,
    topic,
    service: visible(fingerprint.service),
    level: fingerprint.level,
    template: visible(fingerprint.template),
    reason,
    count: fingerprint.count,
    firstMs: fingerprint.firstMs,
    lastMs: fingerprint.lastMs,
    ratePerMinute: ratePerMinute(fingerprint, nowMs),
    usualPerMinute: usualPerMinute(fingerprint, nowMs),
    evidence: evidenceOf(fingerprint),
    neighbours: [...neighbours].sort((a, b) => b.lastMs - a.lastMs).slice(0, NEIGHBOURS_MAX)
      .map(({ template, level, count }) => ({ template: visible(template), level, count })),
    parameters: parametersOf(fingerprint),
  };
}

/** The members of an incident, those that were merged as one. */
export function membersOf(
  incident: IncidentDocument,
  rootOf: (id: string) => FingerprintDocument | undefined,
): FingerprintDocument[] {
  return [...new Set(incident.members.flatMap(({ fingerprint }) => rootOf(fingerprint) ?? []))];
}
