/** Pushes alerts to Alertmanagers (API v2), which then group, silence and tell: as Prometheus does it. */
import { z } from "zod";
import { type Instance, isActive } from "./alert.ts";
import { AlertmanagerApi } from "./alertmanager_api.ts";
import { dashboardLink, figure, type Told } from "./alert_notice.ts";
import { MINUTE_MS } from "./durations.ts";

/** An alert as POST /api/v2/alerts takes it. */
export const postableAlert = z.object({
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  startsAt: z.string(),
  endsAt: z.string(),
  generatorURL: z.string().optional(),
});
export type PostableAlert = z.infer<typeof postableAlert>;

/** Alerts that fire are sent again as often, changed or not ... */
const RESEND_MS = 60_000;
/** ... and count as resolved where nobody has sent them for so long. */
const VALID_MS = 4 * RESEND_MS;
/** What is resolved is sent for so long, in case that one was missed. */
const RESOLVED_MS = 15 * 60_000;

export interface AlertmanagerParts {
  /** Base addresses, as in http://127.0.0.1:9093; each gets all alerts. */
  readonly urls: readonly string[];
  readonly dashboardUrl: string | null;
  readonly onProblem: (message: string) => void;
}

export class AlertmanagerPush {
  readonly #parts: AlertmanagerParts;
  readonly #sentMs = new Map<string, number>();
  readonly #sentDigests = new Map<string, string>();
  readonly #api: AlertmanagerApi;

  constructor(parts: AlertmanagerParts) {
    this.#parts = parts;
    this.#api = new AlertmanagerApi("got no alerts", parts.onProblem);
  }

  /** Sends what has to be sent now. Failures are told once, and all is sent again at the next call. */
  async push(alerts: readonly Told[], nowMs: number): Promise<void> {
    const wanted = alerts.filter(({ instance }) => isWanted(instance, nowMs));
    const postable = wanted.map((alert) => postableOf(alert, nowMs, this.#parts.dashboardUrl));
    const digest = wanted.map(({ instance: { rule, labels, state } }) => JSON.stringify([rule, labels, state])).join(
      "\n",
    );
    await Promise.all(this.#parts.urls.map((url) => this.#pushTo(url, postable, digest, nowMs)));
  }

  async #pushTo(url: string, alerts: readonly PostableAlert[], digest: string, nowMs: number): Promise<void> {
    const isFresh = nowMs - (this.#sentMs.get(url) ?? -Infinity) < RESEND_MS;
    if (isFresh && this.#sentDigests.get(url) === digest) return;
    if (alerts.length > 0 && !await this.#post(url, alerts)) return;
    this.#sentMs.set(url, nowMs);
    this.#sentDigests.set(url, digest);
  }

  #post(url: string, alerts: readonly PostableAlert[]): Promise<boolean> {
    return this.#api.with(url, async (ask) => void await ask("POST", "alerts", alerts));
  }
}

function isWanted(instance: Instance, nowMs: number): boolean {
  if (isActive(instance)) return true;
  return instance.state === "resolved" && instance.firedAt !== null &&
    nowMs - instance.since * MINUTE_MS < RESOLVED_MS;
}

/** Label names that Alertmanager and Prometheus know: the rule is the alertname. */
export function labelsOf({ labels: { rule, ...labels } }: Told): Record<string, string> {
  return withoutEmpty({ alertname: rule, ...labels });
}

/** An alert as Alertmanager takes it. */
export function postableOf(alert: Told, nowMs: number, dashboardUrl: string | null): PostableAlert {
  const { instance, rule } = alert;
  const { verdict, state, startedAt, since } = instance;
  const annotations = {
    summary: rule?.summary ?? "",
    runbook: rule?.runbook ?? "",
    observed: figure(verdict.observed, verdict.unit),
    expected: verdict.expected === null ? "" : figure(verdict.expected, verdict.unit),
    low: verdict.low === null ? "" : figure(verdict.low, verdict.unit),
    high: verdict.high === null ? "" : figure(verdict.high, verdict.unit),
    baseline: verdict.baseline,
    samples: String(verdict.samples),
    detail: verdict.detail ?? "",
  };
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    labels: labelsOf(alert),
    annotations: withoutEmpty(annotations),
    startsAt: iso(startedAt * MINUTE_MS),
    endsAt: iso(state === "resolved" ? since * MINUTE_MS : nowMs + VALID_MS),
    ...(dashboardUrl === null ? {} : { generatorURL: dashboardLink(dashboardUrl, instance, rule) }),
  };
}

function withoutEmpty(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ""));
}
