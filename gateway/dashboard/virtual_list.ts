/** A list of any length, of which the rows that are seen are in the document; a row can be opened. */
import { Component, type ComponentChildren, h, type RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { rowWindow, topOf } from "./row_window.ts";

/** Rows beside those that are seen: a fast wheel shows no gap. */
const BESIDE = 12;
const STEP_PX = 104;
/** Heights in the page's style: a line, or two where there is little room. */
const ROW_PX = 26;
const NARROW_ROW_PX = 46;
const NARROW = "(max-width: 40rem)";

export interface VirtualListProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  /** Names of what is in a row, above the rows, where that does not say itself what it is. */
  readonly heads?: ComponentChildren;
  /** What is in a closed row: within a button. */
  readonly row: (item: T) => ComponentChildren;
  readonly detail: (item: T) => ComponentChildren;
  /** What rows depend on beside their item: another one draws all of them again. */
  readonly look?: string;
  /** The element that scrolls. */
  readonly viewport: RefObject<HTMLDivElement | null>;
  /** Told when the end comes into sight. */
  readonly onEnd?: () => void;
}

export function VirtualList<T>(
  { label, items, keyOf, heads, row, detail, look = "", viewport, onEnd }: VirtualListProps<T>,
) {
  const [scrolled, setScrolled] = useState({ topPx: 0, viewPx: 600 });
  const rowPx = useMedia(NARROW) ? NARROW_ROW_PX : ROW_PX;
  /** Heights of details by the key of their row. */
  const [open, setOpen] = useState<ReadonlyMap<string, number>>(new Map());
  const places = open.size === 0 ? new Map<string, number>() : placesOf(items, keyOf, open);
  const extraPx = new Map([...open].flatMap(([key, px]) => {
    const at = places.get(key);
    return at === undefined ? [] : [[at, px] as const];
  }));
  const shape = { count: items.length, rowPx, extraPx };
  const shown = rowWindow(shape, scrolled.topPx, scrolled.viewPx, BESIDE);

  useEffect(() => {
    const element = viewport.current;
    if (element === null) return;
    // Drawn again after some rows, not after each pixel.
    const see = () => {
      const topPx = Math.floor(element.scrollTop / STEP_PX) * STEP_PX;
      const viewPx = element.clientHeight + STEP_PX;
      setScrolled((before) => before.topPx === topPx && before.viewPx === viewPx ? before : { topPx, viewPx });
    };
    see();
    element.addEventListener("scroll", see, { passive: true });
    const resized = new ResizeObserver(see);
    resized.observe(element);
    return () => {
      element.removeEventListener("scroll", see);
      resized.disconnect();
    };
  }, []);
  const isAtEnd = items.length > 0 && shown.end === items.length;
  useEffect(() => {
    if (isAtEnd) onEnd?.();
  }, [isAtEnd, items.length]);

  const toggle = (key: string) =>
    setOpen((before) => {
      const after = new Map(before);
      if (!after.delete(key)) after.set(key, 0);
      return after;
    });
  const measured = (key: string, px: number) =>
    setOpen((before) => !before.has(key) || before.get(key) === px ? before : new Map(before).set(key, px));
  const onKeyDown = (event: KeyboardEvent) => moveFocus(event, viewport.current, shape);
  const list = h(
    "div",
    { class: "viewport", ref: viewport, tabIndex: 0, role: "group", "aria-label": label, onKeyDown },
    h(
      "ol",
      { style: { paddingTop: `${shown.beforePx}px`, paddingBottom: `${shown.afterPx}px` } },
      items.slice(shown.first, shown.end).map((item, i) => {
        const key = keyOf(item);
        return h(Row<T>, {
          key,
          item,
          at: shown.first + i,
          count: items.length,
          isOpen: open.has(key),
          look,
          row,
          detail,
          onToggle: () => toggle(key),
          onHeight: (px: number) => measured(key, px),
        });
      }),
    ),
  );
  return heads === undefined ? list : [h("div", { class: "row heads" }, heads), list];
}

interface RowProps<T> extends Pick<VirtualListProps<T>, "row" | "detail"> {
  readonly item: T;
  readonly at: number;
  readonly count: number;
  readonly isOpen: boolean;
  readonly look: string;
  readonly onToggle: () => void;
  readonly onHeight: (px: number) => void;
}

/** A closed row is drawn again only where it would look different: scrolling is the drawing of what is new. */
class Row<T> extends Component<RowProps<T>> {
  override shouldComponentUpdate(next: RowProps<T>): boolean {
    const { item, at, count, isOpen, look } = this.props;
    return next.isOpen || next.isOpen !== isOpen || next.item !== item || next.at !== at || next.count !== count ||
      next.look !== look;
  }

  render({ item, at, count, isOpen, row, detail, onToggle, onHeight }: RowProps<T>) {
    return h(
      "li",
      { "aria-setsize": count, "aria-posinset": at + 1 },
      h(
        "button",
        { type: "button", class: "row", "data-row": at, "aria-expanded": isOpen, onClick: onToggle },
        row(item),
      ),
      isOpen && h(Detail, { onHeight }, detail(item)),
    );
  }
}

/** Where the rows of these keys are. */
function placesOf<T>(items: readonly T[], keyOf: (item: T) => string, keys: ReadonlyMap<string, unknown>) {
  const places = new Map<string, number>();
  items.forEach((item, at) => {
    const key = keyOf(item);
    if (keys.has(key)) places.set(key, at);
  });
  return places;
}

function Detail({ children, onHeight }: {
  readonly children?: ComponentChildren;
  readonly onHeight: (px: number) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const told = useRef(onHeight);
  told.current = onHeight;
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return;
    const measure = () => told.current(element.offsetHeight);
    measure();
    const resized = new ResizeObserver(measure);
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  return h("div", { class: "detail", ref: place }, children);
}

/** Arrow keys go from row to row, also to those that are not in the document yet. */
function moveFocus(event: KeyboardEvent, viewport: HTMLDivElement | null, shape: Parameters<typeof topOf>[0]): void {
  const from = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("[data-row]") : null;
  const isList = event.target === viewport;
  if (viewport === null || shape.count === 0 || (from === null && !isList)) return;
  const at = from === null ? -1 : Number(from.dataset.row);
  const page = Math.max(1, Math.floor(viewport.clientHeight / shape.rowPx) - 1);
  const target: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: shape.count - 1,
  };
  const wanted = target[event.key];
  if (wanted === undefined) return;
  event.preventDefault();
  const row = Math.max(0, Math.min(shape.count - 1, wanted));
  const top = topOf(shape, row);
  if (top < viewport.scrollTop) viewport.scrollTop = top;
  const bottom = top + shape.rowPx - viewport.clientHeight;
  if (bottom > viewport.scrollTop) viewport.scrollTop = bottom;
  // Drawn by then.
  requestAnimationFrame(() =>
    requestAnimationFrame(() =>
      viewport.querySelector<HTMLElement>(`[data-row="${row}"]`)?.focus({ preventScroll: true })
    )
  );
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => setMatches(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return matches;
}
