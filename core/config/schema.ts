/** The one schema of the configuration: millrace.yaml and the environment, checked, with defaults that need no file. */
import { z } from "zod";
import { PRESET_NAMES } from "../minutes/preset.ts";
import { MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";

const MAPPED_FIELDS = ["timestamp", ...TEXT_FIELDS, ...MEASURES.map((measure) => measure.name)] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

/** Per field, key paths (dots descend into objects) tried before the usual names, in this order. */
const fieldMapping = z.partialRecord(z.enum(MAPPED_FIELDS), z.array(z.string().min(1)).max(16));
export type FieldMapping = z.infer<typeof fieldMapping>;

/** Kafka's rule for names, so that every topic can move to a cluster. */
export const topicName = z.string().regex(
  /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/,
  "a topic is 1 to 249 letters, digits, dots, underscores or hyphens, and not . or ..",
);

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
export const timeZone = z.string().refine(isTimeZone, "not a time zone: use an IANA name such as Europe/Berlin or UTC");

const topicSettings = z.strictObject({
  /** Parser; absent: the one the topic was made with, else detected from its first records. */
  format: z.string().optional(),
  /** Dimensions and measures; absent: the parser's own. */
  preset: z.enum(PRESET_NAMES).optional(),
  /** Partitions of a topic that is made by writing to it. */
  partitions: z.int().min(1).max(1024).optional(),
  timeZone: timeZone.default("UTC"),
  mapping: fieldMapping.default({}),
});
export type TopicSettings = z.infer<typeof topicSettings>;

const megabyte = 1024 * 1024;

export const configSchema = z.strictObject({
  /** Where the embedded log and store keep their files. */
  data: z.string().min(1).default("./data"),
  gateway: z.strictObject({
    host: z.string().min(1).default("127.0.0.1"),
    port: z.int().min(0).max(65535).default(8080),
    /** Largest body that the ingest endpoint takes, before and after decompression. */
    ingestBodyBytesMax: z.int().min(1024).default(64 * megabyte),
    /** Bytes accepted but not yet durable, over all requests, before the answer is 429. */
    ingestPendingBytesMax: z.int().min(megabyte).default(128 * megabyte),
  }).prefault({}),
  engine: z.strictObject({
    /** Worker threads; 0: one a core. */
    workers: z.int().min(0).max(256).default(0),
    flushIntervalMs: z.int().min(50).max(60_000).default(500),
    /** How far behind a partition's largest event time its watermark stays. */
    latenessSeconds: z.int().min(0).max(86_400).default(60),
    /** An event further ahead of its record's time than this is counted at the record's time. */
    futureSeconds: z.int().min(0).max(86_400).default(600),
    /** Longer records go to quarantine as too_large. */
    recordBytesMax: z.int().min(1024).max(64 * megabyte).default(megabyte),
    fetchBytes: z.int().min(65_536).max(64 * megabyte).default(4 * megabyte),
    /** Dirty rows of a worker before it flushes early; bounds memory. */
    pendingRowsMax: z.int().min(1000).default(20_000),
    /** Whether every event is kept (searchable), or minutes and quarantine only. */
    events: z.enum(["store", "off"]).default("store"),
    /** Where the log no longer holds what comes next: stop the partition until told, or record the gap and go on. */
    onGap: z.enum(["stop", "continue"]).default("stop"),
  }).prefault({}),
  log: z.strictObject({
    partitions: z.int().min(1).max(1024).default(4),
    segmentBytes: z.int().min(65_536).default(64 * megabyte),
    /** always: an fsync before every answer. interval: at most fsyncIntervalMs of answers share one. never: the system's choice. */
    fsync: z.enum(["always", "interval", "never"]).default("interval"),
    fsyncIntervalMs: z.int().min(1).max(10_000).default(20),
    retentionHours: z.number().positive().default(24),
    /** Per partition. */
    retentionBytes: z.int().min(megabyte).default(1024 * megabyte),
    recordBytesMax: z.int().min(1024).max(128 * megabyte).default(16 * megabyte),
  }).prefault({}),
  store: z.strictObject({
    /** What DuckDB may hold in memory. */
    memoryBytes: z.int().min(32 * megabyte).default(192 * megabyte),
    threads: z.int().min(1).max(256).default(2),
    minutesRetentionDays: z.number().positive().default(400),
    eventsRetentionDays: z.number().positive().default(7),
  }).prefault({}),
  generator: z.strictObject({
    rate: z.number().positive().max(10_000_000).default(200),
    seed: z.int().min(0).default(1),
  }).prefault({}),
  topics: z.record(topicName, topicSettings).default({}),
});
export type Config = z.infer<typeof configSchema>;

/** The settings of a topic: the configured ones, or the defaults. */
export function topicSettingsOf(config: Config, name: string): TopicSettings {
  return config.topics[name] ?? topicSettings.parse({});
}
