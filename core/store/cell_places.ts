/** How a range of minutes is put together from blocks, and how those that are missing are loaded: pure. */
import type { CellBlock, CellNames } from "./cell_blocks.ts";

/** Minutes of a block, widest first; each is made of the next ones. */
export const WIDTHS = [60, 10, 1] as const;
export type Width = (typeof WIDTHS)[number];
export const [HOUR, TENS] = WIDTHS;

/** Minutes since 1970, half-open. */
export interface MinuteRange {
  readonly from: number;
  readonly to: number;
}

/** A block that a range is put together from. */
export interface Place {
  readonly width: Width;
  /** Its first minute. */
  readonly minute: number;
}

/** What a read may be put together from. */
export interface CellRead {
  readonly topicId: string;
  readonly range: MinuteRange;
  /** No block reaches over a multiple of it; absent: the range is one step. */
  readonly stepMinutes?: number;
  /** Whether minutes themselves are needed: wider blocks have no squared deviations. */
  readonly isByMinute: boolean;
}

/** The places of a read, in the order of time: as wide as its steps and ends allow, of hours that are to be fine a minute each. */
export function placesOf(
  { range: { from, to }, stepMinutes, isByMinute }: CellRead,
  isFine: (hour: number) => boolean,
): Place[] {
  const places: Place[] = [];
  const widths = WIDTHS.filter((width) => width === 1 || (!isByMinute && (stepMinutes ?? width) % width === 0));
  for (let minute = from; minute < to;) {
    const hasWide = !isFine(Math.floor(minute / HOUR));
    const fits = (width: Width) => width === 1 || (hasWide && minute % width === 0 && minute + width <= to);
    const width = widths.find(fits) ?? 1;
    places.push({ width, minute });
    minute += width;
  }
  return places;
}

export interface Part extends MinuteRange {
  readonly width: Width;
  /** No row is in it. */
  readonly isEmpty: boolean;
}

/** Rows of a load at most, about: they, or texts made of them, are in memory at once. */
const PART_ROWS = 200_000;
/** Rows that are loaded once more, rather than that what is on both sides of them is loaded on its own. */
const GAP_ROWS = 2_000;

/** Reads cells from where they are kept. */
export interface CellLoader {
  /** Rows of these minutes, by hour since 1970; hours without any may be missing. */
  countRows(topicId: string, range: MinuteRange): Promise<ReadonlyMap<number, number>>;
  /** The cells of minutes, as {@link load} has them; null where they have more rows than that. For few it is faster. */
  loadFew(
    topicId: string,
    range: MinuteRange,
    rowsMax: number,
    names: CellNames,
  ): Promise<ReadonlyMap<number, CellBlock> | null>;
  /**
   * The cells of blocks of some width, by their first minute, those without any may be missing; all of one moment, after the
   * call. The range has whole blocks.
   */
  load(topicId: string, range: MinuteRange, width: Width, names: CellNames): Promise<ReadonlyMap<number, CellBlock>>;
}

/** Minutes, and runs of them, that are loaded without counting their rows first. */
const FEW_MINUTES = 10;
const FEW_RUNS = 3;

/**
 * What is missing as runs of minutes, where it is just a few of them: those that have changed, those at the ends of a range.
 * Null where it is more.
 */
export function fewRuns(missing: readonly Place[]): MinuteRange[] | null {
  if (missing.length > FEW_MINUTES || missing.some(({ width }) => width !== 1)) return null;
  const runs: { from: number; to: number }[] = [];
  for (const { minute } of missing) {
    const last = runs.at(-1);
    if (last?.to === minute) last.to++;
    else runs.push({ from: minute, to: minute + 1 });
  }
  return runs.length > FEW_RUNS ? null : runs;
}

/** Hours that are loaded as tens of minutes, and rows that they may have: then series find them as well as summaries do. */
const TENS_HOURS = 48;
const TENS_ROWS = 1_500_000;

/** The blocks to load for those that are missing, which can be made of them. */
export function finerPlaces(missing: readonly Place[], rowsOf: (place: Place) => number): readonly Place[] {
  const hours = missing.filter(({ width }) => width === HOUR);
  if (hours.length === 0 || hours.length > TENS_HOURS) return missing;
  if (hours.reduce((sum, place) => sum + rowsOf(place), 0) > TENS_ROWS) return missing;
  return missing.flatMap((place): Place[] => {
    if (place.width !== HOUR) return [place];
    return Array.from({ length: HOUR / TENS }, (_, i) => ({ width: TENS, minute: place.minute + i * TENS }));
  });
}

/** What is missing as ranges of blocks of one width, each of a bounded number of rows. */
export function partsOf(missing: readonly Place[], rowsOf: (place: Place) => number): Part[] {
  const parts: { from: number; to: number; width: Width; isEmpty: boolean; rows: number }[] = [];
  for (const place of missing) {
    const rows = rowsOf(place);
    const isEmpty = rows === 0;
    const { minute: from, width } = place;
    const to = from + width;
    const last = parts.at(-1);
    if (last !== undefined && last.width === width && last.isEmpty === isEmpty) {
      const between = rowsOf({ width, minute: from }) * (from - last.to) / width;
      if (between <= (isEmpty ? 0 : GAP_ROWS) && from - last.to <= HOUR && last.rows + between + rows <= PART_ROWS) {
        last.to = to;
        last.rows += between + rows;
        continue;
      }
    }
    parts.push({ from, to, width, isEmpty, rows });
  }
  return parts;
}
