/** The main thread's side of the archive: commits of ranges, hours to merge, what is too old, and figures. */
import type { Archive } from "../../core/archive/archive.ts";
import { type ArchivedRange, type ChainOwner, Chains, type ChainState } from "../../core/archive/chain.ts";
import { raiseFloor } from "../../core/archive/floor.ts";
import { ARCHIVED_TABLES, type Segment, segmentsIn, topicFolder, unitOf } from "../../core/archive/keys.ts";
import { type ArchivedHour, sweep } from "../../core/archive/listing.ts";
import { mergeHour } from "../../core/archive/merger.ts";
import type { Config } from "../../core/config/schema.ts";
import { messageOf } from "../../core/errors.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import type { Store } from "../../core/store/ports.ts";
import { FinalHours } from "./final_hours.ts";

/** Waits between tries of one commit, before its records are read again from the log. */
const RETRIES_MS = [500, 2_000, 5_000];
const TICK_MS = 15_000;
const RETENTION_MS = 3_600_000;
/** Days, the newest that there are, that are looked through for unmerged hours, and for files that are in others, too. */
const DAYS_SEARCHED = 7;

export interface ArchiverParts {
  readonly config: Config;
  readonly archive: Archive;
  readonly log: Pick<PartitionedLog, "ends">;
  readonly store: Pick<Store, "get" | "compareAndSet" | "partitions" | "unitVersions" | "export">;
  /** Topics that are this engine's to look after. */
  readonly topics: () => readonly Topic[];
  readonly onNotice: (message: string) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** For copies of files that are merged. */
  readonly directory: string;
}

export interface ArchiveFigures {
  readonly segments: number;
  readonly bytes: number;
  readonly merged: number;
  readonly deleted: number;
  readonly finalHours: number;
  readonly failures: number;
}

/** An hour with more than one segment, and when it got the last. */
interface Unmerged {
  readonly hour: ArchivedHour;
  lastPutMs: number;
  segments: number;
}

export class Archiver {
  readonly #parts: ArchiverParts;
  readonly #chains: Chains;
  readonly #finalHours: FinalHours;
  readonly #unmerged = new Map<string, Unmerged>();
  /** Partitions whose earlier hours were looked through. */
  readonly #searched = new Set<string>();
  readonly #figures = { segments: 0, bytes: 0, merged: 0, deleted: 0, finalHours: 0, failures: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #isStopped = false;
  #isHurried = false;
  #retainAtMs = 0;
  #lastError = "";
  #lastCause = "";

  constructor(parts: ArchiverParts) {
    this.#parts = parts;
    this.#chains = new Chains(parts.archive, parts.store);
    this.#finalHours = new FinalHours({ ...parts, now: () => performance.now() });
  }

  get figures(): ArchiveFigures {
    return this.#figures;
  }

  readChain(owner: ChainOwner): Promise<ChainState> {
    return this.#chains.read(owner);
  }

  passArchive(owner: ChainOwner, from: number, to: number): Promise<boolean> {
    return this.#chains.pass(owner, from, to);
  }

  /** Tries for some seconds; then the records are the log's again. */
  async commitArchive(range: ArchivedRange, lastRecordMs: number): Promise<boolean> {
    const { config, store } = this.#parts;
    for (let tries = 0;; tries++) {
      try {
        // What no event store keeps is to be looked for here: said first, or a crash in between would hide it.
        if (config.engine.events === "archive") await raiseFloor(store, "events", range.topicId, lastRecordMs + 1);
        const committed = await this.#chains.commit(range);
        if (committed === null) return false;
        for (const segment of committed.segments) this.#count(segment);
        this.#lastCause = "";
        return true;
      } catch (error) {
        this.#figures.failures++;
        this.#tell(error);
        if (tries === RETRIES_MS.length || this.#isHurried) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRIES_MS[tries]));
      }
    }
  }

  /** Once for all partitions and tries that fail for the same cause. */
  #tell(error: unknown): void {
    const cause = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
    if (cause === this.#lastCause) return;
    this.#lastCause = cause;
    this.#parts.onNotice(`error: archive: ${messageOf(error)}; this is tried again, and nothing is lost meanwhile`);
  }

  #count(segment: Segment): void {
    this.#figures.segments++;
    this.#figures.bytes += segment.bytes;
    this.#remember(segment, 1, this.#parts.now());
  }

  #remember(segment: Segment, segments: number, lastPutMs: number): void {
    const key = `${segment.topicId}/${unitOf(segment)}`;
    const known = this.#unmerged.get(key);
    if (known === undefined) {
      const { table, topic, topicId, partition, bucket } = segment;
      this.#unmerged.set(key, { hour: { table, topic, topicId, partition, bucket }, lastPutMs, segments });
    } else {
      known.lastPutMs = Math.max(known.lastPutMs, lastPutMs);
      known.segments += segments;
    }
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await (this.#ticking = this.tick());
      if (!this.#isStopped) this.start();
    }, TICK_MS);
  }

  /** From now on a commit is tried once: what fails is archived after the next start. */
  hurry(): void {
    this.#isHurried = true;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#ticking;
  }

  /** Merges and deletes what is due. A failure is told once, and tried again by the next call. */
  async tick(): Promise<void> {
    try {
      await this.#mergeDue();
      for (const topic of this.#parts.topics()) {
        this.#figures.finalHours += await this.#finalHours.archive(topic, () => this.#isStopped);
      }
      if (this.#parts.now() >= this.#retainAtMs) {
        for (const { name, id } of this.#parts.topics()) await sweep(this.#parts.archive, name, id, DAYS_SEARCHED);
        await this.#retain();
        this.#retainAtMs = this.#parts.now() + RETENTION_MS;
      }
      this.#lastError = "";
    } catch (error) {
      const text = messageOf(error);
      if (text !== this.#lastError) this.#parts.onNotice(`error: upkeep of the archive: ${text}; this is tried again`);
      this.#lastError = text;
      this.#figures.failures++;
    }
  }

  async #mergeDue(): Promise<void> {
    const { archive, config, directory, now } = this.#parts;
    await this.#searchNew();
    for (const [key, unmerged] of this.#unmerged) {
      if (this.#isStopped) return;
      const { hour, lastPutMs } = unmerged;
      if (lastPutMs + config.archive.mergeAfterSeconds * 1000 > now()) continue;
      if (unmerged.segments > 1) {
        const chain = await this.#chains.read({ ...hour, topicName: hour.topic });
        this.#figures.merged += await mergeHour(archive, hour, chain.from, directory);
      }
      // A segment that came meanwhile begins another wait.
      if (unmerged.lastPutMs === lastPutMs) this.#unmerged.delete(key);
    }
  }

  /** Finds what an earlier engine left unmerged of the partitions that have got segments since. */
  async #searchNew(): Promise<void> {
    const { archive } = this.#parts;
    const fresh = [...this.#unmerged.values()].map(({ hour }) => hour)
      .filter(({ topicId, partition }) => !this.#searched.has(`${topicId}/${partition}`));
    const topics = Map.groupBy(fresh, ({ topicId }) => topicId);
    for (const [topicId, hours] of topics) {
      const partitions = new Set(hours.map(({ partition }) => partition));
      for (const table of ARCHIVED_TABLES) {
        const folder = topicFolder(table, hours[0].topic);
        const days = (await archive.folders(folder)).sort().slice(-DAYS_SEARCHED);
        for (const day of days) {
          const segments = (await segmentsIn(archive.list(`${folder}${day}/`), topicId))
            .filter(({ partition }) => partitions.has(partition));
          for (const of of Map.groupBy(segments, unitOf).values()) {
            if (of.length > 1) this.#remember(of[0], of.length, Math.max(...of.map(({ modifiedMs }) => modifiedMs)));
          }
        }
      }
      for (const partition of partitions) this.#searched.add(`${topicId}/${partition}`);
    }
  }

  /** Deletes hours whose last file was written long enough ago. */
  async #retain(): Promise<void> {
    const { archive, config, now, topics } = this.#parts;
    const { retentionDays } = config.archive;
    if (retentionDays === 0) return;
    const beforeMs = now() - retentionDays * 86_400_000;
    for (const { name, id } of topics()) {
      for (const table of ARCHIVED_TABLES) {
        const segments = await segmentsIn(archive.list(topicFolder(table, name)), id);
        for (const hour of Map.groupBy(segments, ({ bucket }) => bucket).values()) {
          if (this.#isStopped) return;
          if (hour.some(({ modifiedMs }) => modifiedMs >= beforeMs)) continue;
          await archive.remove(hour.map(({ key }) => key));
          this.#figures.deleted += hour.length;
        }
      }
      for await (const { key, modifiedMs } of archive.list(topicFolder("minutes", name))) {
        if (modifiedMs >= beforeMs) continue;
        await archive.remove([key]);
        this.#figures.deleted++;
      }
    }
  }
}
