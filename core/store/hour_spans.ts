/**
 * Blocks made of many: summaries of days would merge the same sketches again each time. Six hours at a multiple of six are one,
 * and all hours that follow each other are one once more, as are the tens of minutes at either end of a range: that is the same
 * while the ends of a page's range move on. One is held as long as its hours are, and have not changed.
 */
import type { TimedBlock } from "./cell_answers.ts";
import { type CellBlock, CellSums } from "./cell_blocks.ts";
import { HOUR, type Place, TENS, type Width } from "./cell_places.ts";

const HOURS = 6;
/** Minutes of a span. */
export const SPAN = HOURS * HOUR;
/** Blocks from which on a run of them is worth one of its own. */
const RUN_MIN = 3;
/** Runs that are held of a topic: three of each of the ranges that its pages show. */
const RUNS_MAX = 96;

/** Whether the block of a place is held: what is made of others is good for this once. */
type IsHeld = (block: TimedBlock, width: Width) => boolean;

interface Sum {
  /** What it was made of. */
  readonly parts: readonly TimedBlock[];
  readonly block: CellBlock;
}

interface Run extends Sum {
  /** Hours since 1970, half-open. */
  readonly from: number;
  readonly to: number;
}

/** A block among those of a read. */
interface Part extends TimedBlock {
  readonly width: Width | typeof SPAN;
  readonly isHeld: boolean;
}

/** Those of a topic. */
export class HourSpans {
  /** By number of the span since 1970. */
  readonly #spans = new Map<number, Sum>();
  /** By their hours, the last one used last; null: it was asked for once, and may never be again. */
  readonly #runs = new Map<string, Run | null>();
  readonly #account: (bytes: number) => void;

  /** @param account Told how many bytes are held more, or less. */
  constructor(account: (bytes: number) => void) {
    this.#account = account;
  }

  /**
   * The blocks of these places, of which there may be none for some, with fewer and wider ones in their place.
   *
   * @param stepMinutes No block may reach over a multiple of it, which is one of {@link SPAN}, or Infinity.
   */
  joined(
    places: readonly Place[],
    blocks: readonly TimedBlock[],
    stepMinutes: number,
    isHeld: IsHeld,
  ): readonly TimedBlock[] {
    const parts = this.#spansOf(partsOf(places, blocks, isHeld), wholeSpans(places));
    const joined: TimedBlock[] = [];
    for (let at = 0; at < parts.length;) {
      let end = at + 1;
      while (end < parts.length && isRun(parts[at], parts[end], stepMinutes)) end++;
      const run = parts.slice(at, end);
      joined.push(...(run.length < RUN_MIN ? run : this.#runOf(run)));
      at = end;
    }
    return joined;
  }

  /** To be called when an hour changes, or is not held any more. */
  drop(hour: number): void {
    this.#dropSpan(Math.floor(hour / HOURS));
    for (const [key, run] of this.#runs) {
      if (run !== null && hour >= run.from && hour < run.to) this.#dropRun(key);
    }
  }

  #dropSpan(number: number): void {
    this.#account(-(this.#spans.get(number)?.block.bytes ?? 0));
    this.#spans.delete(number);
  }

  #dropRun(key: string): void {
    this.#account(-(this.#runs.get(key)?.block.bytes ?? 0));
    this.#runs.delete(key);
  }

  /** With one part for each six hours that have a place each. */
  #spansOf(parts: readonly Part[], whole: ReadonlySet<number>): readonly Part[] {
    if (whole.size === 0) return parts;
    const joined: Part[] = [];
    for (let at = 0; at < parts.length;) {
      const number = Math.floor(parts[at].minute / SPAN);
      let end = at + 1;
      if (whole.has(number)) { while (end < parts.length && parts[end].minute < (number + 1) * SPAN) end++; }
      joined.push(end === at + 1 ? parts[at] : this.#spanOf(number, parts.slice(at, end)));
      at = end;
    }
    return joined;
  }

  #spanOf(number: number, parts: readonly Part[]): Part {
    const held = this.#spans.get(number);
    const isHeld = parts.every((part) => part.isHeld);
    let block = held?.block;
    if (block === undefined || held === undefined || !isSame(held.parts, parts)) {
      block = sumOf(parts);
      if (isHeld) {
        this.#dropSpan(number);
        this.#spans.set(number, { parts, block });
        this.#account(block.bytes);
      }
    }
    return { minute: number * SPAN, width: SPAN, block, isHeld };
  }

  /** The parts as one, from the second time on. */
  #runOf(parts: readonly Part[]): readonly TimedBlock[] {
    const [{ minute }, last] = [parts[0], parts[parts.length - 1]];
    const end = last.minute + last.width;
    const [from, to] = [Math.floor(minute / HOUR), Math.ceil(end / HOUR)];
    const key = `${minute}-${end}`;
    const held = this.#runs.get(key);
    if (held != null && isSame(held.parts, parts)) {
      this.#runs.delete(key);
      this.#runs.set(key, held);
      return [{ minute, block: held.block }];
    }
    this.#dropRun(key);
    if (held === undefined) this.#runs.set(key, null);
    else if (parts.every(({ isHeld }) => isHeld)) this.#runs.set(key, { from, to, parts, block: sumOf(parts) });
    const run = this.#runs.get(key);
    this.#account(run?.block.bytes ?? 0);
    for (const [oldest] of this.#runs) if (this.#runs.size > RUNS_MAX) this.#dropRun(oldest);
    return run ? [{ minute, block: run.block }] : parts;
  }
}

function partsOf(places: readonly Place[], blocks: readonly TimedBlock[], isHeld: IsHeld): Part[] {
  const widths = new Map(places.map(({ minute, width }) => [minute, width]));
  return blocks.map((block): Part => {
    const width = widths.get(block.minute) ?? 1;
    return { ...block, width, isHeld: isHeld(block, width) };
  });
}

/** Whether the blocks from one to another may be one: hours of a step, or tens of an hour. */
function isRun(first: Part, next: Part, stepMinutes: number): boolean {
  const isIn = (minutes: number) => Math.floor(first.minute / minutes) === Math.floor(next.minute / minutes);
  if (first.width === TENS) return next.width === TENS && isIn(HOUR);
  return first.width >= HOUR && next.width >= HOUR && isIn(stepMinutes);
}

function sumOf(parts: readonly TimedBlock[]): CellBlock {
  const sums = new CellSums();
  for (const { block } of parts) sums.addBlock(block);
  return sums.block();
}

/** Numbers of the spans of which each hour is a place of its own. */
function wholeSpans(places: readonly Place[]): ReadonlySet<number> {
  const hours = new Map<number, number>();
  for (const { width, minute } of places) {
    if (width !== HOUR) continue;
    const number = Math.floor(minute / SPAN);
    hours.set(number, (hours.get(number) ?? 0) + 1);
  }
  return new Set([...hours].flatMap(([number, count]) => count === HOURS ? [number] : []));
}

function isSame(a: readonly TimedBlock[], b: readonly TimedBlock[]): boolean {
  return a.length === b.length && a.every(({ minute, block }, i) => minute === b[i].minute && block === b[i].block);
}
