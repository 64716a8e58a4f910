/** The range of a view: one of the usual ones, any other, earlier, later, wider. */
import { h } from "preact";
import { useRef, useState } from "preact/hooks";
import { Choice } from "./controls.ts";
import { parseStamp, stampOf, zoneName } from "./times.ts";
import { isRelative, moved, rangeParameters, type ViewRange } from "./url_state.ts";

const RANGES: Readonly<Record<string, string>> = {
  "now-15m": "last 15 minutes",
  "now-1h": "last hour",
  "now-6h": "last 6 hours",
  "now-1d": "last day",
  "now-7d": "last 7 days",
};
const OTHER = "other";

export function RangeControl({ range, onRange }: {
  readonly range: ViewRange;
  readonly onRange: (range: ViewRange) => void;
}) {
  const [isOther, setOther] = useState(false);
  const current = range.kind === "relative" ? range.from : `${stampOf(range.fromMs)} – ${stampOf(range.toMs)}`;
  const step = (label: string, text: string, change: { factor?: number; lengths?: number }) =>
    h("button", {
      type: "button",
      "aria-label": label,
      title: label,
      onClick: () => onRange(moved(range, Date.now(), change)),
    }, text);
  return h("div", { class: "range", role: "group", "aria-label": "Range of time" }, [
    step("Earlier", "‹", { lengths: -1 }),
    h(Choice, {
      label: "Range",
      value: current,
      options: [...Object.entries({ [current]: current, ...RANGES }), [OTHER, "other…"]],
      onChoice: (value) => value === OTHER ? setOther(true) : onRange({ kind: "relative", from: value }),
    }),
    step("Later", "›", { lengths: 1 }),
    step("Twice as long", "⊖", { factor: 2 }),
    isOther && h(OtherRange, {
      range,
      onRange: (chosen) => {
        setOther(false);
        onRange(chosen);
      },
      onClose: () => setOther(false),
    }),
  ]);
}

/** Asks for any range of time. */
export function OtherRange({ range, onRange, onClose }: {
  readonly range: ViewRange;
  readonly onRange: (range: ViewRange) => void;
  readonly onClose: () => void;
}) {
  const [problem, setProblem] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const { from, to } = range.kind === "relative"
    ? rangeParameters(range)
    : { from: stampOf(range.fromMs), to: stampOf(range.toMs) };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (form.current === null) return;
    const given = new FormData(form.current);
    const [from, to] = ["from", "to"].map((name) => String(given.get(name) ?? "").trim());
    if (isRelative(from) && (to === "now" || to === "")) return onRange({ kind: "relative", from });
    const [fromMs, toMs] = [parseStamp(from), to === "now" ? Date.now() : parseStamp(to)];
    if (fromMs < toMs) return onRange({ kind: "absolute", fromMs, toMs });
    setProblem(
      Number.isNaN(fromMs) || Number.isNaN(toMs)
        ? `Times are as in 2026-03-01 12:00 (${zoneName()}), 2026-03-01T12:00Z, or from now-90m to now.`
        : "It begins after its end.",
    );
  };
  return h(
    "form",
    {
      class: "popover",
      ref: form,
      onSubmit: submit,
      onKeyDown: (event: KeyboardEvent) => event.key === "Escape" && onClose(),
    },
    h("p", { class: "hint" }, `Times without a zone are of ${zoneName()}.`),
    h("label", null, [h("span", null, "from"), h("input", { name: "from", defaultValue: from, autofocus: true })]),
    h("label", null, [h("span", null, "to"), h("input", { name: "to", defaultValue: to })]),
    problem !== "" && h("p", { role: "alert" }, problem),
    h("div", { class: "actions" }, [
      h("button", { type: "submit", class: "main" }, "Show"),
      h("button", { type: "button", onClick: onClose }, "Cancel"),
    ]),
  );
}
