/**
 * Puts what people silenced here into Alertmanagers (API v2), so that those do not call about it either. One silence an alert,
 * by all its labels: then it holds for no other, and not for the same one where that gets worse.
 */
import { z } from "zod";
import { type AlertDecisions, decidedOn } from "../../core/alerts/decisions.ts";
import { isActive } from "./alert.ts";
import type { Told } from "./alert_notice.ts";
import { labelsOf } from "./alertmanager.ts";
import { AlertmanagerApi, type Ask } from "./alertmanager_api.ts";
import { type Groups, messagesOf } from "./dispatch.ts";
import type { RuleSet } from "./rules_file.ts";

/** An alert, by its labels as Alertmanager has them, and how long people want to hear nothing of it. */
export interface SilencedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly silence: { readonly untilMs: number; readonly by: string; readonly comment: string } | null;
}

/** What people silenced of the alerts of now, as far as it holds in every message that an alert is told in. */
export function silencedOf(
  alerts: readonly Told[],
  { routes }: Pick<RuleSet, "routes">,
  groups: Groups,
  decisions: AlertDecisions,
  nowMs: number,
): SilencedAlert[] {
  return alerts.filter(({ instance }) => isActive(instance)).map((alert) => {
    const messages = messagesOf(routes, alert.labels, groups);
    const { silence } = decidedOn(messages, alert.instance.severity, decisions, nowMs);
    return { labels: labelsOf(alert), silence };
  });
}

/** Ends the comment of ours: others are not touched. */
const MARK = "(silenced in Millrace)";

const matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  isEqual: z.boolean().default(true),
});
const listed = z.object({
  id: z.string(),
  status: z.object({ state: z.enum(["active", "pending", "expired"]) }),
  matchers: z.array(matcher),
  endsAt: z.string(),
  comment: z.string(),
});
type Listed = z.infer<typeof listed>;

export interface AlertmanagerSilencesParts {
  readonly urls: readonly string[];
  readonly onProblem: (message: string) => void;
}

export class AlertmanagerSilences {
  readonly #parts: AlertmanagerSilencesParts;
  readonly #api: AlertmanagerApi;
  /** By address, what was wanted when it last had all of it; absent: it has not been asked what it has. */
  readonly #settled = new Map<string, string>();
  /** Ends of silences that an Alertmanager has, by the labels of their alerts. */
  readonly #untilMs = new Map<string, number>();

  constructor(parts: AlertmanagerSilencesParts) {
    this.#parts = parts;
    this.#api = new AlertmanagerApi("was not told what is silenced", parts.onProblem);
  }

  /** Makes silences, moves their ends, and ends them, for all alerts that there are. What fails is done at the next call. */
  async keep(alerts: readonly SilencedAlert[], nowMs: number): Promise<void> {
    for (const [key, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(key);
    const wanted = new Map(alerts.map((alert) => [keyOf(alert.labels), alert]));
    for (const url of this.#parts.urls) {
      // One after the other: those of a cluster tell each other, and the next may have it already.
      if (this.#settled.get(url) === this.#digestOf(wanted)) continue;
      const isDone = await this.#api.with(url, (ask) => this.#settle(ask, wanted, nowMs));
      if (isDone) this.#settled.set(url, this.#digestOf(wanted));
    }
  }

  /** What is or was silenced, as it should be: nothing is asked while that stays. */
  #digestOf(wanted: ReadonlyMap<string, SilencedAlert>): string {
    const ends = [...wanted].map(([key, { silence }]) => [key, silence?.untilMs ?? null] as const);
    return JSON.stringify(ends.filter(([key, untilMs]) => untilMs !== null || this.#untilMs.has(key)).sort());
  }

  async #settle(ask: Ask, wanted: ReadonlyMap<string, SilencedAlert>, nowMs: number): Promise<void> {
    const all = listed.array().parse(JSON.parse(await ask("GET", "silences")));
    const ours = Map.groupBy(
      all.filter(({ status, comment }) => status.state !== "expired" && comment.endsWith(MARK)),
      ({ matchers }) => keyOf(Object.fromEntries(matchers.map(({ name, value }) => [name, value]))),
    );
    for (const [key, [{ endsAt }]] of ours) this.#untilMs.set(key, Date.parse(endsAt));
    for (const [key, { labels, silence }] of wanted) {
      const there = ours.get(key) ?? [];
      if (silence === null) {
        for (const { id } of there) await ask("DELETE", `silence/${id}`);
        this.#untilMs.delete(key);
      } else if (!there.some(({ endsAt }) => Date.parse(endsAt) === silence.untilMs)) {
        await ask("POST", "silences", silenceOf(labels, silence, there.at(0), nowMs));
        this.#untilMs.set(key, silence.untilMs);
      }
    }
  }
}

function silenceOf(
  labels: SilencedAlert["labels"],
  { untilMs, by, comment }: NonNullable<SilencedAlert["silence"]>,
  there: Listed | undefined,
  nowMs: number,
) {
  return {
    // With its id one is changed, rather than another made.
    ...(there === undefined ? {} : { id: there.id }),
    matchers: Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
    startsAt: new Date(nowMs).toISOString(),
    endsAt: new Date(untilMs).toISOString(),
    createdBy: by === "" ? "Millrace" : by,
    comment: `${comment} ${MARK}`.trim(),
  };
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
