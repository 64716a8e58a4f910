/**
 * Blocks of six hours, made of those of an hour: summaries of days would merge the same sketches again each time. One is held as
 * long as its hours are, and have not changed.
 */
import type { TimedBlock } from "./cell_answers.ts";
import { type CellBlock, CellSums } from "./cell_blocks.ts";
import { HOUR, type Place } from "./cell_places.ts";

const HOURS = 6;
/** Minutes of a span. */
export const SPAN = HOURS * HOUR;

interface Span {
  /** What it was made of. */
  readonly parts: readonly TimedBlock[];
  readonly block: CellBlock;
}

/** Those of a topic. */
export class HourSpans {
  /** By number of the span since 1970. */
  readonly #held = new Map<number, Span>();
  readonly #account: (bytes: number) => void;

  /** @param account Told how many bytes are held more, or less. */
  constructor(account: (bytes: number) => void) {
    this.#account = account;
  }

  /**
   * The blocks of these places, with one for each six hours that have a place each.
   *
   * @param isHeld Whether a block of an hour is held: what is made of others is good for this once.
   */
  joined(
    places: readonly Place[],
    blocks: readonly TimedBlock[],
    isHeld: (hour: TimedBlock) => boolean,
  ): readonly TimedBlock[] {
    const whole = wholeSpans(places);
    if (whole.size === 0) return blocks;
    const joined: TimedBlock[] = [];
    for (let at = 0; at < blocks.length;) {
      const number = Math.floor(blocks[at].minute / SPAN);
      let end = at + 1;
      if (whole.has(number)) { while (end < blocks.length && blocks[end].minute < (number + 1) * SPAN) end++; }
      joined.push(end === at + 1 ? blocks[at] : this.#spanOf(number, blocks.slice(at, end), isHeld));
      at = end;
    }
    return joined;
  }

  /** To be called when an hour changes, or is not held any more. */
  drop(hour: number): void {
    const number = Math.floor(hour / HOURS);
    const span = this.#held.get(number);
    if (span === undefined) return;
    this.#held.delete(number);
    this.#account(-span.block.bytes);
  }

  #spanOf(number: number, parts: readonly TimedBlock[], isHeld: (hour: TimedBlock) => boolean): TimedBlock {
    const { minute } = parts[0];
    const held = this.#held.get(number);
    if (held !== undefined && isSame(held.parts, parts)) return { minute, block: held.block };
    const sums = new CellSums();
    for (const { block } of parts) sums.addBlock(block);
    const block = sums.block();
    if (parts.every(isHeld)) {
      this.drop(number * HOURS);
      this.#held.set(number, { parts, block });
      this.#account(block.bytes);
    }
    return { minute, block };
  }
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
