/** What the page of errors shows, as the query of its address. */

export const SORTS = ["recent", "count", "new", "change"] as const;
export type Sort = (typeof SORTS)[number];

/** An incident or a fingerprint that is opened: one at a time. */
export type Opened = { readonly kind: "incident" | "fingerprint"; readonly id: string } | null;

export interface ErrorsView {
  readonly topic: string | null;
  readonly opened: Opened;
  /** Null: of all services; the empty one is that of events without any. */
  readonly service: string | null;
  /** Text that incidents and fingerprints contain, or the empty one. */
  readonly q: string;
  readonly sort: Sort;
  /** Whether incidents that are over are shown, too. */
  readonly hasResolved: boolean;
}

/** Reads the query of an address. What cannot be read counts as not given: an old link still opens. */
export function readErrors(search: string): ErrorsView {
  const given = new URLSearchParams(search);
  const [incident, fingerprint] = [given.get("incident"), given.get("fingerprint")];
  return {
    topic: given.get("topic") || null,
    opened: incident
      ? { kind: "incident", id: incident }
      : fingerprint
      ? { kind: "fingerprint", id: fingerprint }
      : null,
    service: given.get("service"),
    q: given.get("q") ?? "",
    sort: SORTS.find((sort) => sort === given.get("sort")) ?? "recent",
    hasResolved: given.get("resolved") === "1",
  };
}

/** The query of a view, with its question mark; a default is left out. */
export function writeErrors({ topic, opened, service, q, sort, hasResolved }: ErrorsView): string {
  const query = new URLSearchParams();
  if (topic !== null) query.set("topic", topic);
  if (opened !== null) query.set(opened.kind, opened.id);
  if (service !== null) query.set("service", service);
  if (q !== "") query.set("q", q);
  if (sort !== "recent") query.set("sort", sort);
  if (hasResolved) query.set("resolved", "1");
  return query.size === 0 ? "" : `?${query}`;
}
