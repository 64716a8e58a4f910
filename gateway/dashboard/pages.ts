/** Records of a list, newest first, a page after the other, that do not move while somebody reads them. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";
import { repeat } from "./live.ts";

/** The newest, asked for again and again, and then older ones, as they come into sight. */
export const FIRST_PAGE = 100;
const OLDER_PAGE = 1000;
/** More are no list that somebody reads: the export has them all. */
export const LISTED_MAX = 50_000;

export interface Page<T> {
  readonly records: readonly T[];
  readonly nextCursor: string | null;
}

export interface Pages<T> {
  /** Null until the first page is there. */
  readonly page: Page<T> | null;
  /** Records that came while the list was read; {@link showFresh} shows them. */
  readonly fresh: number;
  readonly problem: string;
  readonly isLoadingOlder: boolean;
  readonly showFresh: () => void;
  readonly showOlder: () => void;
  /** The element that the list scrolls in. */
  readonly viewport: RefObject<HTMLDivElement | null>;
}

interface Placed {
  readonly partition: number;
  readonly offset: number;
}

export const keyOf = ({ partition, offset }: Placed): string => `${partition}/${offset}`;

/** Whether somebody reads the list: is not at its top, has a record open, points at it, or has selected text of it. */
export function isRead(viewport: HTMLElement | null): boolean {
  if (viewport === null) return false;
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(viewport, true);
  return isSelected || viewport.scrollTop > 0 || viewport.matches(":hover") ||
    viewport.querySelector(".detail") !== null || viewport.contains(document.activeElement);
}

/** How to ask for a page: the cursor of the one before, or null for the newest. */
export type AskPage<T> = (cursor: string | null, limit: number, signal: AbortSignal) => Promise<Page<T>>;

/** @param name What is asked for: another name begins anew. `isMoving`: its range moves, so it is asked for again. */
export function usePages<T extends Placed>(name: string, isMoving: boolean, ask: AskPage<T>): Pages<T> {
  const [page, setPage] = useState<Page<T> | null>(null);
  const [waiting, setWaiting] = useState<Page<T> | null>(null);
  const [problem, setProblem] = useState("");
  const [isLoadingOlder, setLoadingOlder] = useState(false);
  const isHeld = useRef(false);
  const current = useRef(new AbortController());
  const viewport = useRef<HTMLDivElement>(null);

  // At once: most of a page's time to be useful is the wait for its records.
  useLayoutEffect(() => {
    const left = new AbortController();
    current.current = left;
    isHeld.current = false;
    setWaiting(null);
    setLoadingOlder(false);
    const stop = repeat(async (isFirst) => {
      try {
        const next = await ask(null, FIRST_PAGE, left.signal);
        if (left.signal.aborted) return;
        const moves = isFirst || !(isHeld.current || isRead(viewport.current));
        if (isFirst && viewport.current !== null) viewport.current.scrollTop = 0;
        if (moves) setPage(next);
        setWaiting(moves ? null : next);
        setProblem("");
      } catch (error) {
        if (!left.signal.aborted) setProblem(wordsOf(error));
      }
    }, isMoving);
    return () => {
      left.abort();
      stop();
    };
  }, [name]);

  const known = new Set(page?.records.slice(0, 2 * FIRST_PAGE).map(keyOf));
  return {
    page,
    fresh: waiting?.records.filter((record) => !known.has(keyOf(record))).length ?? 0,
    problem,
    isLoadingOlder,
    viewport,
    showFresh() {
      isHeld.current = false;
      if (viewport.current !== null) viewport.current.scrollTop = 0;
      setPage(waiting);
      setWaiting(null);
    },
    async showOlder() {
      if (page === null || page.nextCursor === null || isLoadingOlder || page.records.length >= LISTED_MAX) return;
      isHeld.current = true; // or the next refresh would take the older ones away
      setLoadingOlder(true);
      const { signal } = current.current;
      try {
        const next = await ask(page.nextCursor, OLDER_PAGE, signal);
        if (signal.aborted) return; // the view has moved on to another list
        setPage((before) => ({ ...next, records: [...before?.records ?? [], ...next.records] }));
      } catch (error) {
        if (!signal.aborted) setProblem(wordsOf(error));
      } finally {
        if (!signal.aborted) setLoadingOlder(false);
      }
    },
  };
}
