/** GET /metrics for Prometheus: what the store and the log say, the engine's figures, and the gateway's own requests. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { readChain } from "../../core/archive/chain.ts";
import { archiveLocation } from "../../core/archive/registry.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import type { EngineFigures, GatewayParts } from "../parts.ts";
import { standingOf } from "../topic_state.ts";

/** The sum over all minute rows is not free: it is taken at most this often. */
const CONSERVATION_MS = 5_000;
/** Times that the sum is taken again where flushes came in between. */
const CONSERVATION_ATTEMPTS = 4;
/** Others are counted together: whoever sends a request could make up any number of them. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]);

const PARTITION_FIGURES = {
  millrace_records_consumed_total: "Records that the store reflects",
  millrace_events_total: "Parsed events stored",
  millrace_unparsed_total: "Records kept in quarantine",
  millrace_late_events_total: "Events older than their partition's watermark when they came",
  millrace_clock_bad_total: "Events counted at their record's time, their own being missing or too far ahead",
  millrace_log_end_offset: "One past the last record of the log",
  millrace_checkpoint_offset: "Every record below it is stored",
  millrace_lag_records: "Records in the log that are not stored yet",
  millrace_lag_seconds: "Age of the first record that is not stored yet",
  millrace_watermark_timestamp_seconds: "Watermark of event time",
  millrace_minute_rows_count_total: "Sum of the counts of all minute cells stored",
  millrace_conservation_difference:
    "Sum of all minute counts less records consumed: 0, or something was lost or doubled",
  millrace_archive_offset: "Every record below it is in the archive",
  millrace_archive_lag_records: "Records in the log that are not archived yet",
} as const;
type PartitionFigure = keyof typeof PARTITION_FIGURES;

const ENGINE_FIGURES = {
  millrace_engine_workers: "Worker threads",
  millrace_engine_healthy: "1 unless something failed within the last minute",
  millrace_engine_records_total: "Records stored by this process",
  millrace_engine_unparsed_total: "Records put into quarantine by this process",
  millrace_engine_flushes_total: "Flushes applied by this process",
  millrace_engine_conflicts_total: "Flushes refused by the store because another had been there",
  millrace_engine_flush_errors_total: "Flushes that failed or got no answer",
} as const;

const route = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["Operations"],
  summary: "Figures for Prometheus",
  responses: { 200: { description: "Text format 0.0.4", content: { "text/plain": { schema: z.string() } } } },
});

/** Σ counts of the minute rows of a partition, beside the records consumed at the same moment. */
interface Conservation {
  readonly counted: number;
  readonly consumed: number;
}

/** The figures of one gateway, in a registry of its own. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #partition: Record<PartitionFigure, Figure>;
  readonly #engine: Record<keyof typeof ENGINE_FIGURES, Figure>;
  readonly #capped: Counter;
  readonly #memory: Gauge;
  readonly #requests: Histogram;
  readonly #conservation = new Map<string, { takenMs: number; found: ReadonlyMap<number, Conservation> }>();

  constructor(readonly parts: GatewayParts & { now: () => number }) {
    const registers = [this.#registry];
    this.#partition = figuresOf(PARTITION_FIGURES, ["topic", "partition"], registers);
    this.#engine = figuresOf(ENGINE_FIGURES, [], registers);
    this.#capped = new Counter({
      name: "millrace_engine_capped_cells_total",
      help: "Minute cells flushed whose value of the dimension was beyond its cap, and counted as __other__",
      labelNames: ["topic", "dimension"],
      registers,
    });
    this.#memory = new Gauge({ name: "process_resident_memory_bytes", help: "Resident memory", registers });
    this.#requests = new Histogram({
      name: "millrace_http_request_duration_seconds",
      help: "Requests by route, until the answer begins",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
  }

  /** Counts a request; `path` is the route's pattern, never what was asked for. */
  observe(method: string, path: string, status: number, seconds: number): void {
    const labels = { method: METHODS.has(method) ? method : "other", route: path, status: String(status) };
    this.#requests.observe(labels, seconds);
  }

  async text(): Promise<string> {
    const { parts } = this;
    const topics = await parts.log.listTopics();
    const readings = await Promise.all(topics.map((topic) => this.#readTopic(topic)));
    // Set without waiting in between: two scrapes at once would empty each other's figures.
    for (const figure of Object.values(this.#partition)) figure.reset();
    for (const { labels, name, value } of readings.flat()) set(this.#partition[name], value, labels);
    const status = parts.engine.status();
    if (status !== null) this.#setEngine(status);
    this.#memory.set(Deno.memoryUsage().rss);
    return await this.#registry.metrics();
  }

  #setEngine(status: EngineFigures): void {
    set(this.#engine.millrace_engine_workers, status.workers);
    set(this.#engine.millrace_engine_healthy, status.isHealthy ? 1 : 0);
    set(this.#engine.millrace_engine_records_total, status.recordsTotal);
    set(this.#engine.millrace_engine_unparsed_total, status.unparsedTotal);
    set(this.#engine.millrace_engine_flushes_total, status.flushesTotal);
    set(this.#engine.millrace_engine_conflicts_total, status.conflictsTotal);
    set(this.#engine.millrace_engine_flush_errors_total, status.flushErrorsTotal);
    this.#capped.reset();
    for (const { topic, dimension, cells } of status.capped) this.#capped.inc({ topic, dimension }, cells);
  }

  async #readTopic(topic: Topic): Promise<Reading[]> {
    const conservation = await this.#conservationOf(topic);
    const standings = await standingOf(this.parts, topic);
    const archived = await this.#archivedOf(topic, standings.map(({ partition }) => partition));
    return standings.flatMap(({ partition, totals, ...standing }) => {
      const archivedTo = archived.get(partition) ?? null;
      const balance = conservation.get(partition);
      const values: Partial<Record<PartitionFigure, number | null>> = {
        millrace_records_consumed_total: totals.consumed,
        millrace_events_total: totals.events,
        millrace_unparsed_total: totals.unparsed,
        millrace_late_events_total: totals.late,
        millrace_clock_bad_total: totals.clockBad,
        millrace_log_end_offset: standing.end,
        millrace_checkpoint_offset: standing.checkpoint,
        millrace_lag_records: standing.lagRecords,
        millrace_lag_seconds: standing.lagSeconds,
        millrace_watermark_timestamp_seconds: standing.watermarkMs === null ? null : standing.watermarkMs / 1000,
        millrace_minute_rows_count_total: balance?.counted ?? null,
        millrace_conservation_difference: balance === undefined ? null : balance.counted - balance.consumed,
        millrace_archive_offset: archivedTo,
        millrace_archive_lag_records: archivedTo === null
          ? null
          : Math.max(0, standing.end - Math.max(standing.start, archivedTo)),
      };
      const labels = { topic: topic.name, partition: String(partition) };
      return namesOf(values).flatMap((name): Reading[] => {
        const value = values[name] ?? null;
        return value === null ? [] : [{ labels, name, value }];
      });
    });
  }

  /** Offsets up to which partitions are archived; none without an archive. */
  async #archivedOf(topic: Topic, partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { config, store } = this.parts;
    if (archiveLocation(config) === null) return new Map();
    return new Map(
      await Promise.all(partitions.map(async (partition) => {
        const chain = await readChain(store, { topicId: topic.id, partition });
        return [partition, chain?.from ?? 0] as const;
      })),
    );
  }

  /** A partition is compared only where no flush came in between the reads: its checkpoint stood still. */
  async #conservationOf(topic: Topic): Promise<ReadonlyMap<number, Conservation>> {
    const nowMs = this.parts.now();
    const known = this.#conservation.get(topic.id);
    if (known !== undefined && nowMs - known.takenMs < CONSERVATION_MS) return known.found;
    const { store } = this.parts;
    const found = new Map(known?.found);
    const waiting = new Set<number>();
    let before = await store.partitions(topic.id);
    for (const { partition } of before) waiting.add(partition);
    for (let attempt = 0; attempt < CONSERVATION_ATTEMPTS && waiting.size > 0; attempt++) {
      const counts = new Map((await store.countStored(topic.id)).map(({ partition, count }) => [partition, count]));
      const after = await store.partitions(topic.id);
      const checkpoints = new Map(after.map(({ partition, checkpoint }) => [partition, checkpoint]));
      for (const { partition, checkpoint, totals } of before) {
        if (checkpoints.get(partition) !== checkpoint || !waiting.delete(partition)) continue;
        found.set(partition, { counted: counts.get(partition) ?? 0, consumed: totals.consumed });
      }
      before = after;
    }
    this.#conservation.set(topic.id, { takenMs: nowMs, found });
    return found;
  }
}

interface Reading {
  readonly labels: Record<string, string>;
  readonly name: PartitionFigure;
  readonly value: number;
}

/** Prometheus wants what is called _total to be a counter, also where the store does the counting. */
type Figure = Counter | Gauge;

function set(figure: Figure, value: number, labels: Record<string, string> = {}): void {
  if (figure instanceof Gauge) return figure.set(labels, value);
  figure.remove(labels);
  figure.inc(labels, value);
}

function namesOf<N extends string>(record: Readonly<Partial<Record<N, unknown>>>): N[] {
  return Object.keys(record) as N[];
}

function figuresOf<N extends string>(
  figures: Readonly<Record<N, string>>,
  labelNames: string[],
  registers: Registry[],
): Record<N, Figure> {
  const made: Partial<Record<N, Figure>> = {};
  for (const name of namesOf(figures)) {
    const options = { name, help: figures[name], labelNames, registers };
    made[name] = name.endsWith("_total") ? new Counter(options) : new Gauge(options);
  }
  return made as Record<N, Figure>;
}

export function metricsRoute(app: OpenAPIHono, metrics: Metrics): void {
  app.openapi(
    route,
    async (c) => c.text(await metrics.text(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
}
