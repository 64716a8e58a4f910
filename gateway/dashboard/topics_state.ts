/** What the page of topics shows of the log, as the query of its address. */

export interface BrowseState {
  readonly topic: string;
  /** Null: the first that holds a record. */
  readonly partition: number | null;
  /** An offset, `earliest`, `latest` or a time; empty: the newest records. */
  readonly at: string;
  /** Text that key or value contains. */
  readonly q: string;
  /** The very key, looked for in all partitions; empty where none is wanted. */
  readonly key: string;
}

/** With the partition that is shown. */
export interface BrowsedState extends BrowseState {
  readonly partition: number;
}

const LIMIT = 200;

export function readBrowse(search: string): BrowseState {
  const given = new URLSearchParams(search);
  const partition = Number(given.get("partition") || NaN);
  return {
    topic: given.get("topic") ?? "",
    partition: Number.isInteger(partition) && partition >= 0 ? partition : null,
    at: given.get("at") ?? "",
    q: given.get("q") ?? "",
    key: given.get("key") ?? "",
  };
}

export function writeBrowse({ topic, partition, at, q, key }: BrowseState): string {
  const query = new URLSearchParams();
  if (topic !== "") query.set("topic", topic);
  if (partition !== null) query.set("partition", String(partition));
  if (at !== "") query.set("at", at);
  if (q !== "") query.set("q", q);
  if (key !== "") query.set("key", key);
  return query.size === 0 ? "" : `?${query}`;
}

/** Parameters of the API. */
export function browseParameters({ partition, at, q, key }: BrowsedState): [string, string][] {
  const where: [string, string] = /^(?:\d{1,11}|earliest|latest|)$/.test(at) ? ["offset", at] : ["time", at];
  return [
    ["partition", String(partition)],
    ["limit", String(LIMIT)],
    ...(at === "" ? [] : [where]),
    ...(q === "" ? [] : [["q", q] as [string, string]]),
    ...(key === "" ? [] : [["key", key] as [string, string]]),
  ];
}

type Held = readonly { readonly partition: number; readonly start: number; readonly end: number }[];

/** The first partition that holds a record; null where none does. */
export const firstFilled = (partitions: Held): number | null =>
  partitions.find(({ start, end }) => end > start)?.partition ?? null;
