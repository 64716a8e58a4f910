import { expect } from "expect";
import { chartOf } from "./chart.ts";

const row = (name: string, median: number) => ({
  name,
  min: median / 2,
  median,
  max: median * 2,
  oursIsFasterBy: 1,
  cpuSeconds: 1,
  peakRssMegabytes: 1,
  archivedMegabytes: 0,
});

Deno.test("a chart has a bar for each contender, as long as its median, and says the figures as text", () => {
  const svg = chartOf([{ title: "A < B", runs: 3, rows: [row("ours", 800_000), row("theirs & more", 200_000)] }]);
  const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toHaveLength(2);
  expect(widths[0] / widths[1]).toBeCloseTo(4, 1);
  expect(svg).toContain("A &lt; B: ours 800, theirs &amp; more 200");
  expect(svg).not.toMatch(/theirs & more/);
});
