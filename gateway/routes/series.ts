/** GET /api/v1/series: one statistic over time, by dimensions. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { DIMENSIONS, type Measure, MEASURES } from "../../core/minutes/fields.ts";
import type { Preset } from "../../core/minutes/preset.ts";
import { type Series, type Statistic, STATISTICS, type TimeRange } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter } from "../problem.ts";
import { jsonAnswer, presetOf, repeated, timeParameters, topicOf, topicParameter, whereParameter } from "../query.ts";
import { parseStep, rangeOf } from "../time_range.ts";
import { frontierOf } from "../topic_state.ts";
import { parseWhere } from "../where.ts";

const MS_PER_MINUTE = 60_000;
const SERIES_MAX = 100;
const POINTS_MAX = 50_000;
const AUTO_POINTS = 500;
const AUTO_STEPS = [1, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 10_080, 43_200];
const COUNTED: ReadonlySet<Statistic> = new Set(["count", "errors", "error_rate"]);

const measureNames = MEASURES.map(({ name }) => name);

const query = z.strictObject({
  topic: topicParameter,
  metric: z.enum(STATISTICS).openapi({ description: "What to compute for each step", example: "count" }),
  measure: z.enum(measureNames).optional().openapi({ description: "Of which measure; the topic's first unless given" }),
  ...timeParameters,
  step: z.string().refine(
    (text) => parseStep(text) !== null,
    "a step is a whole number of minutes: 1m, 5m, 1h, 1d, 300s",
  )
    .optional().openapi({ description: "Width of a point; unless given, for at most 500 points", example: "5m" }),
  by: repeated("Dimensions to split by, comma-separated or repeated", "service"),
  where: whereParameter,
});

const answer = z.object({
  topic: z.string(),
  metric: z.enum(STATISTICS),
  measure: z.string().nullable(),
  unit: z.string(),
  from: z.string(),
  to: z.string(),
  step: z.string(),
  finalUntil: z.string().nullable().openapi({ description: "Minutes that end before it are final in all partitions" }),
  frontier: z.array(z.object({ partition: z.int(), offset: z.int() })),
  series: z.array(z.object({
    dimensions: z.record(z.string(), z.string()),
    points: z.array(z.tuple([z.number(), z.number().nullable()])),
  })),
  truncated: z.boolean(),
}).openapi("Series");

const route = createRoute({
  method: "get",
  path: "/api/v1/series",
  tags: ["Metrics"],
  summary: "A metric over time",
  request: { query },
  description: `Minutes that begin in the range, in steps aligned to the epoch; ${SERIES_MAX} series, the largest by ` +
    `count, and ${POINTS_MAX} points at most: truncated says that there are more series. Steps without events are 0 for ` +
    "count and errors, null for the rest.",
  responses: jsonAnswer(answer, "Points are [start of the step in epoch milliseconds, value or null]"),
});

export function seriesRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const preset = await presetOf(parts, topic);
    const range = rangeOf(given, parts.now());
    const measure = measureOf(given.metric, given.measure, preset);
    const stepMinutes = given.step === undefined ? autoStep(range) : parseStep(given.step) ?? 1;
    const by = dimensionsOf(given.by, preset);
    const steps = stepsOf(range, stepMinutes);
    // Asked first: the series then reflects at least this frontier.
    const partitions = await parts.store.partitions(topic.id);
    const result = await parts.store.series({
      topicId: topic.id,
      range,
      stepMinutes,
      statistic: given.metric,
      measure,
      by,
      where: parseWhere(given.where, preset.dimensions.map(({ name }) => name)),
      seriesMax: Math.min(SERIES_MAX, Math.floor(POINTS_MAX / Math.max(1, steps.length))),
    });
    // One line without any record is still a line, of zeros.
    const series = result.series.length === 0 && by.length === 0 ? [{ dimensions: {}, points: [] }] : result.series;
    return c.json({
      topic: topic.name,
      metric: given.metric,
      measure: measure ?? null,
      unit: unitOf(given.metric, measure),
      from: new Date(range.fromMs).toISOString(),
      to: new Date(range.toMs).toISOString(),
      step: `${stepMinutes}m`,
      finalUntil: finalUntil(partitions.map(({ watermarkMs }) => watermarkMs)),
      frontier: frontierOf(topic, partitions.map(({ partition, checkpoint }) => ({ partition, offset: checkpoint }))),
      series: series.map((one) => filled(one, steps, given.metric)),
      truncated: result.truncated,
    }, 200);
  });
}

function measureOf(metric: Statistic, measure: Measure | undefined, preset: Preset): Measure | undefined {
  if (COUNTED.has(metric)) return undefined;
  if (measure === undefined) return preset.measures[0];
  if (preset.measures.includes(measure)) return measure;
  throw badParameter("measure", `this topic has no ${measure}; it has ${preset.measures.join(", ")}`);
}

function unitOf(metric: Statistic, measure: Measure | undefined): string {
  if (metric === "error_rate") return "ratio";
  return MEASURES.find(({ name }) => name === measure)?.unit ?? "events";
}

function dimensionsOf(texts: readonly string[], preset: Preset): (typeof DIMENSIONS)[number][] {
  const known = preset.dimensions.map(({ name }) => name);
  return [...new Set(texts.flatMap((text) => text.split(",")))].filter((text) => text !== "").map((text) => {
    const dimension = known.find((name) => name === text);
    if (dimension !== undefined) return dimension;
    throw badParameter("by", `this topic has no dimension ${text}; it has ${known.join(", ")}`);
  });
}

function autoStep({ fromMs, toMs }: TimeRange): number {
  const minutes = (toMs - fromMs) / MS_PER_MINUTE;
  // One point more than the range has room for, where it begins within a step.
  const longest = AUTO_POINTS - 1;
  return AUTO_STEPS.find((step) => minutes / step <= longest) ?? Math.ceil(minutes / longest / 1440) * 1440;
}

/** Starts of the steps that the minutes of the range are in, epoch milliseconds. */
function stepsOf({ fromMs, toMs }: TimeRange, stepMinutes: number): readonly number[] {
  const stepMs = stepMinutes * MS_PER_MINUTE;
  const firstMinuteMs = Math.ceil(fromMs / MS_PER_MINUTE) * MS_PER_MINUTE;
  const startMs = Math.floor(firstMinuteMs / stepMs) * stepMs;
  const length = firstMinuteMs >= toMs ? 0 : Math.ceil((toMs - startMs) / stepMs);
  if (length > POINTS_MAX) {
    throw badParameter("step", `${length} points are more than ${POINTS_MAX}: take a larger step or a shorter range`);
  }
  return Array.from({ length }, (_, i) => startMs + i * stepMs);
}

/** The smallest watermark: no partition can still change a minute before it, but for late events. */
function finalUntil(watermarks: readonly (number | null)[]): string | null {
  const known = watermarks.filter((watermark): watermark is number => watermark !== null);
  return known.length === 0 ? null : new Date(Math.min(...known)).toISOString();
}

/** Steps without data are 0 for counts, null for everything else. */
function filled({ dimensions, points }: Series, steps: readonly number[], metric: Statistic) {
  const values = new Map(points);
  const empty = metric === "count" || metric === "errors" ? 0 : null;
  return { dimensions, points: steps.map((atMs): [number, number | null] => [atMs, values.get(atMs) ?? empty]) };
}
