/** GET /metrics for Prometheus: what the store and the log say, the engine's figures, and the gateway's own requests. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { Gauge, Histogram, Registry } from "prom-client";
import type { Topic } from "../../core/log/partitioned_log.ts";
import type { GatewayParts } from "../parts.ts";
import { standingOf } from "../topic_state.ts";

/** The sum over all minute rows is not free: it is taken at most this often. */
const CONSERVATION_MS = 10_000;

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
  millrace_conservation_difference:
    "Sum of all minute counts less records consumed: 0, or something was lost or doubled",
} as const;

const ENGINE_FIGURES = {
  millrace_engine_workers: "Worker threads",
  millrace_engine_healthy: "1 unless something failed within the last minute",
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

export class Metrics {
  readonly #registry = new Registry();
  readonly #partition: Record<keyof typeof PARTITION_FIGURES, Gauge>;
  readonly #engine: Record<keyof typeof ENGINE_FIGURES, Gauge>;
  readonly #memory: Gauge;
  readonly #requests: Histogram;
  readonly #conservation = new Map<string, { takenMs: number; differences: Map<number, number> }>();

  constructor(readonly parts: GatewayParts & { now: () => number }) {
    const registers = [this.#registry];
    this.#partition = gauges(PARTITION_FIGURES, ["topic", "partition"], registers);
    this.#engine = gauges(ENGINE_FIGURES, [], registers);
    this.#memory = new Gauge({ name: "process_resident_memory_bytes", help: "Resident memory", registers });
    this.#requests = new Histogram({
      name: "millrace_http_request_duration_seconds",
      help: "Requests by route",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
  }

  observe(method: string, path: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route: path, status: String(status) }, seconds);
  }

  async text(): Promise<string> {
    const { parts } = this;
    for (const gauge of Object.values(this.#partition)) gauge.reset();
    for (const topic of await parts.log.listTopics()) await this.#readTopic(topic);
    const figures = parts.engine.status();
    this.#engine.millrace_engine_workers.set(figures.workers);
    this.#engine.millrace_engine_healthy.set(figures.isHealthy ? 1 : 0);
    this.#engine.millrace_engine_flushes_total.set(figures.flushesTotal);
    this.#engine.millrace_engine_conflicts_total.set(figures.conflictsTotal);
    this.#engine.millrace_engine_flush_errors_total.set(figures.flushErrorsTotal);
    this.#memory.set(Deno.memoryUsage().rss);
    return await this.#registry.metrics();
  }

  async #readTopic(topic: Topic): Promise<void> {
    for (const standing of await standingOf(this.parts, topic)) {
      const { totals, partition } = standing;
      const set = (name: keyof typeof PARTITION_FIGURES, value: number) =>
        this.#partition[name].set({ topic: topic.name, partition: String(partition) }, value);
      set("millrace_records_consumed_total", totals.consumed);
      set("millrace_events_total", totals.events);
      set("millrace_unparsed_total", totals.unparsed);
      set("millrace_late_events_total", totals.late);
      set("millrace_clock_bad_total", totals.clockBad);
      set("millrace_log_end_offset", standing.end);
      set("millrace_checkpoint_offset", standing.checkpoint);
      set("millrace_lag_records", standing.lagRecords);
      set("millrace_lag_seconds", standing.lagSeconds);
      if (standing.watermarkMs !== null) set("millrace_watermark_timestamp_seconds", standing.watermarkMs / 1000);
    }
    for (const [partition, difference] of await this.#conservationOf(topic)) {
      const labels = { topic: topic.name, partition: String(partition) };
      this.#partition.millrace_conservation_difference.set(labels, difference);
    }
  }

  /** Counts are compared only where no flush came in between the two reads. */
  async #conservationOf(topic: Topic): Promise<ReadonlyMap<number, number>> {
    const nowMs = this.parts.now();
    const known = this.#conservation.get(topic.id) ?? { takenMs: -Infinity, differences: new Map<number, number>() };
    if (nowMs - known.takenMs < CONSERVATION_MS) return known.differences;
    const { store } = this.parts;
    const before = await store.partitions(topic.id);
    const counts = new Map((await store.countStored(topic.id)).map(({ partition, count }) => [partition, count]));
    const after = new Map((await store.partitions(topic.id)).map((state) => [state.partition, state.checkpoint]));
    const differences = new Map(known.differences);
    for (const { partition, checkpoint, totals } of before) {
      if (after.get(partition) === checkpoint) {
        differences.set(partition, (counts.get(partition) ?? 0) - totals.consumed);
      }
    }
    this.#conservation.set(topic.id, { takenMs: nowMs, differences });
    return differences;
  }
}

function gauges<N extends string>(
  figures: Readonly<Record<N, string>>,
  labelNames: string[],
  registers: Registry[],
): Record<N, Gauge> {
  const made: Partial<Record<N, Gauge>> = {};
  for (const name of Object.keys(figures) as N[]) {
    made[name] = new Gauge({ name, help: figures[name], labelNames, registers });
  }
  return made as Record<N, Gauge>;
}

export function metricsRoute(app: OpenAPIHono, metrics: Metrics): void {
  app.openapi(
    route,
    async (c) => c.text(await metrics.text(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
}
