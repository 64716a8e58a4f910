/** What the page of topics shows of the log, as the query of its address. */

export interface BrowseState {
  readonly topic: string;
  readonly partition: number;
  /** An offset, `earliest`, `latest` or a time; empty: the newest records. */
  readonly at: string;
  /** Text that key or value contains. */
  readonly q: string;
  /** The very key, looked for in all partitions; empty where none is wanted. */
  readonly key: string;
}

const LIMIT = 200;

export function readBrowse(search: string): BrowseState {
  const given = new URLSearchParams(search);
  const partition = Number(given.get("partition") ?? 0);
  return {
    topic: given.get("topic") ?? "",
    partition: Number.isInteger(partition) && partition >= 0 ? partition : 0,
    at: given.get("at") ?? "",
    q: given.get("q") ?? "",
    key: given.get("key") ?? "",
  };
}

export function writeBrowse({ topic, partition, at, q, key }: BrowseState): string {
  const query = new URLSearchParams();
  if (topic !== "") query.set("topic", topic);
  if (partition !== 0) query.set("partition", String(partition));
  if (at !== "") query.set("at", at);
  if (q !== "") query.set("q", q);
  if (key !== "") query.set("key", key);
  return query.size === 0 ? "" : `?${query}`;
}

/** Parameters of the API. */
export function browseParameters({ partition, at, q, key }: BrowseState): [string, string][] {
  const where: [string, string] = /^(?:\d{1,11}|earliest|latest|)$/.test(at) ? ["offset", at] : ["time", at];
  return [
    ["partition", String(partition)],
    ["limit", String(LIMIT)],
    ...(at === "" ? [] : [where]),
    ...(q === "" ? [] : [["q", q] as [string, string]]),
    ...(key === "" ? [] : [["key", key] as [string, string]]),
  ];
}
