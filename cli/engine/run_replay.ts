/** Runs a replay: looks up what was asked for, refuses what cannot be, and says what was done. */
import type { Config } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import type { KafkaLog } from "../../core/log/kafka.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { formatOf } from "../../core/store/formats.ts";
import { parseTime, TIME_HINT } from "../../core/times.ts";
import { topicSettingsOf } from "../../core/config/schema.ts";
import { planReplay, replayPartition, type ReplayPlan } from "../../engine/replay/replay.ts";
import { type Data, openData } from "../data.ts";
import { formatPlural } from "../format.ts";
import type { Terminal } from "../terminal.ts";

export interface ReplayRequest {
  readonly topic: string;
  readonly from: string;
  readonly to: string | null;
  readonly partition: string | null;
  readonly isDryRun: boolean;
  readonly isForced: boolean;
}

const HOUR_MS = 3_600_000;
const BUCKET_MAX = 2_147_483_647;

/** What is to be replayed: hours of all partitions or one, or what offsets of one lie in. */
type Range =
  | { readonly kind: "hours"; readonly buckets: readonly [number, number]; readonly partition: number | null }
  | { readonly kind: "offsets"; readonly from: number; readonly to: number; readonly partition: number };

export async function runReplay(config: Config, request: ReplayRequest, terminal: Terminal): Promise<void> {
  const range = rangeOf(request, Date.now());
  const data = await openData(config, (message) => terminal.err(`${message}\n`));
  try {
    const topic = await topicOf(data, request.topic, range.partition);
    if (data.kafka !== null) await refuseEngines(data.kafka, config.kafka.groupId);
    const buckets = range.kind === "hours" ? range.buckets : [-BUCKET_MAX, BUCKET_MAX] as const;
    const plans = (await planReplay({ store: data.store, topic }, buckets, range.partition))
      .map((plan) => range.kind === "hours" ? plan : within(plan, range))
      .filter(({ extents }) => extents.length > 0);
    if (plans.length === 0) {
      terminal.out(`nothing of ${topic.name} is stored in that range: there is nothing to replay\n`);
      return;
    }
    for (const plan of plans) terminal.out(`${planText(topic, plan)}\n`);
    if (request.isDryRun) return;
    const settings = topicSettingsOf(config, topic.name);
    const format = settings.format ?? topic.format ?? await formatOf(data.store, topic.id);
    const open = (partition: number) => openReader(data.log.readerSpec(topic, partition));
    for (const plan of plans) {
      const { isForced } = request;
      const parts = { config, store: data.store, topic, format, openReader: open, isForced };
      const { partition, records, unparsedBefore, unparsedAfter } = await replayPartition(parts, plan);
      terminal.out(
        `${topic.name}/${partition}: replayed ${formatPlural(records, "record")}; ` +
          `unparsed ${unparsedBefore} before, ${unparsedAfter} now\n`,
      );
    }
  } finally {
    await data.close();
  }
}

function refused(option: string, text: string, hint: string): MillraceError {
  return new MillraceError("INVALID_INPUT", `${option} ${text}: ${hint}`, "see: deno task engine replay --help");
}

const OFFSET = /^\d{1,16}$/;

function rangeOf({ from, to, partition }: ReplayRequest, nowMs: number): Range {
  if (partition !== null && !/^\d{1,6}$/.test(partition)) throw refused("--partition", partition, "not a number");
  const only = partition === null ? null : Number(partition);
  if (only !== null && OFFSET.test(from) && (to === null || OFFSET.test(to))) {
    const range = {
      kind: "offsets",
      from: Number(from),
      to: to === null ? Infinity : Number(to),
      partition: only,
    } as const;
    if (range.from >= range.to) throw refused("--from", from, `not before --to ${to}`);
    return range;
  }
  const fromMs = parseTime(from, nowMs);
  const toMs = to === null ? nowMs : parseTime(to, nowMs);
  const hint = `not a time (an offset needs --partition): ${TIME_HINT}`;
  if (fromMs === null) throw refused("--from", from, hint);
  if (toMs === null) throw refused("--to", to ?? "", hint);
  if (fromMs >= toMs) throw refused("--from", from, `not before --to ${to ?? "now"}`);
  return {
    kind: "hours",
    buckets: [Math.floor(fromMs / HOUR_MS), Math.ceil(toMs / HOUR_MS) - 1],
    partition: only,
  };
}

async function topicOf({ log }: Data, name: string, partition: number | null): Promise<Topic> {
  const topic = await log.findTopic(name);
  if (topic === undefined) {
    const known = (await log.listTopics()).map(({ name }) => name).slice(0, 10).join(", ");
    throw new MillraceError("UNKNOWN_TOPIC", `there is no topic ${name}`, `topics there are: ${known || "none"}`);
  }
  if (partition !== null && partition >= topic.partitions) {
    throw refused("--partition", String(partition), `${name} has ${formatPlural(topic.partitions, "partition")}`);
  }
  return topic;
}

/** Engines hold what they read of these hours in memory. */
async function refuseEngines(kafka: KafkaLog, groupId: string): Promise<void> {
  const { groups } = await kafka.control("asking for the group", (admin) => admin.describeGroups([groupId]));
  const members = groups.flatMap(({ members }) => members);
  if (members.length === 0) return;
  throw new MillraceError(
    "REFUSED",
    `${formatPlural(members.length, "engine")} of group ${groupId} are at work`,
    "stop them (SIGTERM), replay, and start them again; they go on where they stopped",
  );
}

/** The hours that may hold records of these offsets. */
function within(plan: ReplayPlan, { from, to }: { readonly from: number; readonly to: number }): ReplayPlan {
  return { ...plan, extents: plan.extents.filter(({ fromOffset, upto }) => fromOffset < to && upto > from) };
}

function planText({ name }: Topic, { partition, extents }: ReplayPlan): string {
  const hour = (bucket: number) => new Date(bucket * HOUR_MS).toISOString().slice(0, 16) + "Z";
  const first = hour(Math.min(...extents.map(({ bucket }) => bucket)));
  const last = hour(Math.max(...extents.map(({ bucket }) => bucket + 1)));
  const records = extents.reduce((sum, { count }) => sum + count, 0);
  const from = Math.min(...extents.map(({ fromOffset }) => fromOffset));
  const to = Math.max(...extents.map(({ upto }) => upto));
  return `${name}/${partition}: ${formatPlural(extents.length, "hour")} from ${first} to ${last}, ` +
    `${formatPlural(records, "record")} of offsets ${from} to ${to - 1}`;
}
