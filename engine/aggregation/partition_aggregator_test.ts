import { expect } from "expect";
import fc from "fast-check";
import { type EventFields, MEASURE_SLOT, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { type Preset, PRESETS } from "../../core/minutes/preset.ts";
import type { MinuteRows } from "../../core/store/ports.ts";
import type { CompiledParser } from "../parsing/parser.ts";
import { PartitionAggregator } from "./partition_aggregator.ts";
import type { RecordSource } from "./record_source.ts";

const encoder = new TextEncoder();
const MINUTE_MS = 60_000;

/** Reads "minute level service endpoint milliseconds", with "-" for an absent value and "!" for a broken record. */
const parser: CompiledParser = {
  parse(bytes, start, end, _recordTimeMs, out: EventFields) {
    const line = new TextDecoder().decode(bytes.subarray(start, end));
    if (line.startsWith("!")) return "no_match";
    out.clear(bytes);
    const [minute, level, service, endpoint, time] = line.split(" ");
    out.timestampMicros = minute === "-" ? NaN : Number(minute) * 60_000_000 + 5;
    const fields: [TextField, string][] = [["level", level], ["service", service], ["endpoint", endpoint]];
    for (const [name, value] of fields) {
      if (value === "-") continue;
      const at = line.indexOf(` ${value}`) + 1;
      out.starts[SLOT[name]] = start + at;
      out.ends[SLOT[name]] = start + at + value.length;
    }
    if (time !== "-") out.measures[MEASURE_SLOT.response_time] = Number(time);
    return null;
  },
};

/** Lines as the records of one batch. */
class Lines implements RecordSource {
  readonly bytes: Uint8Array;
  readonly #starts: number[] = [];
  #index = -1;

  constructor(readonly lines: readonly string[], readonly baseOffset: number, readonly timestampMs: number) {
    this.bytes = encoder.encode(lines.join("\n"));
    let at = 0;
    for (const line of lines) {
      this.#starts.push(at);
      at += line.length + 1;
    }
  }

  next(): boolean {
    return ++this.#index < this.lines.length;
  }
  get offset(): number {
    return this.baseOffset + this.#index;
  }
  get valueStart(): number {
    return this.#starts[this.#index];
  }
  get valueEnd(): number {
    return this.valueStart + this.lines[this.#index].length;
  }
}

function aggregator(preset: Preset = PRESETS.apps, checkpoint = 0): PartitionAggregator {
  return new PartitionAggregator("me", { checkpoint, watermarkMs: null }, {
    parser,
    preset,
    latenessMs: 2 * MINUTE_MS,
    futureMs: 10 * MINUTE_MS,
    recordBytesMax: 200,
    keepsEvents: true,
  });
}

type Uptos = Map<number, { upto: number; values?: Record<string, string[]> }>;

function applyAll(target: PartitionAggregator, source: Lines, stored: Uptos = new Map()): void {
  for (;;) {
    const bucket = target.apply(source.bytes, source);
    if (bucket === null) return;
    const unit = stored.get(bucket);
    target.addUnit({ bucket, upto: unit?.upto ?? 0, writer: null, values: unit?.values ?? {} });
  }
}

/** Rows as "minute|service|level|endpoint" → [count, errors, sum of response times]. */
function tableOf(rows: MinuteRows): Record<string, number[]> {
  const table: Record<string, number[]> = {};
  for (let row = 0; row < rows.rows; row++) {
    const text = (name: "service" | "level" | "endpoint") => {
      const column = rows.dimensions[name];
      return column === undefined ? "" : column.dictionary[column.ids[row]];
    };
    table[`${rows.minutes[row]}|${text("service")}|${text("level")}|${text("endpoint")}`] = [
      rows.counts[row],
      rows.errors[row],
      rows.measures.response_time?.sums[row] ?? 0,
    ];
  }
  return table;
}

const NOW_MINUTE = 1000;

Deno.test("the rows of a flush equal a plain recount, whatever the order of minutes", () => {
  const line = fc.tuple(
    fc.integer({ min: 700, max: NOW_MINUTE }),
    fc.constantFrom("INFO", "ERROR", "FATAL", "WARN"),
    fc.constantFrom("cart", "search", "-"),
    fc.constantFrom("/orders/17", "/orders/18", "/home"),
    fc.integer({ min: 0, max: 5000 }),
  );
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 200 }), (records) => {
    const lines = records.map((record) => record.join(" "));
    const target = aggregator();
    applyAll(target, new Lines(lines, 0, NOW_MINUTE * MINUTE_MS));
    const truth: Record<string, number[]> = {};
    for (const [minute, level, service, endpoint, time] of records) {
      const path = endpoint.replace(/\d+/, ":id");
      const key = `${minute}|${service === "-" ? "" : service}|${level}|${path}`;
      const [count, errors, sum] = truth[key] ?? [0, 0, 0];
      const isError = level === "ERROR" || level === "FATAL";
      truth[key] = [count + 1, errors + (isError ? 1 : 0), sum + time];
    }
    const flush = target.takeFlush();
    expect(flush).not.toBeNull();
    if (flush === null) return;
    expect(tableOf(flush.minutes)).toEqual(truth);
    expect(flush.at).toBe(records.length);
    expect(flush.events?.rows).toBe(records.length);
    expect(flush.totals).toMatchObject({ consumed: records.length, events: records.length, unparsed: 0 });
  }));
});

Deno.test("a record that cannot be parsed is counted as UNPARSED at its record's time and kept byte for byte", () => {
  const target = aggregator();
  const huge = `!${"x".repeat(300)}`;
  applyAll(target, new Lines(["999 INFO cart /home 5", "!broken", huge], 40, NOW_MINUTE * MINUTE_MS));
  const flush = target.takeFlush();
  expect(flush && tableOf(flush.minutes)).toEqual({
    "999|cart|INFO|/home": [1, 0, 5],
    [`${NOW_MINUTE}||UNPARSED|`]: [2, 0, 0],
  });
  const quarantine = flush?.quarantine;
  expect(quarantine?.reasons).toEqual(["no_match", "too_large"]);
  expect([...quarantine?.offsets ?? []]).toEqual([41, 42]);
  const raw = quarantine?.bytes.subarray(quarantine.rawStarts[1], quarantine.rawEnds[1]);
  expect(new TextDecoder().decode(raw)).toBe(huge);
  expect(flush?.totals).toEqual({ consumed: 3, events: 1, unparsed: 2, late: 0, clockBad: 0 });
});

Deno.test("an event without a time, or too far ahead of its record, is counted at the record's time", () => {
  const target = aggregator();
  const lines = ["- INFO cart /home 1", `${NOW_MINUTE + 11} INFO cart /home 2`, `${NOW_MINUTE + 9} INFO cart /home 3`];
  applyAll(target, new Lines(lines, 0, NOW_MINUTE * MINUTE_MS));
  const flush = target.takeFlush();
  expect(flush && tableOf(flush.minutes)).toEqual({
    [`${NOW_MINUTE}|cart|INFO|/home`]: [2, 0, 3],
    [`${NOW_MINUTE + 9}|cart|INFO|/home`]: [1, 0, 3],
  });
  expect(flush?.totals.clockBad).toBe(2);
});

Deno.test("records that their unit holds already are not applied, and neither are their events", () => {
  const target = aggregator();
  const stored: Uptos = new Map([[16, { upto: 2 }]]); // minutes 960 to 1019
  const lines = ["999 INFO cart /home 1", "100 INFO cart /home 1", "999 INFO cart /home 4", "999 INFO cart /home 8"];
  applyAll(target, new Lines(lines, 0, NOW_MINUTE * MINUTE_MS), stored);
  const flush = target.takeFlush();
  expect(flush && tableOf(flush.minutes)).toEqual({
    "999|cart|INFO|/home": [2, 0, 12],
    "100|cart|INFO|/home": [1, 0, 1],
  });
  expect([...flush?.events?.offsets ?? []]).toEqual([1, 2, 3]);
  expect(flush?.totals.consumed).toBe(4);
  expect(flush?.units).toMatchObject([{ bucket: 1, expect: 0 }, { bucket: 16, expect: 2 }]);
});

Deno.test("a flush holds whole partials since their first offset, and a new partial after an eviction", () => {
  const target = aggregator();
  const recordTime = NOW_MINUTE * MINUTE_MS;
  applyAll(target, new Lines(["900 INFO cart /home 1"], 0, recordTime));
  target.takeFlush();
  target.delivery.settleApplied();
  applyAll(target, new Lines(["900 INFO cart /home 1"], 1, recordTime));
  const second = target.takeFlush();
  expect(second && tableOf(second.minutes)).toEqual({ "900|cart|INFO|/home": [2, 0, 2] });
  expect([...second?.minutes.fromOffsets ?? []]).toEqual([0]);
  target.delivery.settleApplied();
  applyAll(target, new Lines(["950 INFO cart /home 1"], 2, recordTime));
  target.takeFlush();
  target.delivery.settleApplied();
  target.evictFinal(); // minute 900 is final now
  applyAll(target, new Lines(["900 INFO cart /home 1"], 3, recordTime), new Map([[15, { upto: 3 }]]));
  const late = target.takeFlush();
  expect(late && tableOf(late.minutes)).toEqual({ "900|cart|INFO|/home": [1, 0, 1] });
  expect([...late?.minutes.fromOffsets ?? []]).toEqual([3]);
  expect(late?.totals.late).toBe(1);
});

Deno.test("values beyond a dimension's cap go to __other__, and what the store holds of the unit counts", () => {
  const preset: Preset = { ...PRESETS.apps, dimensions: [{ name: "service", cap: 2 }, { name: "level", cap: 9 }] };
  const target = aggregator(preset);
  const lines = ["b", "c", "a", "d", "b"].map((service) => `999 INFO ${service} - -`);
  applyAll(
    target,
    new Lines(lines, 5, NOW_MINUTE * MINUTE_MS),
    new Map([[16, { upto: 5, values: { service: ["a"] } }]]),
  );
  const flush = target.takeFlush();
  expect(flush && tableOf(flush.minutes)).toEqual({
    "999|b|INFO|": [2, 0, 0],
    "999|a|INFO|": [1, 0, 0],
    "999|__other__|INFO|": [2, 0, 0],
  });
});

Deno.test("cells of minutes that only late events can change are counted until they are flushed", () => {
  const target = aggregator();
  applyAll(target, new Lines(["0 INFO a /x 1", "0 INFO b /x 1", "0 INFO a /x 2", "1 INFO c /x 1"], 0, 3 * MINUTE_MS));
  expect(target.hasFinished(1)).toBe(false);
  applyAll(target, new Lines(["3 INFO a /x 1"], 4, 3 * MINUTE_MS)); // two minutes of lateness: the first is over
  expect([1, 2, 3].map((cells) => target.hasFinished(cells))).toEqual([true, true, false]);
  expect([4, 5].map((cells) => target.hasChanged(cells))).toEqual([true, false]);
  expect(target.takeFlush()).not.toBeNull();
  target.delivery.settleApplied();
  expect([target.hasFinished(1), target.hasChanged(1)]).toEqual([false, false]);
});
