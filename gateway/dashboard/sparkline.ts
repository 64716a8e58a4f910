/** A small line of values, beside the words that say the same. */
import { h } from "preact";

export function Sparkline({ values, label, width = 96, height = 22, colour = "--accent" }: {
  readonly values: readonly number[];
  /** What it shows, in words. */
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
  readonly colour?: string;
}) {
  if (values.length < 2) return null;
  const max = Math.max(1e-9, ...values);
  const x = (i: number) => (i / (values.length - 1) * width).toFixed(1);
  const y = (value: number) => (height - 1 - value / max * (height - 3)).toFixed(1);
  const line = values.map((value, i) => `${x(i)},${y(value)}`).join(" ");
  return h(
    "svg",
    {
      class: "sparkline",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": label,
      style: { "--swatch": `var(${colour})` },
    },
    h("title", null, label),
    h("polygon", { points: `0,${height} ${line} ${width},${height}` }),
    h("polyline", { points: line }),
  );
}
