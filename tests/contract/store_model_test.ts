/** Random rivals, zombies and liars against every store, whose answers and contents must be those of a model of Rule 1. */
import { expect } from "expect";
import fc from "fast-check";
import type { FlushOutcome, Store } from "../../core/store/ports.ts";
import {
  type Cell,
  eventOf,
  EVER,
  flushOf,
  MINUTE_MS,
  promise,
  START_BUCKET,
  START_MINUTE,
  START_MS,
  type TestEvent,
  type TestQuarantine,
} from "./store_fixtures.ts";
import { explain, type FlushRequest, keyOf, PartitionModel } from "./store_rule_model.ts";

const PARTITIONS = [0, 1];
const BUCKETS = [0, 1, 2].map((hour) => START_BUCKET + hour);

/** One writer's flush: what it flushes, and where it is wrong about what the store holds. */
interface Turn {
  readonly topic: number;
  readonly partition: number;
  readonly writer: number;
  readonly records: number;
  readonly lie: "none" | "checkpoint" | "unit";
  readonly by: number;
}

const turn: fc.Arbitrary<Turn> = fc.record({
  topic: fc.nat(1),
  partition: fc.constantFrom(...PARTITIONS),
  writer: fc.nat(2),
  records: fc.integer({ min: 1, max: 6 }),
  lie: fc.oneof(
    { weight: 4, arbitrary: fc.constant("none" as const) },
    fc.constantFrom("checkpoint" as const, "unit" as const),
  ),
  by: fc.integer({ min: -3, max: 8 }),
});
/** Turns that come together are of different writers: nobody flushes twice at a time. */
const together = fc.uniqueArray(turn, {
  minLength: 1,
  maxLength: 4,
  selector: ({ topic, partition, writer }) => `${topic}/${partition}/${writer}`,
});

interface LogRecord {
  readonly minute: number;
  readonly service: string;
  readonly level: string;
  readonly responseTime: number;
  readonly isParsed: boolean;
}

/** The log: what each offset holds follows from the offset alone; times jump between hours. */
function recordAt(offset: number, hours: number): LogRecord {
  const mixed = Math.imul(offset + 1, 0x9e3779b1) >>> 8;
  return {
    minute: START_MINUTE + 60 * (mixed % hours) + (mixed >>> 4) % 3,
    service: ["cart", "pay", ""][(mixed >>> 7) % 3],
    level: (mixed >>> 9) % 4 === 0 ? "ERROR" : "INFO",
    responseTime: (mixed >>> 3) % 5000,
    isParsed: mixed % 11 !== 0,
  };
}

type Placed = LogRecord & { readonly offset: number };

/** Offsets that no flush of this test reaches. */
const UNREACHED = 1_000_000;

/** What a writer believes, and holds, of a partition. */
class Tenure {
  readonly writer: string = crypto.randomUUID();
  readonly #uptos = new Map<number, number>();
  readonly #partials = new Map<number, Placed[]>();

  private constructor(
    readonly store: Store,
    readonly topicId: string,
    readonly partition: number,
    readonly isTransactional: boolean,
    private checkpoint: number,
  ) {}

  static async takeOver(
    store: Store,
    topicId: string,
    partition: number,
    isTransactional: boolean,
  ): Promise<Tenure> {
    const { checkpoint } = await store.readPartition(topicId, partition);
    return new Tenure(store, topicId, partition, isTransactional, checkpoint);
  }

  async prepare({ records, lie, by }: Turn): Promise<FlushRequest> {
    // A store without a transaction over units may apply some of a flush's units before it finds the conflict.
    const hours = this.isTransactional ? BUCKETS.length : 1;
    // Nor can it tell a lie about a unit that a rival makes true between the two looks at checkpoint and unit.
    const unitLie = this.isTransactional ? by : UNREACHED + by;
    const news = Array.from({ length: records }, (_, i): Placed => {
      const offset = this.checkpoint + i;
      return { ...recordAt(offset, hours), offset };
    });
    for (const record of news) this.#partials.set(record.minute, [...this.#partials.get(record.minute) ?? [], record]);
    const buckets = [...new Set(news.map(({ minute }) => Math.floor(minute / 60)))].sort((a, b) => a - b);
    const unknown = buckets.filter((bucket) => !this.#uptos.has(bucket));
    for (const { bucket, upto } of await this.store.readUnits(this.topicId, this.partition, unknown)) {
      this.#uptos.set(bucket, upto);
    }
    const expectCheckpoint = this.checkpoint + (lie === "checkpoint" ? by : 0);
    return {
      topicId: this.topicId,
      partition: this.partition,
      writer: this.writer,
      expectCheckpoint,
      at: Math.max(expectCheckpoint, this.checkpoint) + records,
      units: buckets.map((bucket, i) => ({
        bucket,
        expect: (this.#uptos.get(bucket) ?? 0) + (lie === "unit" && i === 0 ? unitLie : 0),
      })),
      ...this.#contentOf(news),
    };
  }

  #contentOf(news: readonly Placed[]) {
    const parsed = news.filter(({ isParsed }) => isParsed);
    const unparsed = news.filter(({ isParsed }) => !isParsed);
    const minutes = [...new Set(news.map(({ minute }) => minute))];
    return {
      cells: minutes.flatMap((minute) => cellsOf(minute, this.#partials.get(minute) ?? [])),
      events: parsed.map(({ offset, minute, service }): TestEvent =>
        eventOf(offset, (minute - START_MINUTE) * MINUTE_MS + offset, { fields: { service } })
      ),
      quarantine: unparsed.map(({ offset }): TestQuarantine => ({
        offset,
        recordTimeMs: START_MS + offset,
        reason: "no_match",
        raw: Uint8Array.of(offset % 256),
      })),
      watermarkMs: parsed.length === 0 ? null : Math.max(...parsed.map(({ minute }) => minute)) * MINUTE_MS,
      totals: {
        consumed: news.length,
        events: parsed.length,
        unparsed: unparsed.length,
        late: news[0].offset % 2,
        clockBad: news[0].offset % 3,
      },
      gaps: news[0].offset % 7 === 3 ? [{ start: news[0].offset, end: news[0].offset + 1 }] : [],
    };
  }

  settle({ at, units }: FlushRequest): void {
    for (const { bucket } of units) this.#uptos.set(bucket, at);
    this.checkpoint = at;
  }
}

function cellsOf(minute: number, records: readonly Placed[]): Cell[] {
  const groups = Map.groupBy(records, ({ isParsed, service, level }) => isParsed ? `${service}|${level}` : "|UNPARSED");
  return [...groups].map(([key, all]) => {
    const [service, level] = key.split("|");
    return {
      minute,
      fromOffset: records[0].offset,
      dimensions: { service, level },
      count: all.length,
      errors: level === "ERROR" ? all.length : 0,
      values: { response_time: all.filter(({ isParsed }) => isParsed).map(({ responseTime }) => responseTime) },
    };
  });
}

/** Sums of the model's rows: minute|service|level → value. */
function sumsOf(models: readonly PartitionModel[], valueOf: (cell: Cell) => number): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const cell of models.flatMap((model) => [...model.rows.values()])) {
    const key = `${cell.minute}|${cell.dimensions.service}|${cell.dimensions.level}`;
    sums[key] = (sums[key] ?? 0) + valueOf(cell);
  }
  return sums;
}

async function expectModel(store: Store, topicId: string, models: ReadonlyMap<string, PartitionModel>): Promise<void> {
  const all = PARTITIONS.map((partition) => ({ partition, model: models.get(keyOf({ topicId, partition })) }))
    .flatMap(({ partition, model }) => model === undefined ? [] : [{ partition, model }]);
  expect(await store.partitions(topicId)).toEqual(all.map(({ partition, model }) => {
    const { checkpoint, writer, watermarkMs, totals } = model;
    return { partition, checkpoint, writer, watermarkMs, totals };
  }));
  const countOf = ({ rows }: PartitionModel) => [...rows.values()].reduce((sum, { count }) => sum + count, 0);
  expect(await store.countStored(topicId)).toEqual(
    all.map(({ partition, model }) => ({ partition, count: countOf(model) })),
  );
  for (const { partition, model } of all) {
    const units = await store.readUnits(topicId, partition, BUCKETS);
    expect(units.map(({ bucket, upto, writer }) => ({ bucket, upto, writer })))
      .toEqual(BUCKETS.map((bucket) => ({ bucket, ...model.unit(bucket) })));
    for (const { bucket, values } of units) {
      const cells = [...model.rows.values()].filter(({ minute }) => Math.floor(minute / 60) === bucket);
      const services = new Set(cells.map(({ dimensions }) => dimensions.service).filter((value) => value !== ""));
      expect(new Set(values.service)).toEqual(services);
    }
  }
  const held = all.map(({ model }) => model);
  const ask = async (statistic: "count" | "errors" | "sum") => {
    const by = ["service", "level"] as const;
    const query = { topicId, range: EVER, stepMinutes: 1, statistic, by, where: [], seriesMax: 1000 };
    const { series } = await store.series({ ...query, measure: "response_time" });
    return Object.fromEntries(
      series.flatMap(({ dimensions: { service, level }, points }) =>
        points.map(([atMs, value]) => [`${atMs / MINUTE_MS}|${service}|${level}`, value ?? 0])
      ),
    );
  };
  expect(await ask("count")).toEqual(sumsOf(held, ({ count }) => count));
  expect(await ask("errors")).toEqual(sumsOf(held, ({ errors }) => errors ?? 0));
  const sums = Object.entries(await ask("sum")).map(([key, value]) => [key, Math.round(value * 1000)]);
  const responseTimes = ({ values }: Cell) => (values?.response_time ?? []).reduce((a, b) => a + b, 0);
  expect(Object.fromEntries(sums)).toEqual(sumsOf(held, responseTimes));
  const placed = (records: readonly { partition: number; offset: number }[]) =>
    records.map(({ partition, offset }) => `${partition}/${offset}`).sort();
  const modelled = (name: "events" | "quarantine") =>
    all.flatMap(({ partition, model }) => model[name].map(({ offset }) => ({ partition, offset })));
  const limit = 100_000;
  expect(placed(await store.events({ topicId, range: EVER, where: [], limit }))).toEqual(placed(modelled("events")));
  expect(placed(await store.quarantine({ topicId, range: EVER, limit }))).toEqual(placed(modelled("quarantine")));
  const gaps = all.flatMap(({ partition, model }) => model.gaps.map((gap) => ({ partition, ...gap })));
  expect(await store.gaps(topicId)).toEqual(gaps.sort((a, b) => a.partition - b.partition || a.start - b.start));
}

promise(
  "any flushes by any writers leave what Rule 1 says",
  async (first, { isTransactional, reopen }) => {
    let store = first;
    await fc.assert(
      fc.asyncProperty(
        fc.array(together, { minLength: 3, maxLength: 8 }),
        fc.boolean(),
        async (rounds, isReopened) => {
          const topics = [crypto.randomUUID(), crypto.randomUUID()];
          const tenures = new Map<string, Tenure>();
          const models = new Map<string, PartitionModel>();
          for (const turns of rounds) {
            const requests: { id: string; tenure: Tenure; request: FlushRequest }[] = [];
            for (const one of turns) {
              const id = `${one.topic}/${one.partition}/${one.writer}`;
              const tenure = tenures.get(id) ??
                await Tenure.takeOver(store, topics[one.topic], one.partition, isTransactional);
              requests.push({ id, tenure, request: await tenure.prepare(one) });
            }
            const outcomes = await Promise.all(requests.map(({ request }) => store.flush(flushOf(request))));
            requests.forEach(({ id, tenure, request }, i) => {
              if (outcomes[i].kind === "conflict") return tenures.delete(id);
              tenure.settle(request);
              tenures.set(id, tenure);
            });
            const flushes = requests.map(({ request }, i): { request: FlushRequest; outcome: FlushOutcome } => ({
              request,
              outcome: outcomes[i],
            }));
            expect({ outcomes, isExplained: explain(models, flushes) }).toEqual({ outcomes, isExplained: true });
          }
          for (const topicId of topics) await expectModel(store, topicId, models);
          if (!isReopened) return;
          await store.close();
          store = await reopen();
          for (const topicId of topics) await expectModel(store, topicId, models);
        },
      ),
      { numRuns: 10 },
    );
  },
);
