/**
 * Cells of the day before what is asked about: a page that shows an hour is soon asked for six, or for a day, and to load these
 * takes seconds. So they are loaded in the background when somebody begins to ask about a topic, as pages ask for them, and
 * again when an hour has passed.
 */
import { BackgroundPace } from "./background_pace.ts";
import { type CellRead, HOUR, type MinuteRange, TENS } from "./cell_places.ts";

/** A range begins within an hour, and a page's clock may be behind. */
const END_HOURS = 2;
/** Longer ranges are asked for seldom. */
const DAY = 24;
const HOURS = DAY + END_HOURS;
/** The newest hours, whose points pages show minute by minute. */
const FINE_HOURS = 6 + END_HOURS;
/** Of a core it has a fifth. */
const REST_RATIO = 4;
/** What it leaves of the room to what is really asked for. */
const ROOM = 0.75;

export interface HeldDayParts {
  /** Loads what is missing of a range and holds it; false: it is too much. */
  readonly hold: (read: CellRead) => Promise<boolean>;
  /** The part of the room that is taken. */
  readonly filled: () => number;
}

export class HeldDay {
  readonly #parts: HeldDayParts;
  readonly #pace = new BackgroundPace(REST_RATIO);
  /** The hour up to which each topic's day was last wanted. */
  readonly #wanted = new Map<string, number>();
  /** Topics whose day is to be loaded. */
  readonly #waiting = new Set<string>();
  #work: Promise<void> | null = null;

  constructor(parts: HeldDayParts) {
    this.#parts = parts;
  }

  /** To be told of each question. */
  asked(topicId: string, { from, to }: MinuteRange): void {
    if (this.#pace.isStopped || to <= from) return;
    const last = Math.ceil(to / HOUR) - 1;
    const wanted = this.#wanted.get(topicId) ?? -Infinity;
    if (last <= wanted && last > wanted - HOURS) return;
    this.#wanted.set(topicId, last);
    this.#waiting.add(topicId);
    this.#work ??= this.#run().finally(() => this.#work = null);
  }

  /** To be called when cells of any hour may be held no more, as after retention: the next question has its day loaded again. */
  forget(): void {
    this.#wanted.clear();
  }

  /** Settles when all that was wanted so far is held, as far as there is room. */
  async settled(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  async stop(): Promise<void> {
    this.#pace.stop();
    await this.#work;
  }

  async #run(): Promise<void> {
    for (const topicId of this.#waiting) {
      this.#waiting.delete(topicId);
      const last = this.#wanted.get(topicId);
      if (last === undefined) continue;
      let n = 0;
      while (n < HOURS && !this.#pace.isStopped && this.#parts.filled() <= ROOM) {
        if (!await this.#pace.step(() => this.#holdHour(topicId, last, n))) break;
        n++;
      }
      if (n === HOURS) await this.#sumUp(topicId, last);
    }
  }

  /** Whole hours are answered from as one from the second time on (hour_spans.ts). */
  async #sumUp(topicId: string, last: number): Promise<void> {
    const range = { from: (last - DAY + 1) * HOUR, to: last * HOUR };
    for (let times = 0; times < 2 && !this.#pace.isStopped; times++) {
      await this.#pace.step(() => this.#hold({ topicId, range, isByMinute: false }));
    }
  }

  /** False where it is too much. What fails here fails again, and is told, when it is asked for. */
  async #holdHour(topicId: string, last: number, n: number): Promise<boolean> {
    // A day's range begins in the oldest, at any minute.
    const isFine = n < FINE_HOURS || n >= HOURS - END_HOURS;
    const range = { from: (last - n) * HOUR, to: (last - n + 1) * HOUR };
    if (!await this.#hold({ topicId, range, stepMinutes: isFine ? 1 : TENS, isByMinute: false })) return false;
    return n === 0 || await this.#hold({ topicId, range, isByMinute: false }); // of what is held by now
  }

  async #hold(read: CellRead): Promise<boolean> {
    try {
      return await this.#parts.hold(read);
    } catch {
      return false;
    }
  }
}
