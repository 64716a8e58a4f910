import { expect } from "expect";
import { TemplateTree } from "./template_tree.ts";

const NAMES = ["anna", "bertha", "carl", "dora", "emil", "frieda", "gustav", "hanna"];

/** Messages whose template is known, for each of several makers; a number picks the values. */
const MAKERS: readonly ((n: number) => string)[] = [
  (n) => `session opened for user ${NAMES[n % 8]} by (uid=${n})`,
  (n) => `session closed for user ${NAMES[n % 8]}`,
  (n) => `could not reach ${NAMES[n % 8]} on port ${1000 + n}: connection refused`,
  (n) => `could not reach ${NAMES[n % 8]} on port ${1000 + n}: connection timed out`,
  (n) => `job ${n} went from NEW to RUNNING`,
  (n) => `job ${n} went from RUNNING to DONE`,
  (n) => `job ${n} went from RUNNING to FAILED`,
  (n) => `job ${n} went from RUNNING to LOST`,
  (n) => `cache miss for key k${n}, loading from /var/cache/${NAMES[n % 8]}/${n}.bin`,
  () => "out of memory",
  () => "out of disk",
];

function shuffled<T>(values: readonly T[], seed: number): T[] {
  let state = seed;
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return values.map((value) => [random(), value] as const).sort(([a], [b]) => a - b).map(([, value]) => value);
}

Deno.test("messages of one origin end in one template, and of different origins in different ones, in any order", () => {
  const messages = MAKERS.flatMap((make, origin) => Array.from({ length: 40 }, (_, n) => ({ origin, text: make(n) })));
  for (let seed = 1; seed <= 20; seed++) {
    const tree = new TemplateTree();
    const into = new Map<number, number>();
    const judged = shuffled(messages, seed).map(({ origin, text }) => {
      const { template, merges } = tree.add(text);
      for (const merge of merges) {
        expect(merge.into).toBeLessThan(merge.from); // the older one stays
        into.set(merge.from, merge.into);
      }
      return { origin, id: template.id };
    });
    const rootOf = (id: number): number => {
      const next = into.get(id);
      return next === undefined ? id : rootOf(next);
    };
    const origins = Map.groupBy(judged, ({ id }) => rootOf(id));
    expect([...origins.values()].map((of) => new Set(of.map(({ origin }) => origin)).size)).toEqual(
      MAKERS.map(() => 1),
    );
    expect(tree.templates.map(({ count }) => count)).toEqual(MAKERS.map(() => 40));
    expect(new Set(tree.templates.map(({ id }) => id))).toEqual(new Set(origins.keys()));
  }
});

Deno.test("templates read like the messages", () => {
  const tree = new TemplateTree();
  for (let n = 0; n < 8; n++) for (const make of MAKERS) tree.add(make(n));
  expect(tree.templates.map(({ text }) => text).sort()).toEqual([
    "cache miss for key <*>, loading from <*>",
    "could not reach <*> on port <*>: connection refused",
    "could not reach <*> on port <*>: connection timed out",
    "job <*> went from NEW to RUNNING",
    "job <*> went from RUNNING to DONE",
    "job <*> went from RUNNING to FAILED",
    "job <*> went from RUNNING to LOST",
    "out of disk",
    "out of memory",
    "session closed for user <*>",
    "session opened for user <*> by (uid=<*>)",
  ]);
});

Deno.test("values that differ in their unit alone are one template, which keeps the unit as long as there is one", () => {
  const tree = new TemplateTree();
  expect(tree.add("took 5 ms").template.text).toBe("took <*> ms");
  expect(tree.add("took 7 ms").template.text).toBe("took <*> ms");
  expect(tree.add("took 1.5 s")).toMatchObject({ template: { text: "took <*>" }, merges: [{ from: 2, into: 1 }] });
  expect(tree.add("took 9 min").template.id).toBe(1);
});

Deno.test("words in capitals are states among themselves, and a value where one stood that is a value by its shape", () => {
  const states = new TemplateTree();
  for (const state of ["NEW", "RUNNING", "DONE", "LOST", "FAILED"]) states.add(`the worker is ${state} since today`);
  expect(states.templates.map(({ count }) => count)).toEqual([1, 1, 1, 1, 1]);
  for (const order of [["LOCAL", "10.0.0.7"], ["10.0.0.7", "LOCAL"]]) {
    const values = new TemplateTree();
    for (const value of [...order, "10.0.0.8", "LOCAL"]) values.add(`connection from ${value} was lost`);
    expect(values.templates).toMatchObject([{ id: 1, text: "connection from <*> was lost", count: 4 }]);
  }
});

Deno.test("ten thousand of the same are one template", () => {
  const tree = new TemplateTree();
  const ids = new Set(
    Array.from({ length: 10_000 }, (_, n) => tree.add(`worker ${n} failed after ${n * 3} ms`).template.id),
  );
  expect(ids.size).toBe(1);
  expect(tree.templates).toMatchObject([{ text: "worker <*> failed after <*> ms", count: 10_000 }]);
});

Deno.test("a template that was generalised further stays so when messages lead to its older form again", () => {
  const tree = new TemplateTree();
  const put = (block: string, colour: string) => tree.add(`put block ${block} in ${colour}`);
  for (const block of ["ka", "kb", "kc", "kd"]) put(block, "red");
  expect(tree.templates).toMatchObject([{ text: "put block <*> in red" }]);
  for (const colour of ["blue", "grey", "pink"]) for (const block of ["la", "lb", "lc", "ld"]) put(block, colour);
  expect(tree.templates).toMatchObject([{ text: "put block <*> in <*>", count: 16 }]);
  for (const block of ["ma", "mb", "mc", "md"]) put(block, "red");
  expect(tree.templates).toMatchObject([{ id: 1, text: "put block <*> in <*>", count: 20 }]);
});

Deno.test("memory is bounded: what was met longest ago is forgotten, and found anew", () => {
  const tree = new TemplateTree({ templatesMax: 100, formsMax: 200 });
  const word = (n: number) => n.toString(2).replaceAll("0", "ab").replaceAll("1", "xyz");
  for (let n = 0; n < 2_000; n++) {
    tree.add(`${word(n)} ${word(n + 7)} ${word(n * 3)} happened`);
    tree.add("the usual thing happened");
    expect(tree.templates.length).toBeLessThanOrEqual(100);
  }
  expect(tree.templates.find(({ text }) => text === "the usual thing happened")?.count).toBe(2_000);
  expect(tree.find(1)).toBeUndefined();
  const again = tree.add(`${word(0)} ${word(7)} ${word(0)} happened`);
  expect(again.template.count).toBe(1);
});

Deno.test("eight thousand long messages of nothing in common take neither hours nor gigabytes", () => {
  const tree = new TemplateTree({ formsMax: 100 });
  const word = (n: number) => n.toString(2).replaceAll("0", "ab").replaceAll("1", "xyz");
  const startMs = performance.now();
  for (let n = 0; n < 8_000; n++) tree.add(Array.from({ length: 80 }, (_, at) => word(n * 80 + at)).join(" "));
  expect(tree.templates).toHaveLength(8_000);
  // A list of all that is known, made anew for each message, takes minutes; all words but one, kept for each, two gigabytes.
  expect((performance.now() - startMs) / 1_000).toBeLessThan(60);
  expect(Deno.memoryUsage().heapUsed).toBeLessThan(1e9);
});

Deno.test("a template that was met often is new once it is forgotten, and another's once that is restored", () => {
  const tree = new TemplateTree();
  const add = () => tree.add("worker 7 failed").template;
  for (let n = 0; n < 3; n++) expect(add()).toMatchObject({ id: 1, count: n + 1 });
  tree.forget(1);
  for (let n = 0; n < 3; n++) expect(add()).toMatchObject({ id: 2, count: n + 1 });
  tree.restore({ tokens: ["worker", "<*>", "failed"], spaced: [false, true, true], count: 40 });
  for (let n = 0; n < 3; n++) expect(add()).toMatchObject({ id: 3, count: 41 + n });
});
