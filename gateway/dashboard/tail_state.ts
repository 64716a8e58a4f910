/** What is kept of a live tail: the newest events, and counts of everything else. Pure. */
import type { EventRecord } from "./api.ts";

/** Events that are kept for looking at, and as many while the list is held. */
export const KEPT_MAX = 5_000;

export interface TailState {
  /** Newest first. */
  readonly rows: readonly EventRecord[];
  /** What came while the list was held, newest first. */
  readonly waiting: readonly EventRecord[];
  /** Records that were stored since the tail began, of any kind. */
  readonly records: number;
  /** Events among them that fit the filters. */
  readonly matched: number;
  /** Events that fit and are not here: the gateway left them out, they came in a burst. */
  readonly dropped: number;
  /** Events that were here, and made room for newer ones. */
  readonly trimmed: number;
}

export const EMPTY_TAIL: TailState = { rows: [], waiting: [], records: 0, matched: 0, dropped: 0, trimmed: 0 };

export interface TailNews {
  readonly records: number;
  readonly matched: number;
  readonly dropped: number;
  /** Oldest first, as they came. */
  readonly events: readonly EventRecord[];
}

/** The state with what came; `isHeld`: it waits until somebody wants to see it. */
export function withNews(state: TailState, news: TailNews, isHeld: boolean): TailState {
  const counts = {
    records: state.records + news.records,
    matched: state.matched + news.matched,
    dropped: state.dropped + news.dropped,
  };
  const all = [...news.events.toReversed(), ...isHeld ? state.waiting : state.rows];
  const kept = all.slice(0, KEPT_MAX);
  const trimmed = state.trimmed + all.length - kept.length;
  return isHeld ? { ...state, ...counts, waiting: kept, trimmed } : { ...state, ...counts, rows: kept, trimmed };
}

/** The state with what waited shown. */
export function released(state: TailState): TailState {
  const all = [...state.waiting, ...state.rows];
  const rows = all.slice(0, KEPT_MAX);
  return { ...state, rows, waiting: [], trimmed: state.trimmed + all.length - rows.length };
}
