/** Records of a list, newest first, a page after the other, that do not move while somebody reads them. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";
import { repeat } from "./live.ts";

export const PAGE = 100;

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
  readonly showFresh: () => void;
  readonly showOlder: () => void;
  /** The element that the list is in: what is open there is being read. */
  readonly list: RefObject<HTMLOListElement | null>;
}

interface Placed {
  readonly partition: number;
  readonly offset: number;
}

export const keyOf = ({ partition, offset }: Placed): string => `${partition}/${offset}`;

/** Whether somebody reads the list: a record is open, the pointer is over it, or text of it is selected. */
function isRead(list: HTMLElement | null): boolean {
  if (list === null) return false;
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(list, true);
  return isSelected || list.matches(":hover") || list.querySelector("details[open]") !== null;
}

/** @param name What is asked for: another name begins anew. `isMoving`: its range moves, so it is asked for again. */
export function usePages<T extends Placed>(
  name: string,
  isMoving: boolean,
  ask: (cursor: string | null) => Promise<Page<T>>,
): Pages<T> {
  const [page, setPage] = useState<Page<T> | null>(null);
  const [waiting, setWaiting] = useState<Page<T> | null>(null);
  const [problem, setProblem] = useState("");
  const isHeld = useRef(false);
  const current = useRef(name);
  current.current = name;
  const list = useRef<HTMLOListElement>(null);

  useEffect(() => {
    let isLeft = false;
    isHeld.current = false;
    setPage(null);
    setWaiting(null);
    const stop = repeat(async (isFirst) => {
      try {
        const next = await ask(null);
        if (isLeft) return;
        const moves = isFirst || !(isHeld.current || isRead(list.current));
        if (moves) setPage(next);
        setWaiting(moves ? null : next);
        setProblem("");
      } catch (error) {
        if (!isLeft) setProblem(wordsOf(error));
      }
    }, isMoving);
    return () => {
      isLeft = true;
      stop();
    };
  }, [name]);

  const known = new Set(page?.records.map(keyOf));
  return {
    page,
    fresh: waiting?.records.filter((record) => !known.has(keyOf(record))).length ?? 0,
    problem,
    list,
    showFresh() {
      isHeld.current = false;
      setPage(waiting);
      setWaiting(null);
    },
    async showOlder() {
      if (page === null || page.nextCursor === null) return;
      isHeld.current = true; // or the next refresh would take the older ones away
      try {
        const next = await ask(page.nextCursor);
        if (current.current !== name) return; // the view has moved on to another list
        setPage((before) => ({ ...next, records: [...before?.records ?? [], ...next.records] }));
      } catch (error) {
        setProblem(wordsOf(error));
      }
    },
  };
}
