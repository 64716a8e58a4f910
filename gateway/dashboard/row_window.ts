/** Which rows of a long list are to be drawn: those that are seen, and some beside them. Pure. */

export interface ListShape {
  readonly count: number;
  /** Of a row that is closed. */
  readonly rowPx: number;
  /** What open rows are higher than that, by their place. */
  readonly extraPx: ReadonlyMap<number, number>;
}

export interface RowWindow {
  /** Rows [first, end) are drawn. */
  readonly first: number;
  readonly end: number;
  /** Height of those before and after them. */
  readonly beforePx: number;
  readonly afterPx: number;
}

/** @param topPx Where the view begins in the list. `beside`: rows drawn before and after what is seen. */
export function rowWindow(shape: ListShape, topPx: number, viewPx: number, beside: number): RowWindow {
  const { count } = shape;
  const first = Math.max(0, Math.min(count, rowAt(shape, topPx)) - beside);
  const end = Math.min(count, rowAt(shape, topPx + viewPx) + 1 + beside);
  return { first, end, beforePx: topOf(shape, first), afterPx: topOf(shape, count) - topOf(shape, end) };
}

/** Where a row begins. */
export function topOf({ rowPx, extraPx }: ListShape, row: number): number {
  let top = row * rowPx;
  for (const [at, px] of extraPx) if (at < row) top += px;
  return top;
}

/** The row at a height: the last one that begins there or before. */
function rowAt({ count, rowPx, extraPx }: ListShape, px: number): number {
  let before = 0; // what open rows above add
  for (const [at, extra] of [...extraPx].sort(([a], [b]) => a - b)) {
    const begins = at * rowPx + before;
    if (px < begins) break;
    if (px < begins + rowPx + extra) return at;
    before += extra;
  }
  return Math.max(0, Math.min(count - 1, Math.floor((px - before) / rowPx)));
}
