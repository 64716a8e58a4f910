import { expect } from "expect";
import { type AlertDocument, readAlertBoard } from "../../core/alerts/board.ts";
import type { DocumentPut } from "../../core/store/ports.ts";
import { advance, BoardKeeper } from "./board.ts";
import { Bench, LATENESS_MS, START } from "./test_rules.ts";

const MINUTE_MS = 60_000;
const NOW_MS = START * MINUTE_MS;

/** A collection in memory; who commits is counted. */
class MemoryDocuments {
  entries = new Map<string, string>();
  version = 0;
  puts: (readonly DocumentPut[])[] = [];

  readDocuments() {
    return Promise.resolve({ version: this.version, entries: new Map(this.entries) });
  }

  commitDocuments(_collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    if (expect !== this.version) return Promise.resolve(false);
    this.version++;
    this.puts.push(puts);
    for (const [key, text] of puts) {
      if (text === null) this.entries.delete(key);
      else this.entries.set(key, text);
    }
    return Promise.resolve(true);
  }
}

const RULE = "rules: [{name: errors, kind: threshold, metric: errors, window: 1m, above: 10, by: [service], " +
  "keepFiring: 1m, severity: critical}, {name: many, kind: threshold, metric: errors, window: 1m, above: 10, " +
  "by: [service], for: 3m}]";

/** Evaluates a minute of errors and puts the board; `at` minutes after the start. */
async function judge(bench: Bench, keeper: BoardKeeper, at: number, errors: number): Promise<void> {
  bench.minutes.set({ service: "cart" }, START + at, { count: 100, errors });
  await bench.evaluateAt(at + 1);
  await put(bench, keeper, (START + at + 1) * MINUTE_MS + LATENESS_MS);
}

async function put(bench: Bench, keeper: BoardKeeper, nowMs: number): Promise<void> {
  const { instances = {}, judgedUntil = {} } = bench.evaluator.standing ?? {};
  await keeper.put({
    ...{ instances: new Map(Object.entries(instances)), judgedUntil, ruleSet: bench.ruleSet },
    ...{ rulesFile: "", nowMs },
  });
}

const said = (alerts: readonly AlertDocument[]): string[] =>
  alerts.map(({ rule, state, firedMs, resolvedMs }) => {
    const at = (ms: number | null): string => ms === null ? "-" : String(ms / MINUTE_MS - START);
    return `${rule} ${state} ${at(firedMs)} ${at(resolvedMs)}`;
  }).sort();

Deno.test("every time that it fired is kept, what only was pending is not, through restarts at any minute", async () => {
  const errors = [0, 50, 0, 0, 0, 50, 50, 50, 50, 50, 0, 0, 0, 50];
  const wanted = [
    "errors firing 14 -",
    "errors resolved 2 4",
    "errors resolved 6 12",
    "many firing 9 -", // all was well for three minutes: for five it has to be
  ];
  for (const crashAt of [null, ...errors.keys()]) {
    const bench = new Bench(RULE);
    const documents = new MemoryDocuments();
    let keeper = new BoardKeeper(documents);
    for (const [at, count] of errors.entries()) {
      await judge(bench, keeper, at, count);
      if (at !== crashAt) continue;
      bench.restart();
      keeper = new BoardKeeper(documents);
    }
    const { alerts } = await readAlertBoard(documents);
    expect({ crashAt, alerts: said(alerts) }).toEqual({ crashAt, alerts: wanted });
  }
});

Deno.test("nothing is put where nothing is new, but for a sign of life twice a minute", async () => {
  const bench = new Bench(RULE);
  const documents = new MemoryDocuments();
  const keeper = new BoardKeeper(documents);
  await judge(bench, keeper, 0, 50);
  const nowMs = (START + 1) * MINUTE_MS + LATENESS_MS;
  for (const later of [5_000, 25_000]) await put(bench, keeper, nowMs + later);
  expect(documents.puts).toHaveLength(1);
  await put(bench, keeper, nowMs + 30_000);
  expect(documents.puts).toHaveLength(2);
  expect(documents.puts[1].map(([key]) => key)).toEqual(["head"]);
  // After a restart what is kept is known again.
  await put(bench, new BoardKeeper(documents), nowMs + 31_000);
  expect(documents.puts).toHaveLength(2);
});

Deno.test("who loses a race reads again, and goes on from what the other put", async () => {
  const bench = new Bench(RULE);
  const documents = new MemoryDocuments();
  const [one, other] = [new BoardKeeper(documents), new BoardKeeper(documents)];
  await judge(bench, one, 0, 50);
  await put(bench, other, NOW_MS + 10 * MINUTE_MS);
  await judge(bench, one, 1, 60); // lost
  await put(bench, one, NOW_MS + 11 * MINUTE_MS);
  const { alerts, head } = await readAlertBoard(documents);
  expect(head?.evaluatedMs).toBe(NOW_MS + 11 * MINUTE_MS);
  expect(alerts.find(({ rule }) => rule === "errors")?.latest.observed).toBe(60);
});

/** An alert that fired and was resolved so many minutes before {@link NOW_MS}. */
async function alertOf(id: string, minutesAgo: number): Promise<AlertDocument> {
  const bench = new Bench(RULE);
  const documents = new MemoryDocuments();
  await judge(bench, new BoardKeeper(documents), 0, 50);
  const { alerts: [alert] } = await readAlertBoard(documents);
  return { ...alert, id, state: "resolved", firedMs: 0, resolvedMs: NOW_MS - minutesAgo * MINUTE_MS };
}

Deno.test("of those that are over the newest thousand of a month are kept", async () => {
  const template = await alertOf("", 0);
  const before = new Map(Array.from({ length: 1_003 }, (_, i) => {
    const alert = { ...template, id: `a${i}`, resolvedMs: NOW_MS - i * MINUTE_MS };
    return [alert.id, alert];
  }));
  const after = advance(before, [], NOW_MS);
  expect(after.removed).toEqual(["a1000", "a1001", "a1002"]);
  expect(after.changed).toEqual([]);
  const month = 30 * 1440;
  const old = await Promise.all([month - 1, month, month + 1].map((ago) => alertOf(String(ago), ago)));
  expect(advance(new Map(old.map((alert) => [alert.id, alert])), [], NOW_MS).removed).toEqual([String(month + 1)]);
});

Deno.test("what nobody speaks of any more was resolved where it had fired, and is gone where it had not", async () => {
  const fired: AlertDocument = { ...await alertOf("fired", 0), state: "firing", resolvedMs: null };
  const pending: AlertDocument = { ...fired, id: "pending", state: "pending", firedMs: null };
  const after = advance(new Map([fired, pending].map((alert) => [alert.id, alert])), [], NOW_MS + 30_000);
  expect(after.removed).toEqual(["pending"]);
  expect(after.changed).toMatchObject([{ id: "fired", state: "resolved", resolvedMs: NOW_MS }]);
});
