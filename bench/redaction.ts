/**
 * Redaction of log lines, by the second of CPU that it takes, whatever else the machine does: lines of Loghub where a folder has them, else seeded lines, with secrets and without.
 * Run: deno run -A bench/redaction.ts [FOLDER OF LOGHUB]
 */
import { cpuUsage } from "node:process";
import { createRedactor } from "../analyzer/errors/redaction.ts";
import { cleanLines } from "../analyzer/evaluation/clean_lines.ts";
import { secretLines } from "../analyzer/evaluation/seeded_secrets.ts";

const ROUNDS = 7;
const LINES = 20_000;

async function* systemsOf(folder: string): AsyncGenerator<readonly [string, readonly string[]]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield [name, (await Deno.readTextFile(`${folder}/${name}/${name}_2k.log`)).trimEnd().split("\n")];
  }
}

const sets: (readonly [string, readonly string[]])[] = [
  ["seeded, nothing to hide", cleanLines(1, LINES)],
  ["seeded, a secret each", secretLines(1, LINES).map(({ text }) => text)],
];
const folder = Deno.args[0] ?? "../shared/data/loghub";
if (await Deno.stat(folder).then(() => true, () => false)) {
  for await (const system of systemsOf(folder)) sets.push(system);
}
console.log("| lines | chars | median, k lines/s of CPU |\n|---|---|---|");
for (const [name, lines] of sets.sort(([a], [b]) => (a < b ? -1 : 1))) {
  const redactor = createRedactor("the bench");
  const rates = Array.from({ length: ROUNDS }, () => {
    const before = cpuUsage();
    for (const line of lines) redactor.redact(line);
    const { user, system } = cpuUsage(before);
    return lines.length * 1_000 / (user + system);
  });
  const chars = lines.reduce((sum, line) => sum + line.length, 0) / lines.length;
  console.log(`| ${name} | ${chars.toFixed(0)} | ${rates.toSorted((a, b) => a - b)[ROUNDS >> 1].toFixed(0)} |`);
}
