/**
 * The fingerprints of a topic's errors: which one an error is of, how often each occurred, and what people decided about
 * them. Pure: the same errors and decisions give the same fingerprints.
 */
import { createHash } from "node:crypto";
import { ALGORITHM_VERSION, type FingerprintDocument, rootIn } from "../../core/incidents/documents.ts";
import { Decisions } from "../../core/incidents/decisions.ts";
import type { ErrorRecord } from "./error_record.ts";
import { addExemplar } from "./exemplars.ts";
import { addCounts, countOccurrence, countValue } from "../../core/incidents/counts.ts";
import type { Redactor } from "./redactor.ts";
import { type Template, TemplateTree } from "./template_tree.ts";

/** Messages whose fingerprint is known by heart: those of a storm are the same ones again and again. */
const MESSAGES_KNOWN = 5_000;
const VALUES_KNOWN = 5_000;
/** Ways of writing its templates that a tree knows by heart: there is one for each service and level. */
const FORMS_MAX = 5_000;
const EXEMPLAR_CHARS_MAX = 700;
const VALUE_CHARS_MAX = 120;

export interface BookLimits {
  /** Fingerprints of the topic; beyond that those met longest ago are forgotten. */
  readonly fingerprintsMax: number;
}

interface Branch {
  readonly tree: TemplateTree;
  /** Fingerprints by the tree's numbers. */
  readonly ids: Map<number, string>;
}

export class FingerprintBook {
  readonly #redactor: Redactor;
  readonly #limits: BookLimits;
  readonly #branches = new Map<string, Branch>();
  readonly #fingerprints = new Map<string, FingerprintDocument>();
  readonly #known = new Map<string, string>();
  readonly #redactedValues = new Map<string, string>();
  /** The last error of each fingerprint since its exemplars were last looked at: a storm redacts only one. */
  readonly #latest = new Map<string, ErrorRecord>();
  readonly #dirty = new Set<string>();
  readonly #forgotten = new Set<string>();
  #decisions = new Decisions();

  constructor(redactor: Redactor, limits: BookLimits) {
    this.#redactor = redactor;
    this.#limits = limits;
  }

  /** Takes up fingerprints as they were kept. */
  restore(documents: readonly FingerprintDocument[]): void {
    for (const each of [...documents].sort((a, b) => a.metMs - b.metMs || (a.id < b.id ? -1 : 1))) {
      this.#fingerprints.set(each.id, each);
      if (each.tokens.length === 0 || each.algorithm !== ALGORITHM_VERSION) continue;
      const branch = this.#branchOf(each.service, each.level);
      const spaced = [...each.spaced].map((mark) => mark === "1");
      branch.ids.set(branch.tree.restore({ tokens: each.tokens, spaced, count: each.count }).id, each.id);
    }
  }

  #branchOf(service: string, level: string): Branch {
    const key = `${service}\n${level}`;
    let branch = this.#branches.get(key);
    if (branch === undefined) {
      this.#branches.set(
        key,
        branch = { tree: new TemplateTree({ templatesMax: Infinity, formsMax: FORMS_MAX }), ids: new Map() },
      );
    }
    return branch;
  }

  get size(): number {
    return this.#fingerprints.size;
  }

  find(id: string): FingerprintDocument | undefined {
    return this.#fingerprints.get(id);
  }

  get all(): Iterable<FingerprintDocument> {
    return this.#fingerprints.values();
  }

  /** Where occurrences of a fingerprint count now. */
  rootOf(id: string): FingerprintDocument | undefined {
    return rootIn(this.#fingerprints, id);
  }

  /** Marks a fingerprint as changed by others. */
  touch(id: string): void {
    this.#dirty.add(id);
  }

  /** Judges an error, and counts it; answers its fingerprint. `nowMs` is when it was read. */
  add(error: ErrorRecord, nowMs: number): FingerprintDocument {
    const fingerprint = this.#fingerprintOf(error, nowMs);
    fingerprint.count++;
    fingerprint.firstMs = Math.min(fingerprint.firstMs, error.ms);
    fingerprint.lastMs = Math.max(fingerprint.lastMs, error.ms);
    countOccurrence(fingerprint, error.ms);
    for (const [field, value] of Object.entries(error.values)) {
      if (value !== "" && value.length <= VALUE_CHARS_MAX) countValue(fingerprint.values, field, this.#redacted(value));
    }
    this.#latest.set(fingerprint.id, error);
    this.#dirty.add(fingerprint.id);
    return fingerprint;
  }

  /** Most values are those of the errors before. */
  #redacted(value: string): string {
    let redacted = this.#redactedValues.get(value);
    if (redacted === undefined) {
      if (this.#redactedValues.size >= VALUES_KNOWN) this.#redactedValues.clear();
      this.#redactedValues.set(value, redacted = this.#redactor.redact(value));
    }
    return redacted;
  }

  #fingerprintOf(error: ErrorRecord, nowMs: number): FingerprintDocument {
    const { service, level, message } = error;
    const key = `${service}\n${level}\n${error.template ?? message}`;
    const known = this.#known.get(key);
    const found = known === undefined ? undefined : this.rootOf(known);
    if (found !== undefined) return found;
    const id = error.template === null ? this.#judge(error, nowMs) : this.#named(error, error.template, nowMs);
    if (this.#known.size >= MESSAGES_KNOWN) this.#known.clear();
    this.#known.set(key, id);
    // It was just made, or found: only people's merges may lead elsewhere.
    return this.rootOf(id) ?? this.#make(id, error, null, nowMs);
  }

  #judge(error: ErrorRecord, nowMs: number): string {
    const { service, level } = error;
    const message = this.#redactor.redact(error.message);
    const { tree, ids } = this.#branchOf(service, level);
    const { template, merges } = tree.add(message);
    for (const { from, into } of merges) {
      const [younger, older] = [ids.get(from), ids.get(into)];
      ids.delete(from);
      if (younger === undefined) continue;
      if (older === undefined) ids.set(into, younger);
      else if (older !== younger) {
        // What a person has decided about holds on to what it is decided about.
        const isKept = this.#decisions.concern(younger) && !this.#decisions.concern(older);
        if (isKept) ids.set(into, younger);
        this.#fold(isKept ? older : younger, isKept ? younger : older);
      }
    }
    let id = ids.get(template.id);
    if (id === undefined) {
      id = idOf(service, level, template.text);
      ids.set(template.id, id);
    }
    const fingerprint = this.#fingerprints.get(id) ?? this.#make(id, error, template, nowMs);
    if (fingerprint.template !== template.text) this.#describe(fingerprint, template);
    return this.#apart(fingerprint, message, error, nowMs);
  }

  /** Of an error whose fields say what it is. */
  #named(error: ErrorRecord, template: string, nowMs: number): string {
    const id = idOf(error.service, error.level, "request", template);
    if (!this.#fingerprints.has(id)) this.#make(id, error, null, nowMs).template = this.#redactor.redact(template);
    return id;
  }

  #describe(fingerprint: FingerprintDocument, template: Template): void {
    fingerprint.template = template.text;
    fingerprint.tokens = [...template.tokens];
    fingerprint.spaced = template.spaced.map((isSpaced) => isSpaced ? "1" : "0").join("");
    this.#dirty.add(fingerprint.id);
  }

  #make(id: string, error: ErrorRecord, template: Template | null, nowMs: number): FingerprintDocument {
    this.#makeRoom();
    const made: FingerprintDocument = {
      id,
      algorithm: ALGORITHM_VERSION,
      service: error.service,
      level: error.level,
      template: template?.text ?? "",
      tokens: [],
      spaced: "",
      splitFrom: null,
      mergedInto: null,
      isMergedByPerson: false,
      count: 0,
      firstMs: error.ms,
      lastMs: error.ms,
      metMs: nowMs,
      minutes: [],
      hours: [],
      exemplars: [],
      values: {},
      incident: null,
      wanted: null,
      analysis: null,
      asked: 0,
    };
    if (template !== null) this.#describe(made, template);
    this.#fingerprints.set(id, made);
    this.#forgotten.delete(id);
    this.#dirty.add(id);
    const into = this.#decisions.mergedInto(id);
    if (into !== id && this.#fingerprints.has(into)) this.#fold(id, into, true);
    return made;
  }

  /** The part of a fingerprint that a person has told apart by a text. */
  #apart(whole: FingerprintDocument, message: string, error: ErrorRecord, nowMs: number): string {
    for (const contains of this.#decisions.splitsOf(whole.id)) {
      if (!message.includes(contains)) continue;
      const id = idOf(whole.id, "split", contains);
      const part = this.#fingerprints.get(id) ?? this.#make(id, error, null, nowMs);
      part.splitFrom = { id: whole.id, contains };
      part.template = `${whole.template} [${contains}]`;
      return id;
    }
    return whole.id;
  }

  /** What occurred as the one counts as the other from now on, and so does what has occurred. */
  #fold(fromId: string, intoId: string, isByPerson = false): void {
    const from = this.#fingerprints.get(fromId);
    const into = this.rootOf(intoId);
    if (from === undefined || into === undefined || from === into || from.mergedInto !== null) return;
    from.mergedInto = into.id;
    from.isMergedByPerson = isByPerson;
    into.count += from.count;
    into.firstMs = Math.min(into.firstMs, from.firstMs);
    into.lastMs = Math.max(into.lastMs, from.lastMs);
    into.metMs = Math.min(into.metMs, from.metMs);
    addCounts(into, from);
    for (const line of from.exemplars) addExemplar(into.exemplars, line);
    for (const [field, counts] of Object.entries(from.values)) {
      for (const [value, count] of counts) countValue(into.values, field, value, count);
    }
    into.incident ??= from.incident;
    into.wanted ??= into.analysis === null ? from.wanted : null;
    into.analysis ??= from.analysis;
    into.asked += from.asked;
    const latest = this.#latest.get(fromId);
    if (latest !== undefined && !this.#latest.has(into.id)) this.#latest.set(into.id, latest);
    Object.assign(from, { exemplars: [], minutes: [], hours: [], values: {}, wanted: null, analysis: null });
    this.#latest.delete(fromId);
    this.#dirty.add(fromId).add(into.id);
  }

  /**
   * What people decide holds for what was counted before, too, but for splits. A merge that was taken back: the fingerprint
   * counts by itself from then on, and what was counted stays where it is.
   */
  decide(decisions: Decisions): void {
    this.#decisions = decisions;
    this.#known.clear();
    for (const fingerprint of [...this.#fingerprints.values()]) {
      const { id } = fingerprint;
      const into = decisions.mergedInto(id);
      if (fingerprint.isMergedByPerson && fingerprint.mergedInto !== into) {
        fingerprint.mergedInto = null;
        fingerprint.isMergedByPerson = false;
        this.#dirty.add(id);
      }
      if (into !== id && fingerprint.mergedInto === null && this.#fingerprints.has(into)) this.#fold(id, into, true);
    }
  }

  /** Looks at the last errors of those fingerprints that had any: lines that differ are kept, redacted. */
  takeExemplars(): void {
    for (const [id, { ms, partition, offset, raw }] of this.#latest) {
      const fingerprint = this.rootOf(id);
      if (fingerprint === undefined) continue;
      const text = this.#redactor.redact(raw).slice(0, EXEMPLAR_CHARS_MAX);
      if (addExemplar(fingerprint.exemplars, { text, ms, partition, offset })) this.#dirty.add(fingerprint.id);
    }
    this.#latest.clear();
  }

  /**
   * Forgets a tenth of those met longest ago, where there is no room for more: their incidents are over. Last come those that
   * people have decided about: a decision names its fingerprint, which another of the same messages need not be.
   */
  #makeRoom(): void {
    if (this.#fingerprints.size < this.#limits.fingerprintsMax) return;
    const isDecided = ({ id }: FingerprintDocument) => Number(this.#decisions.concern(id));
    const candidates = [...this.#fingerprints.values()]
      .sort((a, b) => isDecided(a) - isDecided(b) || a.lastMs - b.lastMs);
    for (const each of candidates.slice(0, Math.ceil(this.#limits.fingerprintsMax / 10))) this.#forget(each);
    this.#known.clear();
  }

  #forget({ id, service, level }: FingerprintDocument): void {
    this.#fingerprints.delete(id);
    this.#latest.delete(id);
    this.#dirty.delete(id);
    this.#forgotten.add(id);
    const key = `${service}\n${level}`;
    const branch = this.#branches.get(key);
    for (const [number, of] of branch?.ids ?? []) {
      if (of !== id) continue;
      branch?.ids.delete(number);
      branch?.tree.forget(number);
    }
    if (branch?.ids.size === 0) this.#branches.delete(key);
  }

  /** What has changed since the last call, and what was forgotten. */
  takeChanges(): { readonly changed: readonly FingerprintDocument[]; readonly forgotten: readonly string[] } {
    const changed = [...this.#dirty].flatMap((id) => this.#fingerprints.get(id) ?? []);
    const forgotten = [...this.#forgotten];
    this.#dirty.clear();
    this.#forgotten.clear();
    return { changed, forgotten };
  }

  get changes(): number {
    return this.#dirty.size;
  }
}

/** Follows from what it is made of, and the version of the algorithm. */
function idOf(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify([ALGORITHM_VERSION, ...parts])).digest("hex").slice(0, 16);
}
