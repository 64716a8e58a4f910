/** The engine's own figures for Prometheus. */
import { Counter, Gauge, Registry } from "prom-client";
import type { Engine, EngineStatus } from "./main.ts";
import type { MinutePublisher } from "./publishing/minute_publisher.ts";

const GAUGES = {
  millrace_engine_workers: ["Worker threads", ({ workers }) => workers],
  millrace_engine_healthy: ["1 unless something failed within the last minute", ({ isHealthy }) => isHealthy ? 1 : 0],
  millrace_engine_partitions: ["Partitions that are this engine's", ({ membership }) => membership.partitions],
  millrace_engine_joined: [
    "1 while it has its place in the group",
    ({ membership }) => membership.state === "joined" ? 1 : 0,
  ],
} satisfies Readonly<Record<string, readonly [help: string, of: (status: EngineStatus) => number]>>;

const COUNTERS = {
  millrace_engine_records_total: ["Records stored by this process", ({ recordsTotal }) => recordsTotal],
  millrace_engine_unparsed_total: ["Records put into quarantine by this process", ({ unparsedTotal }) => unparsedTotal],
  millrace_engine_flushes_total: ["Flushes applied by this process", ({ flushesTotal }) => flushesTotal],
  millrace_engine_conflicts_total: [
    "Flushes refused by the store because another had been there",
    ({ conflictsTotal }) => conflictsTotal,
  ],
  millrace_engine_flush_errors_total: [
    "Flushes that failed or got no answer",
    ({ flushErrorsTotal }) => flushErrorsTotal,
  ],
  millrace_engine_ownership_changes_total: [
    "Times that its partitions changed",
    ({ membership }) => membership.changes,
  ],
} satisfies Readonly<Record<string, readonly [help: string, of: (status: EngineStatus) => number]>>;

const PUBLISHED = {
  millrace_engine_final_minutes_total: ["Messages of final minutes published by this process", "messages"],
  millrace_engine_final_minute_revisions_total: ["Those among them that revised earlier ones", "revisions"],
} as const;

const ARCHIVED = {
  millrace_archive_segments_total: ["Segments put into the archive by this process", "segments"],
  millrace_archive_bytes_total: ["Bytes of those segments", "bytes"],
  millrace_archive_final_hours_total: ["Hours of final minutes put into the archive by this process", "finalHours"],
  millrace_archive_merged_segments_total: ["Segments that became part of larger ones", "merged"],
  millrace_archive_deleted_files_total: ["Files that were older than archive.retentionDays", "deleted"],
  millrace_archive_failures_total: ["Tries to write to the archive, or to look after it, that failed", "failures"],
} as const;

/** A registry whose figures are those of `engine`, and of what it publishes, when it is read. */
export function engineMetrics(
  engine: Pick<Engine, "status">,
  publisher: Pick<MinutePublisher, "figures"> | null,
): Registry {
  const registry = new Registry();
  const registers = [registry];
  for (const [name, [help, of]] of Object.entries(GAUGES)) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(of(engine.status()));
      },
    });
  }
  for (const [name, [help, of]] of Object.entries(COUNTERS)) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(of(engine.status()));
      },
    });
  }
  new Counter({
    name: "millrace_engine_capped_cells_total",
    help: "Minute cells flushed whose value of the dimension was beyond its cap, and counted as __other__",
    labelNames: ["topic", "dimension"],
    registers,
    collect() {
      this.reset();
      for (const { topic, dimension, cells } of engine.status().capped) this.inc({ topic, dimension }, cells);
    },
  });
  const counters: [name: string, help: string, of: () => number][] = [];
  if (publisher !== null) {
    for (const [name, [help, figure]] of Object.entries(PUBLISHED)) {
      counters.push([name, help, () => publisher.figures[figure]]);
    }
  }
  if (engine.status().archive !== null) {
    for (const [name, [help, figure]] of Object.entries(ARCHIVED)) {
      counters.push([name, help, () => engine.status().archive?.[figure] ?? 0]);
    }
  }
  for (const [name, help, of] of counters) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(of());
      },
    });
  }
  return registry;
}
