/**
 * Minute cells that a store holds in memory, to answer from: what was asked for lately, up to so many bytes. Blocks have the cells
 * of a minute, or those of ten or sixty, or of many of these (hour_spans.ts), added up: a range is put together from the widest
 * that its steps allow. A block is held from its loading to the next change of its minutes, which the writer tells before it is
 * committed and when it has been; what is loaded in between is not held. So no answer is older than the last commit.
 */
import type { HeldCells, TimedBlock } from "./cell_answers.ts";
import { type CellBlock, CellNames, CellSums, EMPTY_BLOCK } from "./cell_blocks.ts";
import { HourSpans, SPAN } from "./hour_spans.ts";
import {
  type CellLoader,
  type CellRead,
  fewRuns,
  finerPlaces,
  HOUR,
  type MinuteRange,
  partsOf,
  type Place,
  placesOf,
  type Width,
  WIDTHS,
} from "./cell_places.ts";

/** Rows that a read loads at most: beyond, the database is faster than what has to cross from it. */
const LOAD_ROWS_MAX = 3_000_000;
/** The same of minutes that are loaded without counting first: with more, the texts of each row cost more than statements. */
const FEW_ROWS = 10_000;
/** What a row of a minute takes up, about. */
const ROW_BYTES = 90;
/** An hour without blocks. */
const HOUR_BYTES = 900;
/** Sets of dimensions beyond which a topic is forgotten: what they once were may be long gone. */
const NAMES_MAX = 100_000;
/** A load may find that what was held before has been given up: loads again, so often at most. */
const ATTEMPTS = 3;
/** Hours of a query beyond which none is looked at. */
const HOURS_MAX = 2_000;

/** Minutes that are about to change, of one topic. */
export interface CellChange {
  readonly topicId: string;
  /** All of the topic where absent. */
  readonly minutes?: Iterable<number>;
}

interface Hour {
  /** By width, then by place in the hour; undefined where it is not held. */
  readonly blocks: Readonly<Record<Width, (CellBlock | undefined)[]>>;
  /**
   * Whether it has changed since it was last read. Then its minutes are read once more: those of an hour that changes all the
   * time are mostly held, while wider blocks would have to be made anew each time.
   */
  hasChanged: boolean;
  bytes: number;
}

interface Topic {
  readonly id: string;
  /** Others once the topic has been forgotten: what was loaded before is not held. */
  names: CellNames;
  readonly hours: Map<number, Hour>;
  readonly spans: HourSpans;
  /** Minutes that are being committed: how many commits each is in. */
  readonly changing: Map<number, number>;
  /** When each minute changed last, while a load goes on. */
  readonly changedAt: Map<number, number>;
  loads: number;
  turn: Promise<unknown>;
}

interface Loaded {
  /** The numbers that the blocks' cells are of. */
  readonly names: CellNames;
  readonly blocks: ReadonlyMap<string, CellBlock>;
}

/** What a loader has answered of a range. */
interface LoadedRange extends MinuteRange {
  readonly width: Width;
  /** Null where there is nothing. */
  readonly blocks: ReadonlyMap<number, CellBlock> | null;
  /** By the clock of changes. */
  readonly startedAt: number;
}

const NO_BLOCKS: ReadonlyMap<string, CellBlock> = new Map();

const keyOf = ({ width, minute }: Place): string => `${width}/${minute}`;
/** Whether blocks may be answered from as one: no step begins within six hours. */
const isJoined = ({ stepMinutes, isByMinute }: CellRead): boolean => !isByMinute && (stepMinutes ?? SPAN) % SPAN === 0;
const isHeldBy = ({ hours }: Topic) => ({ minute, block }: TimedBlock, width: Width) =>
  hours.get(Math.floor(minute / HOUR))?.blocks[width][(minute % HOUR) / width] === block;
/** Stands for all minutes of a topic. */
const ALL = Infinity;

export class CellCache {
  readonly #bytesMax: number;
  readonly #loader: CellLoader;
  readonly #topics = new Map<string, Topic>();
  /** Hours in the order of their last use, over all topics. */
  readonly #used = new Map<Hour, { readonly topic: Topic; readonly hour: number }>();
  #bytes = 0;
  /** Commits under way that change all topics. */
  #changingAll = 0;
  /** Counts changes and loads. */
  #clock = 0;

  constructor(bytesMax: number, loader: CellLoader) {
    this.#bytesMax = bytesMax;
    this.#loader = loader;
  }

  /** Bytes that are held, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Answers from the cells of a range; null where there are too many of them, or they are of too many hours. */
  async read<T>(query: CellRead, answer: (cells: HeldCells) => T): Promise<T | null> {
    const { range } = query;
    if (this.#bytesMax === 0 || range.to - range.from > HOURS_MAX * HOUR) return null;
    const topic = this.#topicOf(query.topicId);
    const places = this.#plan(topic, query);
    let loaded: Loaded = { names: topic.names, blocks: new Map() };
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const blocks = this.#blocksOf(topic, places, loaded);
      if (blocks !== null) {
        const joined = isJoined(query)
          ? topic.spans.joined(places, blocks, query.stepMinutes ?? Infinity, isHeldBy(topic))
          : blocks;
        this.#giveUp();
        return answer({ names: topic.names, blocks: joined });
      }
      const before = loaded;
      // One at a time: whoever waited finds what the one before has loaded.
      const turn = topic.turn.then(async () => {
        // What is held now is as good as what is loaded, though it may be given up meanwhile.
        const known = { names: topic.names, blocks: new Map<string, CellBlock>() };
        const missing = places.filter((place) => {
          const block = this.#heldAt(topic, place, before);
          if (block !== undefined) known.blocks.set(keyOf(place), block);
          return block === undefined;
        });
        return missing.length === 0 ? known : await this.#load(topic, missing, known);
      });
      topic.turn = turn.catch(() => {});
      const now = await turn;
      if (now === null) return null;
      loaded = now;
    }
    return null;
  }

  /**
   * To be called right before what changes these minutes is committed, in the same transaction.
   *
   * @returns To be called when it has been, or has failed.
   */
  changing(changes: readonly CellChange[]): () => void {
    const begun = changes.map(({ topicId, minutes }) => {
      const topic = this.#topicOf(topicId);
      const list = minutes === undefined ? null : [...new Set(minutes)];
      for (const minute of list ?? [ALL]) topic.changing.set(minute, (topic.changing.get(minute) ?? 0) + 1);
      return { topic, list };
    });
    return () => {
      for (const { topic, list } of begun) {
        for (const minute of list ?? [ALL]) {
          const others = (topic.changing.get(minute) ?? 1) - 1;
          if (others === 0) topic.changing.delete(minute);
          else topic.changing.set(minute, others);
        }
        if (list === null) this.#forget(topic);
        else for (const minute of list) this.#drop(topic, minute);
      }
    };
  }

  /** As {@link changing}, of all topics. */
  changingAll(): () => void {
    this.#changingAll++;
    return () => {
      this.#changingAll--;
      for (const topic of this.#topics.values()) this.#forget(topic);
    };
  }

  #topicOf(id: string): Topic {
    let topic = this.#topics.get(id);
    if (topic === undefined) {
      topic = {
        ...{ id, names: new CellNames(), hours: new Map(), changing: new Map(), changedAt: new Map() },
        ...{ loads: 0, turn: Promise.resolve(), spans: new HourSpans((bytes) => this.#bytes += bytes) },
      };
      this.#topics.set(id, topic);
    }
    return topic;
  }

  /** The blocks of a read, in the order of time. Hours that have changed count as unchanged from now on. */
  #plan(topic: Topic, query: CellRead): Place[] {
    const { from, to } = query.range;
    const places = placesOf(query, (hour) => topic.hours.get(hour)?.hasChanged === true);
    for (let number = Math.floor(from / HOUR); number * HOUR < to; number++) {
      const hour = topic.hours.get(number);
      if (hour !== undefined) hour.hasChanged = false;
    }
    return places;
  }

  /** Loads what is missing, and holds what has not changed meanwhile. Null: too much. */
  async #load(topic: Topic, missing: readonly Place[], known: Loaded): Promise<Loaded | null> {
    topic.loads++;
    try {
      if (topic.names.size > NAMES_MAX) this.#forget(topic);
      const { names } = topic;
      const fresh = await this.#loadFew(topic, names, missing) ?? await this.#loadMany(topic, names, missing);
      if (fresh === null) return null;
      return { names, blocks: names === known.names ? new Map([...known.blocks, ...fresh]) : fresh };
    } finally {
      if (--topic.loads === 0) topic.changedAt.clear();
    }
  }

  /** A few minutes. Null: it is more than that. */
  async #loadFew(topic: Topic, names: CellNames, missing: readonly Place[]): Promise<Map<string, CellBlock> | null> {
    const runs = fewRuns(missing);
    if (runs === null) return null;
    const fresh = new Map<string, CellBlock>();
    const startedAt = ++this.#clock;
    for (const run of runs) {
      const blocks = await this.#loader.loadFew(topic.id, run, FEW_ROWS, names);
      if (blocks === null) return null;
      this.#keep(topic, names, { ...run, width: 1, blocks, startedAt }, fresh);
    }
    return fresh;
  }

  /** Whatever it is. Null: too much. */
  async #loadMany(topic: Topic, names: CellNames, missing: readonly Place[]): Promise<Map<string, CellBlock> | null> {
    const last = missing[missing.length - 1];
    const range = { from: missing[0].minute, to: last.minute + last.width };
    const startedAt = ++this.#clock;
    const rows = await this.#loader.countRows(topic.id, range);
    const rowsOf = ({ width, minute }: Place) => (rows.get(Math.floor(minute / HOUR)) ?? 0) * width / HOUR;
    let [all, fine] = [0, 0];
    for (const place of missing) {
      all += rowsOf(place);
      if (place.width === 1) fine += rowsOf(place);
    }
    if (all > LOAD_ROWS_MAX || fine * ROW_BYTES > this.#bytesMax) return null;
    const fresh = new Map<string, CellBlock>();
    for (const { width, from, to, isEmpty } of partsOf(finerPlaces(missing, rowsOf), rowsOf)) {
      const blocks = isEmpty ? null : await this.#loader.load(topic.id, { from, to }, width, names);
      this.#keep(topic, names, { from, to, width, blocks, startedAt }, fresh);
    }
    return fresh;
  }

  /** Adds what was loaded to `fresh`, and holds it as far as it has not changed. */
  #keep(
    topic: Topic,
    names: CellNames,
    { from, to, width, blocks, startedAt }: LoadedRange,
    fresh: Map<string, CellBlock>,
  ): void {
    for (let minute = from; minute < to; minute += width) {
      const block = blocks?.get(minute) ?? EMPTY_BLOCK;
      fresh.set(keyOf({ width, minute }), block);
      if (names === topic.names) this.#hold(topic, { width, minute }, block, startedAt);
    }
  }

  #hold(topic: Topic, place: Place, block: CellBlock, startedAt: number): void {
    for (let minute = place.minute; minute < place.minute + place.width; minute++) {
      if ((topic.changedAt.get(minute) ?? 0) > startedAt) return;
    }
    const number = Math.floor(place.minute / HOUR);
    let hour = topic.hours.get(number);
    if (hour === undefined) {
      const places = (width: Width) => new Array<CellBlock | undefined>(HOUR / width).fill(undefined);
      hour = { blocks: { 60: places(60), 10: places(10), 1: places(1) }, hasChanged: false, bytes: 0 };
      this.#account(hour, HOUR_BYTES);
      topic.hours.set(number, hour);
      this.#used.set(hour, { topic, hour: number });
    }
    this.#put(hour, place.width, (place.minute - number * HOUR) / place.width, block);
  }

  #put(hour: Hour, width: Width, at: number, block: CellBlock | undefined): void {
    this.#account(hour, (block?.bytes ?? 0) - (hour.blocks[width][at]?.bytes ?? 0));
    hour.blocks[width][at] = block;
  }

  #account(hour: Hour, bytes: number): void {
    hour.bytes += bytes;
    this.#bytes += bytes;
  }

  #drop(topic: Topic, minute: number): void {
    if (topic.loads > 0) topic.changedAt.set(minute, ++this.#clock);
    const number = Math.floor(minute / HOUR);
    topic.spans.drop(number);
    const hour = topic.hours.get(number);
    if (hour === undefined) return;
    for (const width of WIDTHS) this.#put(hour, width, Math.floor((minute - number * HOUR) / width), undefined);
    hour.hasChanged = true;
  }

  #forget(topic: Topic): void {
    topic.names = new CellNames();
    for (const hour of [...topic.hours.values()]) this.#remove(hour);
  }

  #remove(hour: Hour): void {
    const of = this.#used.get(hour);
    if (of === undefined) return;
    this.#used.delete(hour);
    of.topic.hours.delete(of.hour);
    of.topic.spans.drop(of.hour);
    this.#account(hour, -hour.bytes);
  }

  /** Gives up the hours that were not used for the longest time. */
  #giveUp(): void {
    for (const hour of this.#used.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#remove(hour);
    }
  }

  /** The blocks of these places, whose hours count as used; null where any is neither held nor loaded. */
  #blocksOf(topic: Topic, places: readonly Place[], loaded: Loaded): TimedBlock[] | null {
    const blocks: TimedBlock[] = [];
    let used = NaN;
    for (const place of places) {
      const block = this.#heldAt(topic, place, loaded);
      if (block === undefined) return null;
      if (block.rows > 0) blocks.push({ minute: place.minute, block });
      const number = Math.floor(place.minute / HOUR);
      if (number !== used) this.#use(topic, used = number);
    }
    return blocks;
  }

  #use(topic: Topic, number: number): void {
    const hour = topic.hours.get(number);
    if (hour === undefined) return;
    this.#used.delete(hour);
    this.#used.set(hour, { topic, hour: number });
  }

  /** A block that is held, can be made of such, was loaded, or can be made of what was. */
  #heldAt(topic: Topic, place: Place, loaded: Loaded): CellBlock | undefined {
    const number = Math.floor(place.minute / HOUR);
    const hour = topic.hours.get(number);
    const at = (place.minute - number * HOUR) / place.width;
    const held = hour?.blocks[place.width][at];
    if (held !== undefined && !this.#isAnyChanging(topic, place)) return held;
    const block = loaded.names === topic.names ? loaded.blocks.get(keyOf(place)) : undefined;
    if (block !== undefined || place.width === 1) return block;
    const sum = hour && this.#sumOf(topic, place, { names: topic.names, blocks: NO_BLOCKS });
    if (hour !== undefined && sum !== undefined) {
      this.#put(hour, place.width, at, sum);
      return sum;
    }
    // What was loaded may have changed since: good for this read, and not held.
    return loaded.blocks.size === 0 ? undefined : this.#sumOf(topic, place, loaded);
  }

  /** A block of the narrower ones; undefined where any of them is missing. */
  #sumOf(topic: Topic, place: Place, loaded: Loaded): CellBlock | undefined {
    const width = WIDTHS[WIDTHS.indexOf(place.width) + 1];
    const parts: CellBlock[] = [];
    for (let minute = place.minute; minute < place.minute + place.width; minute += width) {
      const part = this.#heldAt(topic, { width, minute }, loaded);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    const sums = new CellSums();
    for (const part of parts) sums.addBlock(part);
    return sums.block();
  }

  #isAnyChanging(topic: Topic, { minute, width }: Place): boolean {
    if (topic.changing.size === 0) return this.#changingAll > 0;
    for (let at = minute; at < minute + width; at++) if (this.#isChanging(topic, at)) return true;
    return false;
  }

  #isChanging(topic: Topic, minute: number): boolean {
    if (this.#changingAll > 0) return true;
    return topic.changing.size > 0 && (topic.changing.has(minute) || topic.changing.has(ALL));
  }
}
