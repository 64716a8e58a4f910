/**
 * Grouping of messages on one core, beside Drain3 (Python, its defaults) on the same lines: seeded messages of services,
 * Zipf-distributed over sixty templates, with values of every kind. They take turns.
 * Run: deno task bench --only patterns
 */
import { z } from "zod";
import { TemplateTree } from "../analyzer/errors/template_tree.ts";
import { randomFrom } from "../tests/simulation/delivery_simulator.ts";
import { pythonEnvironment } from "../tests/services/python.ts";

const LINES = 200_000;
const ROUNDS = 5;
const TEMPLATES = 60;

const VERBS = [
  "opened",
  "closed",
  "retried",
  "rejected",
  "loaded",
  "dropped",
  "renewed",
  "queued",
  "parsed",
  "flushed",
];
const NOUNS = ["session", "connection", "order", "invoice", "cache entry", "job", "shard", "lease", "cursor", "socket"];
const TAILS = [
  (r: () => number) => `after ${Math.floor(r() * 5000)} ms`,
  (r: () => number) => `by 10.${Math.floor(r() * 256)}.${Math.floor(r() * 256)}.7:${1024 + Math.floor(r() * 60000)}`,
  (r: () => number) => `(uid=${Math.floor(r() * 1e6)}, try ${Math.floor(r() * 9)} of 9)`,
  (r: () => number) =>
    `from /var/lib/app/${Math.floor(r() * 1e5)}/data.bin, ${Math.floor(r() * 1e7)} bytes (${
      (r() * 900).toFixed(1)
    } KB)`,
  (r: () => number) => `for user u${Math.floor(r() * 1e4)}@example.org: timeout`,
  (r: () => number) => `with id ${crypto.randomUUID().replace(/^./, String(Math.floor(r() * 10)))}`,
];

/** Messages of {@link TEMPLATES} templates: the n-th is chosen n times less often than the first. */
function messages(): string[] {
  const random = randomFrom(42);
  const weights = Array.from({ length: TEMPLATES }, (_, n) => 1 / (n + 1));
  const total = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: LINES }, () => {
    let at = random() * total;
    let n = 0;
    while (n < TEMPLATES - 1 && (at -= weights[n]) > 0) n++;
    return `${NOUNS[n % 10]} ${Math.floor(random() * 1e9)} ${VERBS[Math.floor(n / 10) % 10]} ${TAILS[n % 6](random)}`;
  });
}

const drainLine = z.object({ lines: z.number(), seconds: z.array(z.number()), templates: z.number() });
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

const lines = messages();
const directory = await Deno.makeTempDir({ prefix: "millrace-bench-patterns-" });
try {
  const file = `${directory}/lines.txt`;
  await Deno.writeTextFile(file, lines.join("\n") + "\n");
  const python = `${await pythonEnvironment(["drain3==0.9.11"])}/python`;
  const script = new URL("./contenders/drain3_patterns.py", import.meta.url).pathname;
  const ours: number[] = [];
  const theirs: number[] = [];
  let templates = 0;
  let clusters = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const tree = new TemplateTree();
    const before = performance.now();
    for (const line of lines) tree.add(line);
    ours.push((performance.now() - before) / 1000);
    templates = tree.templates.length;
    const { code, stdout, stderr } = await new Deno.Command(python, { args: [script, file, "1"] }).output();
    if (code !== 0) throw new Error(`Drain3: exit ${code}\n${new TextDecoder().decode(stderr)}`);
    const answer = drainLine.parse(JSON.parse(new TextDecoder().decode(stdout)));
    theirs.push(...answer.seconds);
    clusters = answer.templates;
  }
  const rate = (seconds: readonly number[]) => LINES / median(seconds);
  const figures = {
    lines: LINES,
    ours: rate(ours),
    drain3: rate(theirs),
    ratio: rate(ours) / rate(theirs),
    templates,
    clusters,
  };
  if (Deno.args.includes("--json")) console.log(JSON.stringify(figures));
  else {
    console.log(`${LINES} lines of ${TEMPLATES} templates, one core, ${ROUNDS} rounds\n`);
    console.log("| contender | median, k lines/s | templates found |\n|---|---|---|");
    console.log(`| Millrace | ${(figures.ours / 1e3).toFixed(0)} | ${templates} |`);
    console.log(`| Drain3 0.9.11 | ${(figures.drain3 / 1e3).toFixed(0)} | ${clusters} |`);
    console.log(`\nours : Drain3 = ${figures.ratio.toFixed(1)}`);
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
