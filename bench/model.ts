/**
 * How cost grows with partitions, cardinality and engines: formulas, held against simulations. The rows of flushes come out of
 * the engine's own aggregators over seeded records, rollup reads out of the store's own planner; Cassandra is a queue whose
 * service time is what `--only cassandra` measures. docs/performance.md explains it.
 * Run: deno run -A bench/model.ts [--json]
 */
import { RecordBatchBuilder, setBaseOffset } from "../core/log/record_batch.ts";
import { PRESETS } from "../core/minutes/preset.ts";
import { type HourState, planRollups } from "../core/store/rollup_plan.ts";
import { PartitionAggregator } from "../engine/aggregation/partition_aggregator.ts";
import { Chunk } from "../engine/chunk.ts";
import { json } from "../engine/parsing/json.ts";
import { randomFrom } from "../tests/simulation/delivery_simulator.ts";

/** Between two flushes of a partition: `engine.flushIntervalMs`. */
const FLUSH_SECONDS = 0.5;
/** A conditional batch of n rows takes a node this long, and it works on so many at the same time. */
const BATCH_SECONDS = 0.006;
const ROW_SECONDS = 0.00003;
const BATCHES_AT_ONCE = 8;
/** A read of a partition's checkpoint, or of a unit. */
const READ_SECONDS = 0.004;
const READS_AT_ONCE = 8;
/** Rounds of joining and syncing of the cooperative protocol, with the time that one takes. */
const JOIN_ROUNDS = 2;
const JOIN_SECONDS = 0.3;

// ---------------------------------------------------------------- rows of a flush

/** Distinct values among n draws out of d that are equally likely. */
const distinct = (n: number, d: number) => d * (1 - (1 - 1 / d) ** n);

interface Rows {
  readonly records: number;
  readonly sets: number;
  readonly simulated: number;
  readonly formula: number;
}

/** Rows a flush of a real aggregator whose records, `records` a flush, are of `sets` sets of dimensions. */
function rowsOfFlush(records: number, sets: number): Rows {
  const random = randomFrom(records * 7 + sets);
  const aggregator = new PartitionAggregator("model", { checkpoint: 0, watermarkMs: null }, {
    parser: json.compile({ timeZone: "UTC", mapping: {} }),
    preset: PRESETS.apps,
    latenessMs: 60_000,
    futureMs: 600_000,
    recordBytesMax: 1_048_576,
    keepsEvents: false,
  });
  const chunk = new Chunk();
  const encoder = new TextEncoder();
  const startMs = Date.UTC(2026, 2, 1);
  const flushes = 120;
  let [offset, rows] = [0, 0];
  for (let flush = 0; flush < flushes; flush++) {
    const nowMs = startMs + flush * FLUSH_SECONDS * 1000;
    const builder = new RecordBatchBuilder(16 * 1_048_576);
    for (let i = 0; i < records; i++) {
      const set = Math.floor(random() * sets);
      const fields = {
        "@timestamp": new Date(nowMs).toISOString(),
        level: "INFO",
        service: `s${set % 50}`,
        status: 200,
      };
      const line = encoder.encode(
        JSON.stringify({ ...fields, path: `/${"abcdefghijklmnopqrst"[Math.floor(set / 50)]}`, duration_ms: set }),
      );
      builder.add(line, nowMs, null, 0, line.length);
    }
    const { bytes } = builder.finish();
    setBaseOffset(bytes, offset);
    offset += records;
    chunk.reset(bytes, offset);
    for (let bucket = chunk.applyTo(aggregator); bucket !== null; bucket = chunk.applyTo(aggregator)) {
      aggregator.addUnit({ bucket, upto: 0, writer: null, values: {} });
    }
    const content = aggregator.takeFlush();
    if (content === null) throw new Error("records came, but there was nothing to flush");
    rows += content.minutes.rows;
    aggregator.delivery.settleApplied();
  }
  return { records, sets, simulated: rows / flushes, formula: distinct(records, sets) };
}

// ---------------------------------------------------------------- load of flushes

interface FlushLoad {
  readonly partitions: number;
  readonly engines: number;
  readonly nodes: number;
  readonly flushesPerSecond: number;
  /** Of what the nodes can do; from 1 on flushes wait for ever, and batches grow instead. */
  readonly utilisation: number;
  readonly formulaSeconds: number;
  readonly simulatedP50: number;
  readonly simulatedP99: number;
}

/**
 * An engine flushes all of its partitions at one moment; engines began at random ones. The formula: where nothing waits, a
 * flush takes its own time, and that of the others of its engine that are before it at the node.
 */
function flushLoad(partitions: number, engines: number, nodes: number, rows: number): FlushLoad {
  const service = BATCH_SECONDS + ROW_SECONDS * rows;
  const servers = nodes * BATCHES_AT_ONCE;
  const utilisation = partitions / FLUSH_SECONDS * service / servers;
  const random = randomFrom(partitions * 31 + engines);
  const phases = Array.from({ length: engines }, () => random() * FLUSH_SECONDS);
  const arrivals: number[] = [];
  for (let flush = 0; flush < 120; flush++) {
    for (let p = 0; p < partitions; p++) arrivals.push(flush * FLUSH_SECONDS + phases[p % engines]);
  }
  arrivals.sort((a, b) => a - b);
  const free = Array.from({ length: nodes }, () => new Array<number>(BATCHES_AT_ONCE).fill(0));
  const times: number[] = [];
  for (const at of arrivals) {
    const node = free[Math.floor(random() * nodes)];
    let first = 0;
    for (let n = 1; n < node.length; n++) if (node[n] < node[first]) first = n;
    node[first] = Math.max(at, node[first]) + service * (0.5 + random());
    times.push(node[first] - at);
  }
  times.sort((a, b) => a - b);
  const burst = partitions / engines / servers;
  return {
    partitions,
    engines,
    nodes,
    flushesPerSecond: partitions / FLUSH_SECONDS,
    utilisation,
    formulaSeconds: service * (1 + burst / 2),
    simulatedP50: times[times.length >> 1],
    simulatedP99: times[Math.floor(times.length * 0.99)],
  };
}

// ---------------------------------------------------------------- an engine that goes

interface Rebalance {
  readonly partitions: number;
  readonly engines: number;
  readonly moved: number;
  readonly formulaSeconds: number;
  readonly simulatedSeconds: number;
}

/**
 * From when the group knows that an engine is gone to when its partitions are read again: rounds of joining, then two reads of
 * the store a partition. Partitions that stay go on meanwhile.
 */
function rebalance(partitions: number, engines: number): Rebalance {
  const random = randomFrom(partitions + engines);
  const moved = Math.ceil(partitions / engines);
  const others = engines - 1;
  const each = Math.ceil(moved / others);
  let last = 0;
  for (let engine = 0; engine < Math.min(others, moved); engine++) {
    const free = new Array<number>(READS_AT_ONCE).fill(0);
    for (let p = 0; p < each; p++) {
      let first = 0;
      for (let n = 1; n < free.length; n++) if (free[n] < free[first]) first = n;
      free[first] += 2 * READ_SECONDS * (0.5 + random());
    }
    last = Math.max(last, ...free);
  }
  let joining = 0;
  // A round ends with the slowest member.
  for (let round = 0; round < JOIN_ROUNDS; round++) {
    let slowest = 0;
    for (let engine = 0; engine < others; engine++) slowest = Math.max(slowest, JOIN_SECONDS * (0.5 + random() / 2));
    joining += slowest;
  }
  const formulaSeconds = JOIN_ROUNDS * JOIN_SECONDS + 2 * READ_SECONDS * Math.ceil(each / READS_AT_ONCE);
  return { partitions, engines, moved, formulaSeconds, simulatedSeconds: joining + last };
}

// ---------------------------------------------------------------- reads of long ranges

interface RollupReads {
  readonly days: number;
  readonly partitions: number;
  /** Units of minutes that a query reads, and rollups. */
  readonly units: number;
  readonly rollups: number;
  readonly formula: number;
  readonly withoutRollups: number;
}

/** A query of whole days until now, in steps of a day, by the store's own planner. */
function rollupReads(days: number, partitions: number): RollupReads {
  const newest = 20_000 * 24 + 13;
  const states = Array.from({ length: days * 24 + 14 }, (_, i): HourState => ({
    bucket: newest - days * 24 - 13 + i,
    version: "v",
  }));
  const range = { from: (newest - 13 - days * 24) * 60, to: newest * 60 + 60, stepMinutes: 1440 };
  const { rollups, buckets } = planRollups(states, newest, range);
  return {
    days,
    partitions,
    units: buckets.length * partitions,
    rollups: rollups.length,
    formula: partitions + days + 13,
    withoutRollups: states.length * partitions,
  };
}

// ---------------------------------------------------------------- report

const rows = [[50, 20], [50, 1_000], [500, 100], [500, 1_000], [5_000, 100], [5_000, 1_000]]
  .map(([records, sets]) => rowsOfFlush(records, sets));
const loads = [[4, 1, 1], [64, 4, 1], [256, 8, 3], [1_000, 20, 3], [1_000, 100, 3], [1_000, 100, 6], [1_000, 100, 12]]
  .map(([partitions, engines, nodes]) => flushLoad(partitions, engines, nodes, 100));
const rebalances = [[64, 4], [256, 8], [1_000, 20], [1_000, 100]].map(([p, e]) => rebalance(p, e));
const reads = [[1, 4], [7, 4], [30, 64], [30, 1_000], [90, 1_000]].map(([days, p]) => rollupReads(days, p));

if (Deno.args.includes("--json")) console.log(JSON.stringify({ rows, loads, rebalances, reads }));
else {
  console.log("| records a flush | sets of dimensions | rows, simulated | formula |\n|---|---|---|---|");
  for (const { records, sets, simulated, formula } of rows) {
    console.log(`| ${records} | ${sets} | ${simulated.toFixed(1)} | ${formula.toFixed(1)} |`);
  }
  console.log(
    "\n| partitions | engines | nodes | flushes/s | utilisation | formula, ms | simulated p50, ms | p99, ms |\n" +
      "|---|---|---|---|---|---|---|---|",
  );
  const ms = (seconds: number) => (seconds * 1000).toFixed(0);
  for (const load of loads) {
    const { partitions, engines, nodes, flushesPerSecond, utilisation, formulaSeconds, simulatedP50, simulatedP99 } =
      load;
    console.log(
      `| ${partitions} | ${engines} | ${nodes} | ${flushesPerSecond} | ${utilisation.toFixed(2)} | ${
        utilisation < 1 ? ms(formulaSeconds) : "grows"
      } | ${ms(simulatedP50)} | ${ms(simulatedP99)} |`,
    );
  }
  console.log("\n| partitions | engines | partitions moved | formula, s | simulated, s |\n|---|---|---|---|---|");
  for (const { partitions, engines, moved, formulaSeconds, simulatedSeconds } of rebalances) {
    console.log(
      `| ${partitions} | ${engines} | ${moved} | ${formulaSeconds.toFixed(2)} | ${simulatedSeconds.toFixed(2)} |`,
    );
  }
  console.log(
    "\n| days | partitions | units read | rollups read | formula, both | without rollups |\n|---|---|---|---|---|---|",
  );
  for (const { days, partitions, units, rollups, formula, withoutRollups } of reads) {
    console.log(`| ${days} | ${partitions} | ${units} | ${rollups} | ${formula} | ${withoutRollups} |`);
  }
}
