/** What a view of the dashboard shows, as the query of its address: a link shows the same view to somebody else. */

/** A relative range reaches back from now and moves with it (`now-1h`); an absolute one has its two ends, epoch milliseconds. */
export type ViewRange =
  | { readonly kind: "relative"; readonly from: string }
  | { readonly kind: "absolute"; readonly fromMs: number; readonly toMs: number };

/** Which list of records is shown. */
export const TABS = ["events", "tail", "quarantine"] as const;
export type Tab = (typeof TABS)[number];

export interface ViewState {
  readonly topic: string | null;
  readonly range: ViewRange;
  /** Conditions as the API's `where` takes them; all must hold. */
  readonly where: readonly string[];
  /** Text that events contain, or the empty one. */
  readonly q: string;
  /** The dimension that is broken down, or the empty one: the topic's first. */
  readonly by: string;
  readonly tab: Tab;
}

const RELATIVE = /^now-((?:\d{1,5}[smhdw])+)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const MS_PER_MINUTE = 60_000;

export const DEFAULT_RANGE: ViewRange = { kind: "relative", from: "now-1h" };

/** Reads the query of an address. What cannot be read counts as not given: an old link still opens. */
export function readView(search: string): ViewState {
  const given = new URLSearchParams(search);
  return {
    topic: given.get("topic") || null,
    range: readRange(given),
    where: given.getAll("where"),
    q: given.get("q") ?? "",
    by: given.get("by") ?? "",
    tab: TABS.find((tab) => tab === given.get("list")) ?? "events",
  };
}

/** The query of a view, with its question mark; a default is left out. */
export function writeView({ topic, range, where, q, by, tab }: ViewState): string {
  const query = new URLSearchParams();
  if (topic !== null) query.set("topic", topic);
  if (range.kind === "absolute" || range.from !== "now-1h") {
    const { from, to } = rangeParameters(range);
    query.set("from", from);
    query.set("to", to);
  }
  for (const condition of where) query.append("where", condition);
  if (q !== "") query.set("q", q);
  if (by !== "") query.set("by", by);
  if (tab !== "events") query.set("list", tab);
  return query.size === 0 ? "" : `?${query}`;
}

/** `from` and `to` as the API takes them. */
export function rangeParameters(range: ViewRange): { readonly from: string; readonly to: string } {
  if (range.kind === "relative") return { from: range.from, to: "now" };
  return { from: new Date(range.fromMs).toISOString(), to: new Date(range.toMs).toISOString() };
}

/** The same view with its range frozen, for a link that shows tomorrow what is seen now. */
export function frozen(view: ViewState, nowMs: number): ViewState {
  if (view.range.kind === "absolute") return view;
  // The API's own `now` is the end of the running minute as well.
  return { ...view, range: { kind: "absolute", ...endsOf(view.range, nowMs) } };
}

/** The ends of a range at a moment. */
export function endsOf(range: ViewRange, nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  if (range.kind === "absolute") return range;
  const toMs = Math.floor(nowMs / MS_PER_MINUTE + 1) * MS_PER_MINUTE;
  return { fromMs: nowMs - lengthMs(range.from), toMs };
}

/** Whether a text is a relative time that a view can begin with. */
export const isRelative = (text: string): boolean => RELATIVE.test(text) && lengthMs(text) > 0;

/** The range that many times as long around its middle (`factor`), or as long and that many lengths later (`lengths`). */
export function moved(range: ViewRange, nowMs: number, { factor = 1, lengths = 0 }): ViewRange {
  const { fromMs, toMs } = endsOf(range, nowMs);
  const [middle, half] = [(fromMs + toMs) / 2, (toMs - fromMs) / 2];
  const shifted = middle + lengths * 2 * half;
  return { kind: "absolute", fromMs: Math.round(shifted - half * factor), toMs: Math.round(shifted + half * factor) };
}

function readRange(given: URLSearchParams): ViewRange {
  const from = given.get("from") ?? "";
  const to = given.get("to") ?? "now";
  if (RELATIVE.test(from) && to === "now" && lengthMs(from) > 0) return { kind: "relative", from };
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  return fromMs < toMs ? { kind: "absolute", fromMs, toMs } : DEFAULT_RANGE;
}

function lengthMs(relative: string): number {
  let ms = 0;
  for (const [, count, unit] of relative.matchAll(/(\d+)([smhdw])/g)) ms += Number(count) * UNIT_MS[unit];
  return ms;
}
