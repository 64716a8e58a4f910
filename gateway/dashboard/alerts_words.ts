/** What alerts say, in words. Pure. */
import type { Alert, AlertFigures } from "./alerts_api.ts";

/** A figure as people read it. */
export function figureOf(value: number | null, unit: string): string {
  if (value === null) return "no data";
  if (unit === "share") return `${short(value * 100)} %`;
  return `${short(value)} ${unit}`.trim();
}

function short(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

/** "normal up to 5 %", "normal 4 to 20 events"; the empty text where there is no band. */
export function bandOf({ low, high, unit }: Pick<AlertFigures, "low" | "high" | "unit">): string {
  if (low === null) return high === null ? "" : `normal up to ${figureOf(high, unit)}`;
  if (high === null) return `normal from ${figureOf(low, unit)}`;
  const isShare = unit === "share";
  return `normal ${isShare ? short(low * 100) : short(low)} to ${figureOf(high, unit)}`;
}

/** What it is held against, in one line: expected, band, baseline, samples. */
export function againstOf(figures: AlertFigures): string {
  const { expected, unit, baseline, samples } = figures;
  const pieces = [
    expected === null ? "" : `expected ${figureOf(expected, unit)}`,
    bandOf(figures),
    baseline === "" || baseline === "fixed" ? "" : baseline,
    samples > 0 ? `${samples.toLocaleString("en")} ${samples === 1 ? "sample" : "samples"}` : "",
  ];
  return pieces.filter((piece) => piece !== "").join(" · ");
}

/** What tells it from others of its rule: "pay", "pay /refund". */
export function placeOf({ groupedBy, labels }: Pick<Alert, "groupedBy" | "labels">): string {
  return groupedBy.filter((name) => name !== "fingerprint").map((name) => labels[name] ?? "")
    .filter((value) => value !== "").join(" ");
}

/**
 * What is acknowledged or silenced with an alert: "alerts of service pay (2 now)". The topic is left out, since all that is
 * shown beside it is of one.
 */
export function heldOf({ messages }: Pick<Alert, "messages">): string {
  return messages.map(({ labels, alerts }) => {
    const alike = Object.entries(labels).filter(([name, value]) => name !== "topic" && value !== "");
    const which = alike.map(([name, value]) => `${name} ${value}`).join(", ");
    return `${which === "" ? "all alerts of its message" : `alerts of ${which}`} (${alerts} now)`;
  }).join(" and ");
}

/** The figures that matter: of what is over, those that made it fire. */
export const figuresOf = ({ state, cause, latest }: Alert): AlertFigures => state === "resolved" ? cause : latest;

/** Its state, and why nobody is told of it. */
export function standingOf(alert: Alert): string {
  const words = { firing: "firing", recovering: "recovering", pending: "pending", resolved: "over" };
  return alert.state !== "resolved" && !alert.hasData ? `${words[alert.state]}, no data` : words[alert.state];
}

/** "2 firing, 1 pending", the worst first; the empty text where all is over. */
export function countsOf(alerts: readonly Pick<Alert, "state">[]): string {
  return (["firing", "recovering", "pending"] as const).flatMap((state) => {
    const count = alerts.filter((each) => each.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  }).join(", ");
}
