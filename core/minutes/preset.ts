/** Presets: which fields of a topic's events become dimensions and measures, and what counts as an error. */
import type { Dimension, Measure } from "./fields.ts";

/** One dimension of a preset. */
export interface PresetDimension {
  readonly name: Dimension;
  /**
   * Distinct values kept per unit (partition and hour), first come by offset; later ones are counted under `__other__`.
   * The set is read back from the store at takeover, so the result is a function of the log alone.
   */
  readonly cap: number;
}

export interface Preset {
  readonly name: PresetName;
  readonly dimensions: readonly PresetDimension[];
  readonly measures: readonly Measure[];
  /** Event levels, statuses and so on that make an event an error: any one is enough. */
  readonly errors: Readonly<Partial<Record<Dimension, (value: string) => boolean>>>;
}

export const PRESET_NAMES = ["apps", "access", "payments"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Levels that count as errors in every preset. */
export const ERROR_LEVELS: ReadonlySet<string> = new Set(["ERROR", "FATAL"]);
const isErrorLevel = (level: string): boolean => ERROR_LEVELS.has(level);
const isServerError = (status: string): boolean => /^5\d\d$/.test(status);

/** Statuses of a payment event that mean that it did not go through (compared in lower case). */
export const FAILED_PAYMENT_STATUSES: ReadonlySet<string> = new Set([
  "failed",
  "failure",
  "declined",
  "rejected",
  "error",
  "denied",
  "expired",
  "timeout",
]);

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  apps: {
    name: "apps",
    dimensions: [
      { name: "service", cap: 500 },
      { name: "level", cap: 20 },
      { name: "method", cap: 20 },
      { name: "endpoint", cap: 1000 },
      { name: "status", cap: 100 },
    ],
    measures: ["response_time"],
    errors: { level: isErrorLevel, status: isServerError },
  },
  access: {
    name: "access",
    dimensions: [
      { name: "level", cap: 20 },
      { name: "host", cap: 100 },
      { name: "endpoint", cap: 1000 },
      { name: "status", cap: 100 },
      { name: "method", cap: 20 },
    ],
    measures: ["content_size", "response_time"],
    errors: { status: isServerError },
  },
  payments: {
    name: "payments",
    dimensions: [
      { name: "level", cap: 20 },
      { name: "event_type", cap: 50 },
      { name: "status", cap: 50 },
      { name: "method", cap: 50 },
      { name: "currency", cap: 200 },
    ],
    measures: ["amount"],
    errors: { status: (status) => FAILED_PAYMENT_STATUSES.has(status.toLowerCase()), level: isErrorLevel },
  },
};
