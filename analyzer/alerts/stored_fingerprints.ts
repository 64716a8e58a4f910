/** Patterns of errors for alerts, as the analyzer keeps them beside a topic. */
import { errorsCollection, type FingerprintDocument, fingerprintDocument } from "../../core/incidents/documents.ts";
import type { Documents } from "../../core/store/ports.ts";
import { MINUTE_MS } from "./durations.ts";
import type { AlertTopic, FingerprintMinutes, FingerprintReader, Fingerprints } from "./ports.ts";

/** Beginning of the keys of fingerprints. */
const PREFIX = "fingerprint/";

export class StoredFingerprints implements FingerprintReader {
  readonly #documents: Pick<Documents, "readDocuments" | "documentsVersion">;
  /** As read at a version of the collection: unchanged, it is not read again. */
  readonly #known = new Map<string, { readonly version: number; readonly patterns: readonly FingerprintMinutes[] }>();

  constructor(documents: Pick<Documents, "readDocuments" | "documentsVersion">) {
    this.#documents = documents;
  }

  /** Those that were merged into others are left out: their occurrences count there. */
  async fingerprints({ id }: AlertTopic, from: number, to: number): Promise<Fingerprints> {
    const version = await this.#documents.documentsVersion(errorsCollection(id));
    let known = this.#known.get(id);
    if (known?.version !== version) this.#known.set(id, known = await this.#read(id));
    const patterns = known.patterns.flatMap((pattern): FingerprintMinutes[] => {
      const points = pattern.points.filter(([minute]) => minute >= from && minute < to);
      return points.length === 0 ? [] : [{ ...pattern, points }];
    });
    // Nothing says when the first was looked for: the first that was met stands for it.
    const watchedSince = Math.min(to, ...known.patterns.map(({ firstSeen }) => firstSeen));
    return { watchedSince, patterns };
  }

  async #read(topicId: string) {
    const { version, entries } = await this.#documents.readDocuments(errorsCollection(topicId));
    const patterns: FingerprintMinutes[] = [];
    for (const [key, text] of entries) {
      if (!key.startsWith(PREFIX)) continue;
      const parsed = fingerprintDocument.safeParse(JSON.parse(text));
      if (!parsed.success || parsed.data.mergedInto !== null) continue;
      const { id, template, service, level, firstMs } = parsed.data;
      const labels = { ...(service === "" ? {} : { service }), level };
      patterns.push({
        id,
        template,
        labels,
        firstSeen: Math.floor(firstMs / MINUTE_MS),
        points: pointsOf(parsed.data),
      });
    }
    return { version, patterns };
  }
}

/** Minutes are kept for two hours; what an hour has beyond them counts at its beginning: rules compare with longer. */
function pointsOf({ minutes, hours }: Pick<FingerprintDocument, "minutes" | "hours">): [number, number][] {
  const older = hours.flatMap(([hour, count]): [number, number][] => {
    const first = hour * 60;
    const known = minutes.reduce((sum, [at, own]) => at >= first && at < first + 60 ? sum + own : sum, 0);
    return count > known ? [[first, count - known]] : [];
  });
  return [...older, ...minutes];
}
