/** Which notices go out now: alerts routed, grouped, held back where they are inhibited, silenced or muted. Pure. */
import { z } from "zod";
import { SEVERITIES } from "../notify/notice.ts";
import { isActive, type Labels, labelsSchema, worse } from "./alert.ts";
import { type AlertNotice, noticeOf, severityOf, type Told } from "./alert_notice.ts";
import { isInhibited, isMuted, matches, silenceOf, writeMatchers } from "./matching.ts";
import type { Route, RuleSet } from "./rules_file.ts";

/** One message, and those that repeat it, from the first alert of a group to the end of the last. */
export const groupSchema = z.object({
  labels: labelsSchema,
  channels: z.array(z.string()),
  /** When its first alert fired. */
  openedMs: z.number(),
  /** Of the messages sent, oldest first; none yet while it waits for company. */
  ids: z.array(z.string()),
  sentMs: z.number(),
  /** When people were last made aware: the first message, and repetitions. */
  calledMs: z.number(),
  severity: z.enum(SEVERITIES),
  digest: z.string(),
});
export type Group = Readonly<z.infer<typeof groupSchema>>;
export type Groups = Readonly<Record<string, Group>>;

export interface Dispatch {
  readonly groups: Groups;
  readonly notices: readonly AlertNotice[];
}

export interface DispatchParts {
  readonly ruleSet: Pick<RuleSet, "routes" | "inhibitions" | "silences">;
  /** All instances: pending ones are left out here, resolved ones are named in the last message. */
  readonly alerts: readonly Told[];
  readonly groups: Groups;
  readonly nowMs: number;
  readonly dashboardUrl: string | null;
}

/** An alert within a group. */
interface Member extends Told {
  /** Held back until then; null: not. */
  readonly silencedUntilMs: number | null;
  readonly isInhibited: boolean;
}

export function dispatch(parts: DispatchParts): Dispatch {
  const { ruleSet, alerts, nowMs } = parts;
  const firing = alerts.filter(({ instance }) => isActive(instance)).map(({ labels }) => labels);
  const members = alerts.filter(({ instance }) => instance.firedAt !== null).map((alert): Member => ({
    ...alert,
    silencedUntilMs: silenceOf(ruleSet.silences, alert.labels, nowMs)?.untilMs ?? null,
    isInhibited: isInhibited(ruleSet.inhibitions, alert.labels, firing),
  }));
  const byGroup = new Map<string, { readonly route: Route; readonly labels: Labels; readonly members: Member[] }>();
  for (const member of members) {
    for (const route of routesFor(ruleSet.routes, member.labels)) {
      const labels = Object.fromEntries(route.groupBy.map((name) => [name, member.labels[name] ?? ""]));
      const key = JSON.stringify([writeMatchers(route.matchers), route.channels, labels]);
      const group = byGroup.get(key) ?? { route, labels, members: [] };
      group.members.push(member);
      byGroup.set(key, group);
    }
  }
  const groups: Record<string, Group> = {};
  const notices: AlertNotice[] = [];
  for (const key of new Set([...Object.keys(parts.groups), ...byGroup.keys()])) {
    const found = byGroup.get(key);
    const before = Object.hasOwn(parts.groups, key) ? parts.groups[key] : null;
    const after = found === undefined ? closeOrphan(before, parts) : advance(key, before, found, parts);
    if (after.group !== null) groups[key] = after.group;
    notices.push(...after.notices);
  }
  return { groups, notices };
}

function routesFor(routes: readonly Route[], labels: Labels): Route[] {
  const taken: Route[] = [];
  for (const route of routes) {
    if (!matches(route.matchers, labels)) continue;
    taken.push(route);
    if (!route.goesOn) break;
  }
  return taken;
}

interface Advance {
  readonly group: Group | null;
  readonly notices: readonly AlertNotice[];
}

const NOTHING: Advance = { group: null, notices: [] };

/** Its route, or all its rules, are gone from the file: whoever was told is told that it is over. */
function closeOrphan(before: Group | null, { nowMs }: DispatchParts): Advance {
  if (before === null || before.ids.length === 0) return NOTHING;
  const notices = before.ids.map((id) => ({
    ...noticeOf({
      id,
      channels: before.channels,
      groupLabels: before.labels,
      state: "resolved",
      alerts: [],
      openedMs: before.openedMs,
      nowMs,
      dashboardUrl: null,
      silencedUntilMs: null,
    }),
    severity: before.severity,
    title: "closed: the rules that it was of are gone, or have not been heard of for long",
  }));
  return { group: null, notices };
}

function advance(
  key: string,
  before: Group | null,
  { route, labels, members }: { readonly route: Route; readonly labels: Labels; readonly members: readonly Member[] },
  { nowMs, dashboardUrl }: DispatchParts,
): Advance {
  const active = members.filter(({ instance }) => isActive(instance));
  const calling = active.filter((member) => !member.isInhibited && member.silencedUntilMs === null);
  if (before === null && calling.length === 0) return NOTHING;
  const group: Group = before ?? {
    labels,
    channels: [...route.channels],
    openedMs: nowMs,
    ids: [],
    sentMs: 0,
    calledMs: 0,
    severity: severityOf(calling),
    digest: "",
  };
  const told = active.length > 0 ? active : members.filter(({ instance }) => endedLast(instance, members));
  const noticeAs = (id: string, state: AlertNotice["state"]): AlertNotice =>
    noticeOf({
      id,
      channels: group.channels,
      groupLabels: labels,
      state,
      alerts: worstFirst(told),
      openedMs: group.openedMs,
      nowMs,
      dashboardUrl,
      silencedUntilMs: state === "acknowledged" ? latestOf(active) : null,
    });
  /** A message of its own, for people to hear: the first one, a repetition, or because it got worse. */
  const callOut = (): Advance => {
    const id = messageId(key, group);
    const after = {
      channels: [...route.channels],
      ids: [...group.ids, id],
      sentMs: nowMs,
      calledMs: nowMs,
      severity: severityOf(calling),
      digest: digestOf(told, "open"),
    };
    return { group: { ...group, ...after }, notices: [noticeAs(id, "open")] };
  };
  const isMutedNow = isMuted(route.mute, nowMs);
  if (group.ids.length === 0) {
    if (calling.length === 0) return NOTHING; // over before it was told
    if (isMutedNow || nowMs - group.openedMs < route.groupWaitMs) return { group, notices: [] };
    return callOut();
  }
  if (active.length === 0) {
    return { group: null, notices: group.ids.map((id) => noticeAs(id, "resolved")) };
  }
  const severity = calling.length === 0 ? group.severity : severityOf(calling);
  const isWorse = severity !== group.severity && worse(severity, group.severity) === severity;
  const isRepeat = calling.length > 0 && nowMs - group.calledMs >= route.repeatIntervalMs;
  if (!isMutedNow && (isWorse || isRepeat)) return callOut();
  const state = calling.length === 0 && active.every((member) => member.silencedUntilMs !== null)
    ? "acknowledged"
    : "open";
  const digest = digestOf(told, state);
  if (digest === group.digest || nowMs - group.sentMs < route.groupIntervalMs) return { group, notices: [] };
  const [id] = group.ids.slice(-1);
  return { group: { ...group, digest, sentMs: nowMs }, notices: [noticeAs(id, state)] };
}

function messageId(key: string, { ids, openedMs }: Group): string {
  const repetition = ids.length === 0 ? "" : `/${ids.length + 1}`;
  return `alert/${hash(key)}/${Math.round(openedMs / 1000).toString(36)}${repetition}`;
}

/** Changes with what people should see again: which alerts there are, and their states. */
function digestOf(alerts: readonly Told[], state: string): string {
  const parts = alerts.map(({ instance: { rule, labels, state, severity, corrected } }) =>
    JSON.stringify([rule, labels, state, severity, corrected !== null])
  );
  return hash([state, ...parts.sort()].join("\n"));
}

function endedLast(instance: Told["instance"], members: readonly Told[]): boolean {
  return instance.since === Math.max(...members.map((member) => member.instance.since));
}

function latestOf(members: readonly Member[]): number | null {
  const times = members.flatMap(({ silencedUntilMs }) => silencedUntilMs === null ? [] : [silencedUntilMs]);
  return times.length === 0 ? null : Math.max(...times);
}

function worstFirst(alerts: readonly Told[]): Told[] {
  const rank = ({ instance }: Told): number => SEVERITIES.indexOf(instance.severity);
  return [...alerts].sort((a, b) => rank(a) - rank(b) || a.instance.startedAt - b.instance.startedAt);
}

/** 64 bits of FNV-1a, as text: names groups, guards nothing. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  }
  return value.toString(36);
}
