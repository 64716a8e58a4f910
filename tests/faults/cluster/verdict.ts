/** Whether what is stored equals what the topic holds. */
import { expect } from "expect";
import type { Store } from "../../../core/store/ports.ts";
import type { FaultReport } from "./faults.ts";
import { readStored } from "./stored.ts";

/** Throws with what differs: minutes, events, quarantine, totals, or an engine that ended by itself. */
export async function expectExact(store: Store, { topic, truth, failures }: FaultReport): Promise<void> {
  expect(failures).toEqual([]);
  const stored = await readStored(store, topic.id, topic.partitions);
  expect(stored.minutes.size).toBe(truth.minutes.size);
  const wrong = [...truth.minutes].flatMap(([key, figures]) => {
    const found = stored.minutes.get(key);
    return JSON.stringify(found) === JSON.stringify(figures) ? [] : [{ key, figures, found }];
  });
  expect(wrong.slice(0, 5)).toEqual([]);
  const unparsed = truth.unparsed.reduce((sum, { size }) => sum + size, 0);
  expect(stored.unparsedInMinutes).toBe(unparsed);
  expect(stored.twice).toBe(0);
  for (let partition = 0; partition < topic.partitions; partition++) {
    expect(stored.parsed[partition].symmetricDifference(truth.parsed[partition]).size).toBe(0);
    expect(stored.unparsed[partition].symmetricDifference(truth.unparsed[partition]).size).toBe(0);
  }
  const states = await store.partitions(topic.id);
  const sum = (of: (totals: typeof states[number]["totals"]) => number) =>
    states.reduce((total, { totals }) => total + of(totals), 0);
  expect([sum(({ consumed }) => consumed), sum(({ unparsed }) => unparsed)]).toEqual([truth.records, unparsed]);
}
