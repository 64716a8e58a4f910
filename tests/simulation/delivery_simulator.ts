/**
 * A seeded simulation of Rule 1: several engines run engine/delivery/partition_delivery.ts over one partition and one
 * store, each step chosen by the seed. They crash, come back as zombies, lose answers, flush while they read on and
 * forget clean state. At the end the store must equal a plain count of the log.
 */
import { bucketOf, PartitionDelivery } from "../../engine/delivery/partition_delivery.ts";

/** Ways to break the design, each of which the simulation must notice. */
export const MUTANTS = ["plain", "noSkip", "noNonce", "commitFirst"] as const;
export type Mutant = (typeof MUTANTS)[number];

export interface SimulationResult {
  readonly isRight: boolean;
  /** What was wrong, for people. */
  readonly complaint: string;
  readonly crashes: number;
  readonly zombies: number;
  readonly conflicts: number;
  readonly lostAnswers: number;
}

interface LogRecord {
  readonly minute: number;
  readonly dimension: number;
  readonly value: number;
}

interface Sums {
  count: number;
  sum: number;
}

type Cells = Map<number, Sums>;

interface StoredUnit {
  upto: number;
  writer: string | null;
  /** Key: minute, fromOffset, dimension. */
  readonly rows: Map<string, Sums>;
  /** Keys of rows that no flush may replace. */
  readonly final: Set<string>;
}

interface Row {
  readonly bucket: number;
  readonly minute: number;
  readonly fromOffset: number;
  readonly cells: Cells;
  readonly isFinal: boolean;
}

/** mulberry32: 32 bits of state are plenty for choosing steps. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

class BrokenDelivery extends PartitionDelivery<Cells> {
  mutant: Mutant | null = null;

  override isNew(unit: Parameters<PartitionDelivery<Cells>["isNew"]>[0], offset: number): boolean {
    return this.mutant === "noSkip" || super.isNew(unit, offset);
  }

  protected override isMine(reached: number, writer: string | null, at: number): boolean {
    return this.mutant === "noNonce" ? reached === at : super.isMine(reached, writer, at);
  }
}

const RECORDS = 300;
const FAULTS_UNTIL_STEP = 4000;

export class DeliverySimulator {
  readonly #random: () => number;
  readonly #log: LogRecord[] = [];
  readonly #units = new Map<number, StoredUnit>();
  readonly #isTransactional: boolean;
  #checkpoint = 0;
  #checkpointWriter: string | null = null;
  #consumed = 0;
  #kafkaOffset = 0;
  #writers = 0;
  #end = 0;
  #crashes = 0;
  #zombies = 0;
  #conflicts = 0;
  #lostAnswers = 0;
  #replacedFinal: string | null = null;

  constructor(readonly seed: number, readonly mutant: Mutant | null = null) {
    this.#random = randomFrom(seed);
    // DuckDB applies a flush as one transaction, Cassandra unit by unit: both must be exact.
    this.#isTransactional = this.#random() < 0.5;
    for (let offset = 0; offset < RECORDS; offset++) {
      const late = this.#random() < 0.15 ? this.#below(300) : 0;
      this.#log.push({
        minute: Math.max(0, offset - late),
        dimension: this.#below(3),
        value: 1 + this.#below(9),
      });
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #unit(bucket: number): StoredUnit {
    let unit = this.#units.get(bucket);
    if (unit === undefined) {
      this.#units.set(bucket, unit = { upto: 0, writer: null, rows: new Map(), final: new Set() });
    }
    return unit;
  }

  run(): SimulationResult {
    const engines = [this.#engine()];
    for (let step = 0; engines.length > 0; step++) {
      if (step > 200_000) return this.#result("no end after 200 000 steps");
      if (this.#random() < 0.2 && this.#end < RECORDS) this.#end += Math.min(this.#below(25), RECORDS - this.#end);
      if (step > FAULTS_UNTIL_STEP) this.#end = RECORDS;
      const chosen = this.#below(engines.length);
      if (engines[chosen].next().done) engines.splice(chosen, 1);
      if (step < FAULTS_UNTIL_STEP) this.#injectFault(engines);
      if (engines.length === 0 && this.#checkpoint < RECORDS) engines.push(this.#engine());
    }
    return this.#result(this.#compare());
  }

  #injectFault(engines: Generator<void>[]): void {
    const luck = this.#random();
    if (luck < 0.02 && engines.length > 0) {
      engines.splice(this.#below(engines.length), 1);
      engines.push(this.#engine());
      this.#crashes++;
    } else if (luck < 0.03 && engines.length < 3) {
      engines.push(this.#engine());
      this.#zombies++;
    }
  }

  /** One engine process; every yield is a point where the others may act, or where it may die. */
  *#engine(): Generator<void> {
    while (this.#checkpoint < RECORDS) yield* this.#tenure();
  }

  /** From reading the checkpoint to losing a race (or the end of the log). */
  *#tenure(): Generator<void> {
    const start = this.mutant === "commitFirst" ? this.#kafkaOffset : this.#checkpoint;
    const delivery = new BrokenDelivery(`writer ${++this.#writers}`, start, () => new Map());
    delivery.mutant = this.mutant;
    yield;
    for (;;) {
      yield* this.#read(delivery, 1 + this.#below(30));
      yield;
      if (this.mutant === "commitFirst") this.#kafkaOffset = delivery.position;
      if ((yield* this.#flush(delivery)) === "restart") return;
      this.#kafkaOffset = delivery.position;
      if (this.#random() < 0.3) {
        const chosen = this.#below(3);
        delivery.evict((minute) => minute % 3 === chosen, this.#below(3));
      }
      if (delivery.checkpoint >= RECORDS) return;
      yield;
    }
  }

  *#read(delivery: BrokenDelivery, records: number): Generator<void> {
    for (let i = 0; i < records && delivery.position < this.#end; i++) {
      const offset = delivery.position;
      const record = this.#log[offset];
      const bucket = bucketOf(record.minute);
      let unit = delivery.unit(bucket);
      if (unit === undefined) {
        const { upto } = this.#unit(bucket);
        if (this.#random() < 0.3) yield; // the answer is on its way: the unit may move meanwhile
        unit = delivery.addUnit(bucket, upto);
      }
      if (delivery.isNew(unit, offset)) {
        const { cells } = delivery.touch(unit, record.minute, offset);
        const sums = cells.get(record.dimension) ?? { count: 0, sum: 0 };
        cells.set(record.dimension, { count: sums.count + 1, sum: sums.sum + record.value });
      }
      delivery.position = offset + 1;
    }
  }

  *#flush(delivery: BrokenDelivery): Generator<void, "go on" | "restart"> {
    const isFinal = this.#random() < 0.4;
    const plan = delivery.planFlush(isFinal);
    if (plan === null) return "go on";
    const rows: Row[] = plan.partials.map(({ minute, fromOffset, cells }) => ({
      bucket: bucketOf(minute),
      minute,
      fromOffset,
      cells: new Map(cells),
      isFinal,
    }));
    if (this.#random() < 0.5) yield* this.#read(delivery, this.#below(10)); // reading goes on during a flush
    yield;
    const isFailedBefore = this.#random() < 0.05;
    const isApplied = !isFailedBefore && (yield* this.#apply(delivery.writer, plan, rows));
    if (isFailedBefore || this.#random() < 0.15) { // the answer is lost: ask what the store holds
      this.#lostAnswers++;
      yield;
      const units = plan.units.map(({ bucket }) => ({ bucket, ...this.#unit(bucket) }));
      if (!delivery.isApplied({ checkpoint: this.#checkpoint, writer: this.#checkpointWriter }, units)) {
        return "restart";
      }
    } else if (!isApplied) {
      this.#conflicts++;
      return "restart";
    }
    delivery.settleApplied();
    return "go on";
  }

  *#apply(
    writer: string,
    plan: { at: number; expectCheckpoint: number; units: readonly { bucket: number; expect: number }[] },
    rows: readonly Row[],
  ): Generator<void, boolean> {
    const isExpected = ({ bucket, expect }: { bucket: number; expect: number }) =>
      this.mutant === "plain" || this.#unit(bucket).upto === expect;
    const isCheckpointExpected = () => this.mutant === "plain" || this.#checkpoint === plan.expectCheckpoint;
    if (this.mutant === "commitFirst") {
      // The broken variant has no checkpoint of its own to compare.
    } else if (this.#isTransactional && !(plan.units.every(isExpected) && isCheckpointExpected())) return false;
    for (const unit of plan.units) {
      if (!isExpected(unit)) return false;
      const stored = this.#unit(unit.bucket);
      stored.upto = plan.at;
      stored.writer = writer;
      for (const row of rows) {
        if (row.bucket !== unit.bucket) continue;
        for (const [dimension, sums] of row.cells) {
          const key = `${row.minute}|${row.fromOffset}|${dimension}`;
          if (stored.final.has(key)) this.#replacedFinal ??= key;
          if (row.isFinal) stored.final.add(key);
          stored.rows.set(key, { ...sums });
        }
      }
      if (!this.#isTransactional) yield;
    }
    if (this.mutant !== "commitFirst" && !isCheckpointExpected()) return false;
    this.#consumed += plan.at - plan.expectCheckpoint;
    this.#checkpoint = Math.max(this.#checkpoint, plan.at);
    this.#checkpointWriter = writer;
    return true;
  }

  /** Empty where the store equals a plain count of the log. */
  #compare(): string {
    const truth = new Map<string, Sums>();
    const add = (into: Map<string, Sums>, key: string, { count, sum }: Sums) => {
      const before = into.get(key) ?? { count: 0, sum: 0 };
      into.set(key, { count: before.count + count, sum: before.sum + sum });
    };
    for (const { minute, dimension, value } of this.#log) {
      add(truth, `${minute}|${dimension}`, { count: 1, sum: value });
    }
    const stored = new Map<string, Sums>();
    for (const unit of this.#units.values()) {
      for (const [key, sums] of unit.rows) {
        const [minute, , dimension] = key.split("|");
        add(stored, `${minute}|${dimension}`, sums);
      }
    }
    for (const key of new Set([...truth.keys(), ...stored.keys()])) {
      const want = truth.get(key) ?? { count: 0, sum: 0 };
      const found = stored.get(key) ?? { count: 0, sum: 0 };
      if (want.count !== found.count || want.sum !== found.sum) {
        return `minute|dimension ${key}: ${found.count} records of sum ${found.sum}, not ${want.count} of ${want.sum}`;
      }
    }
    if (this.mutant === null && this.#replacedFinal !== null) return `final row ${this.#replacedFinal} was replaced`;
    if (this.mutant === null && this.#consumed !== RECORDS) return `${this.#consumed} records consumed, not ${RECORDS}`;
    return "";
  }

  #result(complaint: string): SimulationResult {
    return {
      isRight: complaint === "",
      complaint,
      crashes: this.#crashes,
      zombies: this.#zombies,
      conflicts: this.#conflicts,
      lostAnswers: this.#lostAnswers,
    };
  }
}
