/** The engine is behind the log: by records, or by the age of the first one that is not stored yet. */
import { z } from "zod";
import type { Verdict } from "../alert.ts";
import { defineKind } from "../rule.ts";

export const lag = defineKind({
  name: "lag",
  summary: "the engine is behind the log, by records or by time",
  shape: {
    records: z.int().min(1).optional().describe("More records than these that wait are a breach."),
    seconds: z.number().gt(0).optional().describe("A record that waits for longer is a breach."),
  },
  check: ({ records, seconds }) =>
    records === undefined && seconds === undefined
      ? { key: "seconds", message: "there is none, and no records: name at least one of them" }
      : null,
  compile({ records, seconds }) {
    const verdict = (observed: number, high: number, unit: string): Verdict => ({
      status: observed > high ? "breach" : "normal",
      labels: { lag: unit },
      observed,
      expected: null,
      low: null,
      high,
      unit,
      baseline: "fixed",
      samples: 1,
      windowMinutes: 1,
    });
    return {
      clock: "wall",
      window: 1,
      needs: [],
      judge({ standing }) {
        if (standing === null) return [];
        return [
          ...(records === undefined ? [] : [verdict(standing.lagRecords, records, "records")]),
          ...(seconds === undefined ? [] : [verdict(standing.lagSeconds, seconds, "seconds")]),
        ];
      },
    };
  },
});
