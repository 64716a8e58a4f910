/** What came of a topic between two frontiers, as far as a listener wants it: some of the events, and how many there were. */
import { TEXT_FIELDS } from "../../core/minutes/fields.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import type { Condition, OffsetRange, StoreQueries, TimeRange } from "../../core/store/ports.ts";
import { EVERYTHING } from "../time_range.ts";
import { parseWhere } from "../where.ts";
import { type EventJson, eventJson } from "./event_json.ts";

/** Events that are told at once; a look comes twice a second at most. */
const EVENTS_MAX = 500;
const BYTES_MAX = 1_048_576;
/** Events of a time before that are no news, and would take a search through all that is stored. */
const REACH_MS = 3_600_000;

export interface TailQuery {
  readonly level?: string;
  readonly q?: string;
  readonly where: readonly string[];
}

/** One message: every record that came is counted, whatever is told of it. */
export interface TailMessage {
  /** Records that were stored meanwhile, also those that could not be parsed. */
  readonly records: number;
  /** Events among them that fit. */
  readonly matched: number;
  /** Those that fit and are not here. */
  readonly dropped: number;
  /** The newest of them, oldest first. */
  readonly events: readonly EventJson[];
}

export class Tail {
  readonly #store: Pick<StoreQueries, "events" | "count">;
  readonly #topic: Topic;
  readonly #where: readonly Condition[];
  readonly #text: string | undefined;

  /** Throws a Problem for a condition that is none. */
  constructor(store: Pick<StoreQueries, "events" | "count">, topic: Topic, { level, q, where }: TailQuery) {
    this.#store = store;
    this.#topic = topic;
    this.#text = q;
    // Parsers write levels in upper case.
    const levels: Condition[] = level === undefined
      ? []
      : [{ field: "level", op: "in", values: level.toUpperCase().split("|") }];
    this.#where = [...parseWhere(where, TEXT_FIELDS), ...levels];
  }

  /** What came between two frontiers, at `nowMs`; null where nothing did. */
  async read(before: string, after: string, nowMs: number): Promise<TailMessage | null> {
    const offsets = offsetsBetween(before, after);
    if (offsets.length === 0) return null;
    const range: TimeRange = { fromMs: nowMs - REACH_MS, toMs: EVERYTHING.toMs };
    const query = { topicId: this.#topic.id, range, where: this.#where, text: this.#text, offsets };
    const events = await this.#store.events({ ...query, limit: EVENTS_MAX, bytesMax: BYTES_MAX });
    const bytes = events.reduce((sum, { raw }) => sum + raw.length, 0);
    const isCut = events.length >= EVENTS_MAX || bytes >= BYTES_MAX;
    const matched = isCut ? (await this.#store.count({ ...query, table: "events" })).rows : events.length;
    return {
      records: offsets.reduce((sum, { from, to }) => sum + to - from, 0),
      matched,
      dropped: matched - events.length,
      events: events.map((event) => eventJson(this.#topic.name, event)).reverse(),
    };
  }
}

/** A frontier as the id of an event: `0:1204,1:1187`, partitions and their checkpoints. */
export function frontierId(standings: readonly { readonly partition: number; readonly checkpoint: number }[]): string {
  return standings.map(({ partition, checkpoint }) => `${partition}:${checkpoint}`).join(",");
}

/** What lies between; a partition that only the later one has is new. An id that is none is of no partition. */
function offsetsBetween(before: string, after: string): OffsetRange[] {
  const from = readFrontier(before);
  return [...readFrontier(after)].map(([partition, to]) => ({ partition, from: from.get(partition) ?? 0, to }))
    .filter(({ from, to }) => from < to);
}

function readFrontier(id: string): Map<number, number> {
  return new Map([...id.matchAll(/(\d{1,9}):(\d{1,15})/g)].map(([, partition, offset]) => [+partition, +offset]));
}
