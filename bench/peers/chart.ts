/** Comparisons as a chart: bars of medians, with a line from minimum to maximum. */
import type { Comparison } from "./runs.ts";

const [WIDTH, LABEL, BAR, GAP] = [900, 340, 20, 6];

/** SVG that says what it shows to who cannot see it, and takes the reader's colours. */
export function chartOf(comparisons: readonly Comparison[]): string {
  const parts: string[] = [];
  const runs = [...new Set(comparisons.map(({ runs }) => runs))].join(" or ");
  let y = 24;
  parts.push(
    `<text x="10" y="${y}">Thousand records/s: medians of ${runs} runs, and lines from slowest to fastest</text>`,
  );
  for (const { title, rows } of comparisons) {
    y += 32;
    parts.push(`<text x="10" y="${y}" class="title">${escape(title)}</text>`);
    y += 8;
    const scale = (WIDTH - LABEL - 90) / Math.max(...rows.map(({ max }) => max));
    for (const { name, min, median, max } of rows) {
      const [x, middle] = [(rate: number) => LABEL + rate * scale, y + BAR / 2];
      parts.push(
        `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
        `<rect x="${LABEL}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" class="${
          isOurs(name) ? "ours" : "peer"
        }"/>`,
        `<path d="M${x(min).toFixed(1)} ${middle}H${x(max).toFixed(1)}" class="range"/>`,
        `<text x="${(x(max) + 6).toFixed(1)}" y="${middle + 4}">${(median / 1e3).toFixed(0)}</text>`,
      );
      y += BAR + GAP;
    }
  }
  const label = comparisons.map(({ title, rows }) =>
    `${title}: ${rows.map(({ name, median }) => `${name} ${(median / 1e3).toFixed(0)}`).join(", ")}`
  ).join(". ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" role="img">
<title>Records a second beside other programs</title>
<desc>${escape(label)}</desc>
<style>
  text { font: 13px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 }
  .ours { fill: #1a7f5a } .peer { fill: #9aa5b1 } .range { stroke: #333; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .ours { fill: #3fb68b } .peer { fill: #66717d } .range { stroke: #ddd } }
</style>
${parts.join("\n")}
</svg>
`;
}

/** What reads without counting is a limit, and no contender. */
const isOurs = (name: string) => name.startsWith("Millrace") && !name.includes("without");

const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
