/** What the analyzer keeps of a topic's errors, read once a version. */
import { Decisions, readDecisions } from "../../core/incidents/decisions.ts";
import {
  errorsCollection,
  type FingerprintDocument,
  type HeadDocument,
  type IncidentDocument,
  readErrors,
  rootIn,
} from "../../core/incidents/documents.ts";
import type { Documents } from "../../core/store/ports.ts";

export interface KnownErrors {
  readonly version: number;
  /** Null where no analyzer has read the topic yet. */
  readonly head: HeadDocument | null;
  readonly fingerprints: ReadonlyMap<string, FingerprintDocument>;
  readonly incidents: ReadonlyMap<string, IncidentDocument>;
  readonly decisions: Decisions;
  /** Where a fingerprint's occurrences count. */
  rootOf(id: string): FingerprintDocument | undefined;
  /** Those whose occurrences count as another's. */
  mergedInto(id: string): readonly FingerprintDocument[];
}

/** Topics whose errors are kept in memory. */
const TOPICS_KEPT = 8;

export class ErrorCatalog {
  readonly #documents: Documents;
  readonly #known = new Map<string, KnownErrors>();

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  async read(topicId: string): Promise<KnownErrors> {
    const collection = errorsCollection(topicId);
    const { decisions: taken } = await readDecisions(this.#documents, topicId);
    const decisions = new Decisions(taken);
    const known = this.#known.get(topicId);
    if (known !== undefined && await this.#documents.documentsVersion(collection) === known.version) {
      return { ...known, decisions };
    }
    const { version, entries } = await this.#documents.readDocuments(collection);
    const read = { ...parse(entries), version, decisions };
    if (this.#known.size >= TOPICS_KEPT) this.#known.clear();
    this.#known.set(topicId, read);
    return read;
  }
}

function parse(entries: ReadonlyMap<string, string>): Omit<KnownErrors, "version" | "decisions"> {
  const read = readErrors(entries);
  const fingerprints = new Map(read.fingerprints.map((each) => [each.id, each]));
  const incidents = new Map(read.incidents.map((each) => [each.id, each]));
  const rootOf = (id: string) => rootIn(fingerprints, id);
  const merged = new Map<string, FingerprintDocument[]>();
  for (const each of fingerprints.values()) {
    const root = each.mergedInto === null ? undefined : rootOf(each.id);
    if (root !== undefined) merged.set(root.id, [...merged.get(root.id) ?? [], each]);
  }
  return { head: read.head, fingerprints, incidents, rootOf, mergedInto: (id) => merged.get(id) ?? [] };
}
