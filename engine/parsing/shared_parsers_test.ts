/** Partitions that share a parser, with what it remembers, count what they would count with one of their own. */
import { expect } from "expect";
import fc from "fast-check";
import { setBaseOffset } from "../../core/log/record_batch.ts";
import { batchOf } from "../../core/log/test_batches.ts";
import { PRESETS } from "../../core/minutes/preset.ts";
import { PartitionAggregator } from "../aggregation/partition_aggregator.ts";
import { Chunk } from "../chunk.ts";
import { findParser } from "./registry.ts";
import { json } from "./json.ts";
import type { Parser } from "./parser.ts";
import { makeReady, type ReadyParser, SharedParsers } from "./shared_parsers.ts";

const OPTIONS = { timeZone: "UTC", mapping: {} };
const PARTITIONS = 3;

interface TestRecord {
  readonly partition: number;
  readonly minute: number;
  readonly service: string;
  readonly level: string;
  readonly ms: number;
  /** Layouts and values that the kernel leaves to JavaScript, too. */
  readonly form: number;
}

function jsonOf({ minute, service, level, ms, form }: TestRecord): string {
  const timestamp = `2026-03-01T10:${String(minute).padStart(2, "0")}:07Z`;
  const fields = { timestamp, level, service, response_time_ms: ms };
  if (form === 0) return JSON.stringify(fields);
  if (form === 1) return JSON.stringify({ ...fields, extra: { a: [1, 2] }, message: "a\nb" });
  return form === 2 ? `{ "service" : "\\u0063art", "timestamp":"${timestamp}" }` : "{";
}

function accessOf({ minute, service, ms, form }: TestRecord): string {
  if (form === 3) return "no line";
  const time = `01/Mar/2026:10:${String(minute).padStart(2, "0")}:07 +0000`;
  return `10.0.0.${ms % 5} - - [${time}] "GET /${service}/${form} HTTP/1.1" 200 ${ms}`;
}

class Reader {
  readonly #chunk = new Chunk();
  readonly #aggregator: PartitionAggregator;
  #offset = 0;

  constructor(ready: ReadyParser, parser: Parser) {
    this.#aggregator = new PartitionAggregator("w", { checkpoint: 0, watermarkMs: null }, {
      ...ready,
      preset: PRESETS[parser.preset],
      latenessMs: 120_000,
      futureMs: Infinity,
      recordBytesMax: 10_000,
      keepsEvents: false,
    });
  }

  begin(lines: readonly string[]): void {
    const { bytes } = batchOf(...lines);
    setBaseOffset(bytes, this.#offset);
    this.#offset += lines.length;
    this.#chunk.reset(bytes);
  }

  /** Goes on as far as it can without a unit from the store; true at the end. */
  goOn(): boolean {
    const bucket = this.#chunk.applyTo(this.#aggregator);
    if (bucket !== null) this.#aggregator.addUnit({ bucket, upto: 0, writer: null, values: {} });
    return bucket === null;
  }

  flush() {
    const content = this.#aggregator.takeFlush();
    return content === null ? null : { minutes: content.minutes, totals: content.totals };
  }
}

for (const [name, lineOf] of [["json", jsonOf], ["access", accessOf]] as const) {
  const parser = findParser(name) ?? json;
  const record = fc.record({
    partition: fc.nat(PARTITIONS - 1),
    minute: fc.nat(3),
    service: fc.constantFrom("cart", "pay", "search"),
    level: fc.constantFrom("INFO", "ERROR"),
    ms: fc.nat(2_000),
    form: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(3)),
  });
  const rounds = fc.array(fc.array(record, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 5 });

  Deno.test(`partitions that share a parser of ${parser.name} count as with one of their own`, () => {
    fc.assert(fc.property(rounds, (rounds) => {
      const shared = makeReady(parser, OPTIONS);
      const together = Array.from({ length: PARTITIONS }, () => new Reader(shared, parser));
      const alone = Array.from({ length: PARTITIONS }, () => new Reader(makeReady(parser, OPTIONS), parser));
      for (const records of rounds) {
        const open = [...Map.groupBy(records, ({ partition }) => partition)];
        for (const readers of [together, alone]) {
          for (const [partition, some] of open) readers[partition].begin(some.map(lineOf));
          // Where one waits for a unit, another one goes on.
          let waiting = open.map(([partition]) => readers[partition]);
          while (waiting.length > 0) waiting = waiting.filter((reader) => !reader.goOn());
        }
        expect(together.map((reader) => reader.flush())).toEqual(alone.map((reader) => reader.flush()));
      }
    }));
  });
}

Deno.test("parsers are shared within a topic and its options alone, and forgotten with it", () => {
  const parsers = new SharedParsers();
  const of = (topicId: string, partition: number, preset: "apps" | null = null, timeZone = "UTC") =>
    parsers.of({ topicId, partition, preset }, json, { timeZone, mapping: {} });
  const first = of("a", 0);
  expect(of("a", 0)).toBe(first);
  expect(of("a", 8)).toBe(first);
  const others = [of("a", 1), of("b", 0), of("a", 0, "apps"), of("a", 0, null, "Asia/Tokyo")];
  expect(new Set([first, ...others]).size).toBe(5);
  parsers.forget("a");
  expect(of("a", 0)).not.toBe(first);
  expect(of("b", 0)).toBe(others[1]);
});
