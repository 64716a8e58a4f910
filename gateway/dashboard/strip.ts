/** The health of what is looked at: how fast records come, how far behind it is, and who works on it. */
import { type ComponentChildren, h } from "preact";
import type { Status, TopicInfo } from "./api.ts";
import { type FlowPoint, lagTrend, rateOf, ratesOf } from "./flow.ts";
import type { AnalyzerStanding } from "./incident_marks.ts";
import { compact, lengthOf, percent } from "./parts.ts";
import { Sparkline } from "./sparkline.ts";
import { dayOf, minuteOf } from "./times.ts";

/** Above these somebody should look. */
const LAG_SECONDS = 30;
const WATERMARK_SECONDS = 300;
const UNPARSED_SHARE = 0.01;

type Health = "good" | "watch" | "unknown";

export function Strip({ topic, status, analyzer, flow, nowMs, onQuarantine }: {
  readonly topic: TopicInfo;
  readonly status: Status | null;
  readonly analyzer: AnalyzerStanding | null;
  readonly flow: readonly FlowPoint[];
  readonly nowMs: number;
  readonly onQuarantine: () => void;
}) {
  const { events, unparsed } = topic.totals;
  const share = unparsed / Math.max(1, events + unparsed);
  const rate = rateOf(flow);
  const trend = lagTrend(flow);
  return h(
    "dl",
    { class: "strip", "aria-label": "Health" },
    h(Tile, {
      name: "stored",
      value: rate === null ? "measuring" : `${compact.format(rate)} /s`,
      note: `${compact.format(events + unparsed)} in all`,
      health: "good",
    }, h(Sparkline, { values: ratesOf(flow), label: "records stored a second, since this page was opened" })),
    h(
      Tile,
      {
        name: "lag",
        value: `${topic.lagSeconds.toFixed(1)} s`,
        note: `${compact.format(topic.lagRecords)} records, ${trend}`,
        health: topic.lagSeconds > LAG_SECONDS || trend === "growing" ? "watch" : "good",
      },
      h(Sparkline, { values: flow.map(({ lagRecords }) => lagRecords), label: `lag is ${trend}`, colour: "--second" }),
    ),
    h(WatermarkTile, { topic, nowMs }),
    h(Tile, {
      name: "unparsed",
      value: percent(share),
      note: unparsed === 0 ? "every record read" : h(
        "button",
        { type: "button", class: "link", onClick: onQuarantine },
        `${compact.format(unparsed)} in quarantine`,
      ),
      health: share > UNPARSED_SHARE ? "watch" : "good",
    }),
    h(WorkersTile, { topic, status }),
    h(AnalyzerTile, { topic, analyzer }),
  );
}

function WatermarkTile({ topic, nowMs }: { readonly topic: TopicInfo; readonly nowMs: number }) {
  const marks = topic.partitions.flatMap(({ watermark }) => watermark === null ? [] : [Date.parse(watermark)]);
  if (marks.length === 0) {
    return h(Tile, { name: "watermark age", value: "none yet", note: "no event is stored", health: "unknown" });
  }
  const oldest = Math.min(...marks);
  const seconds = Math.max(0, (nowMs - oldest) / 1000);
  const isToday = seconds < 86_400;
  return h(Tile, {
    name: "watermark age",
    value: lengthOf(seconds),
    note: `final up to ${isToday ? minuteOf(oldest) : dayOf(oldest)}`,
    health: seconds > WATERMARK_SECONDS ? "watch" : "good",
  });
}

function WorkersTile({ topic, status }: { readonly topic: TopicInfo; readonly status: Status | null }) {
  if (status === null) return null;
  const { engine, consumerGroup } = status;
  if (engine === null) {
    return h(Tile, {
      name: "engines",
      value: "elsewhere",
      note: h("a", { href: `/topics?${new URLSearchParams({ topic: topic.name })}` }, `group ${consumerGroup ?? ""}`),
      health: "unknown",
    });
  }
  const own = engine.workers.map(({ partitions }) => partitions.filter((held) => held.topic === topic.name).length);
  const held = own.reduce((sum, count) => sum + count, 0);
  const all = topic.partitions.length;
  const note = !engine.isHealthy
    ? engine.lastError ?? "not healthy"
    : held === all
    ? `${all} ${all === 1 ? "partition" : "partitions"}${own.length > 1 ? `: ${own.join(" + ")}` : ""}`
    : `${held} of ${all} partitions, the rest elsewhere`;
  return h(Tile, { name: "workers", value: String(own.length), note, health: engine.isHealthy ? "good" : "watch" });
}

function AnalyzerTile({ topic, analyzer }: { readonly topic: TopicInfo; readonly analyzer: AnalyzerStanding | null }) {
  if (analyzer === null) return null;
  const { readAt, trouble, asked, usd, openIncidents } = analyzer;
  if (readAt === null && topic.totals.events === 0) {
    return h(Tile, { name: "errors", value: "none", note: "nothing to read yet", health: "unknown" });
  }
  if (readAt === null) {
    return h(Tile, {
      name: "analyzer",
      value: "not running",
      note: h("code", null, "deno task analyzer"),
      health: "unknown",
    });
  }
  const link = h(
    "a",
    { href: `/errors?${new URLSearchParams({ topic: topic.name })}` },
    openIncidents === 1 ? "incident" : "incidents",
  );
  const model = trouble !== null ? "facts only" : asked === 0 ? "no model asked" : `model ${usd.toFixed(2)} $`;
  return h(Tile, {
    name: "errors",
    value: `${openIncidents} open`,
    note: h("span", { title: trouble ?? undefined }, [link, `, ${model}`]),
    health: openIncidents > 0 ? "watch" : "good",
  });
}

const HEALTH_SAID: Readonly<Record<Health, string>> = { good: "", watch: "look at this", unknown: "" };

function Tile({ name, value, note, health, children }: {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note: ComponentChildren;
  readonly health: Health;
  readonly children?: ComponentChildren;
}) {
  return h(
    "div",
    { class: "tile", "data-health": health },
    h("dt", null, name, HEALTH_SAID[health] !== "" && h("span", { class: "watch" }, HEALTH_SAID[health])),
    h("dd", { class: "value-now" }, value),
    h("dd", { class: "note" }, note),
    children && h("dd", { class: "trend-line" }, children),
  );
}
