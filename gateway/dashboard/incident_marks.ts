/** Incidents as marks on charts, and how the analyzer that finds them is doing. */
import * as z from "zod/mini";
import { ask } from "./api.ts";
import type { Mark } from "./chart.ts";
import { inert } from "./inert.ts";

const ASKED_MAX = 100;
const TITLE_MAX = 60;

/** What marks need of an incident. */
const incident = z.object({
  id: z.string(),
  title: z.string(),
  state: z.string(),
  openedAt: z.string(),
  resolvedAt: z.nullable(z.string()),
});
const analyzer = z.object({
  readAt: z.nullable(z.string()),
  trouble: z.nullable(z.string()),
  asked: z.number(),
  usd: z.number(),
});
const answer = z.object({ incidents: z.array(incident), analyzer });

export type MarkedIncident = z.infer<typeof incident>;
export type AnalyzerStanding = z.infer<typeof analyzer> & { readonly openIncidents: number };

export interface Incidents {
  readonly incidents: readonly MarkedIncident[];
  readonly analyzer: AnalyzerStanding;
}

/** Incidents of a topic, also those that are over; null where nobody can tell. */
export async function loadIncidents(topic: string): Promise<Incidents | null> {
  try {
    const query: [string, string][] = [["topic", topic], ["state", "all"], ["limit", String(ASKED_MAX)]];
    const { incidents, analyzer } = await ask("/api/v1/incidents", answer, query);
    const openIncidents = incidents.filter(({ state }) => state !== "resolved").length;
    return { incidents, analyzer: { ...analyzer, openIncidents } };
  } catch {
    return null; // of a gateway without an analyzer
  }
}

/** Those that touch the range, newest first; one that is not over reaches to its end. Pure. */
export function incidentMarks(
  topic: string,
  incidents: readonly MarkedIncident[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Mark[] {
  return incidents.map(({ id, title, openedAt, resolvedAt }): Mark => ({
    fromMs: Date.parse(openedAt),
    toMs: resolvedAt === null ? toMs : Date.parse(resolvedAt),
    kind: "incident",
    isOver: resolvedAt !== null,
    label: inert(title.length > TITLE_MAX ? `${title.slice(0, TITLE_MAX)}…` : title),
    href: `/errors?${new URLSearchParams({ topic, incident: id })}`,
  })).filter((mark) => mark.fromMs < toMs && mark.toMs >= fromMs)
    .sort((a, b) => b.fromMs - a.fromMs);
}
