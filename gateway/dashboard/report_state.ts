/** What a report shows, as the query of its address. */

export interface ReportViewState {
  readonly topic: string | null;
  /** As the API takes them; empty: everything. */
  readonly from: string;
  readonly to: string;
  readonly tz: string;
  readonly where: readonly string[];
}

/** Longest length of the lists on the page. */
const LIMIT = 20;

/** Reads the query of an address; what is not given is everything, in UTC. */
export function readReportView(search: string): ReportViewState {
  const given = new URLSearchParams(search);
  return {
    topic: given.get("topic") || null,
    from: given.get("from") ?? "",
    to: given.get("to") ?? "",
    tz: given.get("tz") || "UTC",
    where: given.getAll("where"),
  };
}

/** The query of a view, with its question mark; a default is left out. */
export function writeReportView({ topic, from, to, tz, where }: ReportViewState): string {
  const query = new URLSearchParams();
  if (topic !== null) query.set("topic", topic);
  if (from !== "") query.set("from", from);
  if (to !== "") query.set("to", to);
  if (tz !== "UTC") query.set("tz", tz);
  for (const condition of where) query.append("where", condition);
  return query.size === 0 ? "" : `?${query}`;
}

/** Parameters of the API for a view of that topic. */
export function reportParameters({ from, to, tz, where }: ReportViewState, topic: string): [string, string][] {
  const range: [string, string][] = [["from", from], ["to", to]];
  return [
    ["topic", topic],
    ...range.filter(([, value]) => value !== ""),
    ["tz", tz],
    ["limit", String(LIMIT)],
    ...where.map((condition): [string, string] => ["where", condition]),
  ];
}
