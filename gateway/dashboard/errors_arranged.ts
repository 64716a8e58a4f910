/** Lists that do not move under the eyes of whoever reads them. */
import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";

/** Those of before in their order, each as it is now, and how many are not among them. Pure. */
export function heldItems<T>(
  before: readonly T[],
  now: readonly T[],
  keyOf: (item: T) => string,
): { readonly items: readonly T[]; readonly fresh: number } {
  const current = new Map(now.map((item) => [keyOf(item), item]));
  const items = before.map((item) => current.get(keyOf(item)) ?? item);
  const shown = new Set(before.map(keyOf));
  return { items, fresh: now.filter((item) => !shown.has(keyOf(item))).length };
}

/** Whether somebody reads the list: the pointer is over it, text of it is selected, or a form of it is being filled in. */
function isRead(list: HTMLElement | null): boolean {
  if (list === null) return false;
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(list, true);
  const isHovered = matchMedia("(hover: hover)").matches && list.matches(":hover");
  return isSelected || isHovered ||
    list.querySelector("input:focus, textarea:focus, select:focus, details[open] form") !== null;
}

export interface Arranged<T> {
  readonly items: readonly T[];
  /** Items that came while the list was read. */
  readonly fresh: number;
  /** Shows them. */
  readonly release: () => void;
}

/**
 * @param name What is listed: another name begins anew.
 * @param isOpen An item is open: it stays where it is.
 */
export function useArranged<T>(
  now: readonly T[],
  { name, keyOf, list, isOpen }: {
    readonly name: string;
    readonly keyOf: (item: T) => string;
    readonly list: RefObject<HTMLElement | null>;
    readonly isOpen: boolean;
  },
): Arranged<T> {
  const shown = useRef<{ name: string; now: readonly T[]; items: readonly T[]; fresh: number } | null>(null);
  const [, draw] = useState(0);
  const before = shown.current;
  if (before === null || before.name !== name) shown.current = { name, now, items: now, fresh: 0 };
  else if (before.now !== now) {
    const isHeld = isOpen || isRead(list.current);
    const next = isHeld ? heldItems(before.items, now, keyOf) : { items: now, fresh: 0 };
    shown.current = { name, now, ...next };
  }
  const { items, fresh } = shown.current ?? { items: now, fresh: 0 };
  return {
    items,
    fresh,
    release() {
      shown.current = null;
      draw((times) => times + 1);
    },
  };
}
