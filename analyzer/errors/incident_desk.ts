/**
 * Incidents: which errors are worth telling people about, which of them belong together, and when it is over. Pure: time
 * comes from outside.
 */
import type { FingerprintDocument, IncidentDocument, Reason } from "../../core/incidents/documents.ts";
import type { FingerprintBook } from "./fingerprint_book.ts";
import { isSpike, minuteOf, occurrences, SPIKE_MINUTES, usualPerMinute } from "../../core/incidents/counts.ts";

export interface IncidentRules {
  /** What occurred within so long is happening now; older errors are history that was read late. */
  readonly liveMs: number;
  /** An incident without an occurrence for so long is over. */
  readonly quietMs: number;
  /** One that comes back after so long is a new one; sooner it is the same. */
  readonly regressedMs: number;
  /** Errors of a service that begin within so long of each other are one incident. */
  readonly groupMs: number;
  /** A summary older than this is written anew while its error goes on. */
  readonly staleMs: number;
  /** Incidents that may begin within ten minutes; further errors are gathered in one. */
  readonly incidentsMax: number;
  /** How long incidents that are over are kept. */
  readonly keptMs: number;
}

const STORM_WINDOW_MS = 600_000;
const MEMBERS_MAX = 50;
const LOG_MAX = 50;
/** A further spike within an incident is told once an hour. */
const SPIKE_REST_MS = 3_600_000;

export class IncidentDesk {
  readonly #book: FingerprintBook;
  readonly #rules: IncidentRules;
  readonly #incidents = new Map<string, IncidentDocument>();
  readonly #dirty = new Set<string>();
  readonly #forgotten = new Set<string>();
  /** Fingerprints that occurred since the last look. */
  readonly #touched = new Set<string>();

  constructor(book: FingerprintBook, rules: IncidentRules) {
    this.#book = book;
    this.#rules = rules;
  }

  /** Takes up incidents as they were kept. */
  restore(incidents: readonly IncidentDocument[]): void {
    for (const each of incidents) this.#incidents.set(each.id, each);
    // What occurred before the last look of the process before is looked at again.
    for (const { id, mergedInto } of this.#book.all) if (mergedInto === null) this.#touched.add(id);
  }

  get all(): Iterable<IncidentDocument> {
    return this.#incidents.values();
  }

  find(id: string): IncidentDocument | undefined {
    return this.#incidents.get(id);
  }

  get open(): number {
    let count = 0;
    for (const { state } of this.#incidents.values()) if (state === "open") count++;
    return count;
  }

  /** An error of the fingerprint was counted. */
  occurred(fingerprint: FingerprintDocument): void {
    this.#touched.add(fingerprint.id);
  }

  /** Looks at what occurred since the last call, and at what goes on. */
  look(nowMs: number): void {
    for (const id of this.#touched) {
      const fingerprint = this.#book.rootOf(id);
      if (fingerprint !== undefined) this.#consider(fingerprint, nowMs);
    }
    this.#touched.clear();
    for (const incident of this.#incidents.values()) {
      if (incident.state === "open") this.#watch(incident, nowMs);
      else if (nowMs - (incident.resolvedMs ?? incident.lastMs) > this.#rules.keptMs) this.#forget(incident);
    }
  }

  #consider(fingerprint: FingerprintDocument, nowMs: number): void {
    const incident = fingerprint.incident === null ? undefined : this.#incidents.get(fingerprint.incident);
    if (incident === undefined) {
      // Known for longer, its incident forgotten: as if it came back.
      const reason = fingerprint.incident === null ? "new" : "regressed";
      this.#open(fingerprint, reason, nowMs);
      return;
    }
    if (incident.state === "open") {
      if (fingerprint.lastMs > incident.lastMs) {
        incident.lastMs = fingerprint.lastMs;
        this.#dirty.add(incident.id);
      }
      return;
    }
    const endedMs = incident.resolvedMs ?? incident.lastMs;
    if (fingerprint.lastMs <= incident.lastMs) return; // late news of what is over
    if (fingerprint.lastMs - endedMs >= this.#rules.regressedMs) this.#open(fingerprint, "regressed", nowMs);
    else this.#reopen(incident, fingerprint, nowMs);
  }

  #open(fingerprint: FingerprintDocument, reason: Reason, nowMs: number): void {
    const joined = this.#incidentToJoin(fingerprint.service, nowMs);
    const incident = joined ?? this.#make(fingerprint, nowMs);
    incident.members.push({ fingerprint: fingerprint.id, reason, joinedMs: nowMs });
    incident.lastMs = Math.max(incident.lastMs, fingerprint.lastMs);
    if (joined !== null) {
      const kind = reason === "regressed" ? REGRESSED_NOTE : undefined;
      this.#note(incident, `${REASON_WORDS[reason]}: ${fingerprint.template}`, fingerprint.id, nowMs, kind);
    }
    fingerprint.incident = incident.id;
    this.#book.touch(fingerprint.id);
    this.#dirty.add(incident.id);
    if (this.#isLive(fingerprint, nowMs)) this.#want(fingerprint, reason, nowMs);
  }

  #isLive({ lastMs }: { readonly lastMs: number }, nowMs: number): boolean {
    return nowMs - lastMs <= this.#rules.liveMs;
  }

  /** An open one of the service that has just begun, or, in a storm, the one that gathers what comes on top. */
  #incidentToJoin(service: string, nowMs: number): IncidentDocument | null {
    let begun = 0;
    let storm: IncidentDocument | null = null;
    for (const incident of this.#incidents.values()) {
      if (incident.state !== "open" || incident.members.length >= MEMBERS_MAX) continue;
      const ageMs = nowMs - incident.createdMs;
      if (incident.service === service && ageMs <= this.#rules.groupMs) return incident;
      if (ageMs > STORM_WINDOW_MS) continue;
      begun++;
      if (incident.service === STORM) storm = incident;
    }
    return begun >= this.#rules.incidentsMax ? storm : null;
  }

  #make(fingerprint: FingerprintDocument, nowMs: number): IncidentDocument {
    const begun = [...this.#incidents.values()].filter(({ createdMs }) => nowMs - createdMs <= STORM_WINDOW_MS).length;
    const incident: IncidentDocument = {
      id: `${fingerprint.id}-${Math.floor(nowMs).toString(36)}`,
      service: begun >= this.#rules.incidentsMax ? STORM : fingerprint.service,
      state: "open",
      openedMs: fingerprint.count === 1 ? fingerprint.lastMs : Math.max(fingerprint.firstMs, firstRecent(fingerprint)),
      createdMs: nowMs,
      lastMs: fingerprint.lastMs,
      resolvedMs: null,
      members: [],
      isTold: false,
      isAnnounced: false,
      log: [],
    };
    this.#incidents.set(incident.id, incident);
    return incident;
  }

  #reopen(incident: IncidentDocument, fingerprint: FingerprintDocument, nowMs: number): void {
    incident.state = "open";
    incident.resolvedMs = null;
    incident.lastMs = fingerprint.lastMs;
    this.#note(incident, `it is back: ${fingerprint.template}`, fingerprint.id, nowMs);
  }

  #watch(incident: IncidentDocument, nowMs: number): void {
    const { quietMs, staleMs } = this.#rules;
    const members = incident.members.flatMap(({ fingerprint }) => this.#book.rootOf(fingerprint) ?? []);
    if (!incident.isTold && members.some((member) => this.#isLive(member, nowMs))) this.#tell(incident, members, nowMs);
    if (nowMs - incident.lastMs > quietMs) {
      incident.state = "resolved";
      incident.resolvedMs = incident.lastMs + quietMs;
      this.#dirty.add(incident.id);
      for (const member of members) {
        if (member.wanted === null) continue;
        member.wanted = null;
        this.#book.touch(member.id);
      }
      return;
    }
    for (const member of members) {
      if (!this.#isLive(member, nowMs)) continue;
      if (this.#hasNewSpike(incident, member, nowMs)) {
        const now = minuteOf(nowMs);
        const recent = occurrences(member.minutes, now - SPIKE_MINUTES + 1, now + 1);
        const usual = Math.round((usualPerMinute(member, nowMs) ?? 0) * SPIKE_MINUTES * 10) / 10;
        const text = `${recent} in ${SPIKE_MINUTES} minutes, where ${usual} are usual: ${member.template}`;
        this.#note(incident, text, member.id, nowMs, SPIKE_NOTE);
        this.#want(member, "spike", nowMs);
      } else if (member.analysis !== null && member.wanted === null && nowMs - member.analysis.atMs > staleMs) {
        this.#want(member, "stale", nowMs);
      }
    }
  }

  /** Its first hour is a rise by itself. */
  #hasNewSpike(incident: IncidentDocument, member: FingerprintDocument, nowMs: number): boolean {
    if (nowMs - incident.createdMs < SPIKE_REST_MS || !isSpike(member, nowMs)) return false;
    return !incident.log.some(({ id, atMs, fingerprint }) =>
      id.startsWith(SPIKE_NOTE) && fingerprint === member.id && nowMs - atMs < SPIKE_REST_MS
    );
  }

  #tell(incident: IncidentDocument, members: readonly FingerprintDocument[], nowMs: number): void {
    incident.isTold = true;
    this.#dirty.add(incident.id);
    for (const member of members) {
      const reason = incident.members.find(({ fingerprint }) => fingerprint === member.id)?.reason ?? "new";
      if (member.analysis === null) this.#want(member, reason, nowMs);
    }
  }

  #want(fingerprint: FingerprintDocument, reason: Reason, nowMs: number): void {
    if (fingerprint.wanted !== null) return;
    fingerprint.wanted = { reason, sinceMs: nowMs, notBeforeMs: nowMs };
    this.#book.touch(fingerprint.id);
  }

  #note(incident: IncidentDocument, text: string, fingerprint: string, nowMs: number, kind = "note"): void {
    incident.log.push({
      id: `${kind}-${incident.log.length}-${Math.floor(nowMs).toString(36)}`,
      atMs: nowMs,
      text,
      fingerprint,
    });
    if (incident.log.length > LOG_MAX) incident.log.shift();
    this.#dirty.add(incident.id);
  }

  #forget(incident: IncidentDocument): void {
    this.#incidents.delete(incident.id);
    this.#dirty.delete(incident.id);
    this.#forgotten.add(incident.id);
  }

  /** Marks an incident as changed by others. */
  touch(id: string): void {
    if (this.#incidents.has(id)) this.#dirty.add(id);
  }

  /** What has changed since the last call, and what was forgotten. */
  takeChanges(): { readonly changed: readonly IncidentDocument[]; readonly forgotten: readonly string[] } {
    const changed = [...this.#dirty].flatMap((id) => this.#incidents.get(id) ?? []);
    const forgotten = [...this.#forgotten];
    this.#dirty.clear();
    this.#forgotten.clear();
    return { changed, forgotten };
  }
}

/** The service of an incident that gathers errors of many. */
const STORM = "";
/** Beginnings of ids of notes. */
export const SPIKE_NOTE = "spike";
export const REGRESSED_NOTE = "regressed";

const REASON_WORDS: Readonly<Record<Reason, string>> = {
  new: "new as well",
  spike: "more than usual",
  regressed: "back after a rest",
  stale: "goes on",
};

/** Start of the latest run of minutes that had any, with rests of up to half an hour, epoch milliseconds. */
function firstRecent({ minutes, firstMs }: FingerprintDocument): number {
  if (minutes.length === 0) return firstMs;
  let at = minutes.length - 1;
  while (at > 0 && minutes[at][0] - minutes[at - 1][0] <= 30) at--;
  return minutes[at][0] * 60_000;
}
