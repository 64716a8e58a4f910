/** The service level: how good it was, against what is wanted, and how much may still go wrong. */
import { h } from "preact";
import type { Summary } from "./api.ts";
import { compact, percent } from "./parts.ts";

const [WIDTH, HEIGHT, RADIUS, STROKE] = [180, 100, 78, 14];
/** Below, what is left is worth a look. */
const LITTLE_LEFT = 0.25;

export function ServiceLevel({ summary, onTarget }: { readonly summary: Summary; readonly onTarget: () => void }) {
  const { sla: { target, availability, isMet, errorBudgetLeft }, totals } = summary;
  const change = h("button", { type: "button", class: "link", onClick: onTarget }, `target ${target} %`);
  if (availability === null || errorBudgetLeft === null) {
    return h(
      "div",
      { class: "sla" },
      h("p", { class: "empty" }, "No events in this range: nothing to judge. "),
      change,
    );
  }
  const events = totals.count - totals.unparsed;
  const allowed = events * (100 - target) / 100;
  const state = errorBudgetLeft < 0 ? "over" : errorBudgetLeft < LITTLE_LEFT ? "little" : "good";
  const said = errorBudgetLeft < 0
    ? `overdrawn ${compact.format(1 - errorBudgetLeft)}-fold`
    : `${percent(errorBudgetLeft)} left`;
  return h(
    "div",
    { class: "sla", "data-state": state },
    h(Gauge, { availability, target, label: `availability ${availability} %, ${isMet === true ? "met" : "missed"}` }),
    h("p", { class: "verdict" }, [
      h("b", null, isMet === true ? "✓ met" : "✗ missed"),
      " ",
      change,
    ]),
    h("dl", null, [
      h("div", null, h("dt", null, "error budget"), h("dd", null, said)),
      h("div", null, [
        h("dt", null, "errors"),
        h("dd", null, `${compact.format(totals.errors)} of ${compact.format(allowed)} allowed`),
      ]),
    ]),
    h(
      "div",
      {
        class: "budget",
        role: "meter",
        "aria-label": "error budget left",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuenow": Math.round(Math.max(0, errorBudgetLeft) * 100),
        "aria-valuetext": said,
      },
      h("div", { style: { width: `${Math.max(0, Math.min(1, errorBudgetLeft)) * 100}%` } }),
    ),
  );
}

/** A half circle of what lies around the target: twice the errors that it allows, or more where more were made. */
function Gauge({ availability, target, label }: {
  readonly availability: number;
  readonly target: number;
  readonly label: string;
}) {
  const lowest = Math.max(0, target - 1.25 * Math.max(100 - target, target - availability));
  const shareOf = (value: number) => Math.max(0, Math.min(1, (value - lowest) / (100 - lowest)));
  const arc = Math.PI * RADIUS;
  const [cx, cy] = [WIDTH / 2, HEIGHT - 8];
  const path = `M ${cx - RADIUS} ${cy} A ${RADIUS} ${RADIUS} 0 0 1 ${cx + RADIUS} ${cy}`;
  const angle = Math.PI * (1 - shareOf(target));
  const at = (radius: number) => [cx + radius * Math.cos(angle), cy - radius * Math.sin(angle)];
  const [[x1, y1], [x2, y2]] = [at(RADIUS - STROKE), at(RADIUS + STROKE)];
  return h(
    "svg",
    { class: "gauge", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    h("path", { class: "track", d: path, "stroke-width": STROKE }),
    h("path", {
      class: "fill",
      d: path,
      "stroke-width": STROKE,
      "stroke-dasharray": `${shareOf(availability) * arc} ${arc}`,
    }),
    h("line", { class: "target", x1, y1, x2, y2 }),
    h("text", { x: cx, y: cy - 14, "text-anchor": "middle" }, `${availability} %`),
  );
}
