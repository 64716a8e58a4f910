/** GET /api/v1/series: one statistic over time, by dimensions. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { DIMENSIONS, type Measure, MEASURES } from "../../core/minutes/fields.ts";
import type { Preset } from "../../core/minutes/preset.ts";
import { type Series, type Statistic, STATISTICS, type TimeRange } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter } from "../problem.ts";
import { jsonAnswer, presetOf, repeated, timeParameters, topicOf, topicParameter, whereParameter } from "../query.ts";
import { parseStep, rangeOf } from "../time_range.ts";
import { parseWhere } from "../where.ts";

const MS_PER_MINUTE = 60_000;
const SERIES_MAX = 100;
const POINTS_MAX = 50_000;
const AUTO_POINTS = 500;
/** Steps without data are filled in up to this many steps. */
const FILL_STEPS_MAX = 1_500;
const AUTO_STEPS = [1, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 10_080, 43_200];
const COUNTED: ReadonlySet<Statistic> = new Set(["count", "errors", "error_rate"]);

const measureNames = MEASURES.map(({ name }) => name);

const query = z.strictObject({
  topic: topicParameter,
  metric: z.enum(STATISTICS).openapi({ description: "What to compute for each step", example: "count" }),
  measure: z.enum(measureNames).optional().openapi({ description: "Of which measure; the topic's first unless given" }),
  ...timeParameters,
  step: z.string().refine((text) => parseStep(text) !== null, "a step is a number of whole minutes: 1m, 5m, 1h, 1d")
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
    checkPoints(range, stepMinutes);
    const result = await parts.store.series({
      topicId: topic.id,
      range,
      stepMinutes,
      statistic: given.metric,
      measure,
      by: dimensionsOf(given.by, preset),
      where: parseWhere(given.where, preset.dimensions.map(({ name }) => name)),
      seriesMax: SERIES_MAX,
    });
    const partitions = await parts.store.partitions(topic.id);
    return c.json({
      topic: topic.name,
      metric: given.metric,
      measure: measure ?? null,
      unit: unitOf(given.metric, measure),
      from: new Date(range.fromMs).toISOString(),
      to: new Date(range.toMs).toISOString(),
      step: `${stepMinutes}m`,
      finalUntil: finalUntil(partitions.map(({ watermarkMs }) => watermarkMs)),
      frontier: partitions.map(({ partition, checkpoint }) => ({ partition, offset: checkpoint })),
      series: result.series.map((series) => filled(series, range, stepMinutes, given.metric)),
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
  return AUTO_STEPS.find((step) => minutes / step <= AUTO_POINTS) ?? Math.ceil(minutes / AUTO_POINTS / 1440) * 1440;
}

function checkPoints({ fromMs, toMs }: TimeRange, stepMinutes: number): void {
  const points = (toMs - fromMs) / MS_PER_MINUTE / stepMinutes;
  if (points > POINTS_MAX) {
    throw badParameter("step", `${Math.ceil(points)} points are more than ${POINTS_MAX}: take a larger step or range`);
  }
}

/** The smallest watermark: no partition can still change a minute before it, but for late events. */
function finalUntil(watermarks: readonly (number | null)[]): string | null {
  const known = watermarks.filter((watermark): watermark is number => watermark !== null);
  return known.length === 0 ? null : new Date(Math.min(...known)).toISOString();
}

/** Steps without data are 0 for counts, null for everything else; long ranges stay as sparse as they are. */
function filled({ dimensions, points }: Series, range: TimeRange, stepMinutes: number, metric: Statistic) {
  const stepMs = stepMinutes * MS_PER_MINUTE;
  const first = Math.floor(range.fromMs / stepMs) * stepMs;
  const steps = Math.ceil((range.toMs - first) / stepMs);
  const sparse = points.map(([at, value]): [number, number | null] => [at, value]);
  if (steps > FILL_STEPS_MAX) return { dimensions, points: sparse };
  const values = new Map(sparse);
  const empty = metric === "count" || metric === "errors" ? 0 : null;
  return {
    dimensions,
    points: Array.from({ length: steps }, (_, i): [number, number | null] => {
      const at = first + i * stepMs;
      return [at, values.get(at) ?? empty];
    }),
  };
}
