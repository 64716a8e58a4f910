/** Runs of contenders in turns, and their figures: a table in Markdown, rows for JSON, a chart. */
import { z } from "zod";

export const runLine = z.object({
  records: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  peakRssBytes: z.number(),
  /** What all must have counted, where that is not held against each other elsewhere. */
  check: z.array(z.number()).optional(),
  /** Bytes of resident memory after each pass, and CPU time of all. */
  resident: z.array(z.number()).optional(),
  passesCpuSeconds: z.number().optional(),
  /** Events in files, where they were to be kept. */
  archived: z.number().optional(),
  archivedBytes: z.number().optional(),
});
export type Run = z.infer<typeof runLine>;

export interface Contender {
  readonly name: string;
  readonly run: () => Promise<Run>;
}

/** One contender's figures; rates in records/s. */
export interface Row {
  readonly name: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Median of ours over its median. */
  readonly oursIsFasterBy: number;
  readonly cpuSeconds: number;
  readonly peakRssMegabytes: number;
  readonly archivedMegabytes: number;
}

export interface Comparison {
  readonly title: string;
  readonly runs: number;
  readonly rows: readonly Row[];
}

export const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Runs a process and reads the JSON of its last line. */
export async function runProcess(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], env }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  if (code !== 0) {
    throw new Error(
      `${command} … ${args.slice(-4).join(" ")}: exit ${code}\n${new TextDecoder().decode(stderr).slice(-40000)}`,
    );
  }
  return runLine.parse(JSON.parse(lines[lines.length - 1]));
}

/** Runs contenders in turns, the first of which is ours, and prints the table. */
export async function compare(title: string, runs: number, contenders: readonly Contender[]): Promise<Comparison> {
  const results = contenders.map(({ name }) => ({ name, list: [] as Run[] }));
  for (let round = 0; round < runs; round++) {
    for (const [n, { run }] of contenders.entries()) results[n].list.push(await run());
  }
  const rate = ({ records, seconds }: Run) => records / seconds;
  const ours = median(results[0].list.map(rate));
  const rows = results.map(({ name, list }): Row => {
    const rates = list.map(rate);
    return {
      name,
      min: Math.min(...rates),
      median: median(rates),
      max: Math.max(...rates),
      oursIsFasterBy: ours / median(rates),
      cpuSeconds: median(list.map(({ cpuSeconds }) => cpuSeconds)),
      peakRssMegabytes: median(list.map(({ peakRssBytes }) => peakRssBytes / 1e6)),
      archivedMegabytes: median(list.map(({ archivedBytes = 0 }) => archivedBytes / 1e6)),
    };
  });
  const comparison = { title, runs, rows };
  console.log(tableOf(comparison));
  return comparison;
}

function tableOf({ title, runs, rows }: Comparison): string {
  const isArchived = rows.some(({ archivedMegabytes }) => archivedMegabytes > 0);
  const names = ["contender", "min", "median", "max", "ours is faster by", "CPU s", "peak RSS, MB"];
  const cells = rows.map((row) => [
    row.name,
    ...[row.min, row.median, row.max].map((rate) => (rate / 1e3).toFixed(0)),
    row.oursIsFasterBy.toFixed(2),
    row.cpuSeconds.toFixed(1),
    row.peakRssMegabytes.toFixed(0),
    ...(isArchived ? [row.archivedMegabytes.toFixed(0)] : []),
  ]);
  const all = [[...names, ...(isArchived ? ["archived, MB"] : [])], ...cells];
  const lines = all.map((row) => `| ${row.join(" | ")} |`);
  lines.splice(1, 0, `|${"---|".repeat(all[0].length)}`);
  return `\n## ${title}; ${runs} runs each, in turns; thousand records/s\n\n${lines.join("\n")}\n`;
}
