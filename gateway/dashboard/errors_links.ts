/** Where there is more about an error: events on the dashboard, records in the log. Pure. */
import { including } from "./conditions.ts";

/** Before the first occurrence and after the last, as links in messages have it. */
const MARGIN_MS = 10 * 60_000;
const MINUTE_MS = 60_000;

export interface EventsWanted {
  readonly topic: string;
  readonly service: string;
  readonly levels: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Text that they contain. */
  readonly q?: string;
  /** Further values, by field. */
  readonly values?: readonly (readonly [field: string, value: string])[];
}

/** The dashboard with these events; its range does not move, so that the link shows tomorrow what it shows now. */
export function eventsLink({ topic, service, levels, fromMs, toMs, q = "", values = [] }: EventsWanted): string {
  const query = new URLSearchParams({
    topic,
    from: iso(Math.floor((fromMs - MARGIN_MS) / MINUTE_MS) * MINUTE_MS),
    to: iso(Math.ceil((toMs + MARGIN_MS) / MINUTE_MS) * MINUTE_MS),
  });
  if (levels.length > 0) query.append("where", `level=${levels.join("|")}`);
  if (service !== "") query.append("where", including("service", service));
  for (const [field, value] of values) query.append("where", including(field, value));
  if (q !== "") query.set("q", q);
  return `/dashboard?${query}`;
}

/** The record itself, as it lies in the log. */
export function recordLink(topic: string, partition: number, offset: number): string {
  return `/topics?${new URLSearchParams({ topic, partition: String(partition), at: String(offset) })}`;
}

const iso = (ms: number): string => new Date(ms).toISOString();
