/** Which notices go out now: alerts routed, grouped, held back where they are inhibited, silenced or muted. Pure. */
import { z } from "zod";
import type { AlertMessage } from "../../core/alerts/board.ts";
import { type AlertDecisions, covers } from "../../core/alerts/decisions.ts";
import { SEVERITIES, type Severity } from "../notify/notice.ts";
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
  /** Of people's decisions, those that the last message shows. */
  held: z.string().default(""),
  /** A person silenced it, and it was not told anew since. */
  isSilenced: z.boolean().default(false),
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
  /** What people decided about messages. */
  readonly decisions: AlertDecisions;
}

/** An alert within a group. */
interface Member extends Told {
  /** Held back until then; null: not. */
  readonly silencedUntilMs: number | null;
  readonly isInhibited: boolean;
}

export function dispatch(parts: DispatchParts): Dispatch {
  const { ruleSet, alerts, nowMs, decisions } = parts;
  const firing = alerts.filter(({ instance }) => isActive(instance)).map(({ labels }) => labels);
  const members = alerts.filter(({ instance }) => instance.firedAt !== null).map((alert): Member => ({
    ...alert,
    silencedUntilMs: silenceOf(ruleSet.silences, alert.labels, nowMs)?.untilMs ?? null,
    isInhibited: isInhibited(ruleSet.inhibitions, alert.labels, firing),
  }));
  const byGroup = new Map<string, { readonly route: Route; readonly labels: Labels; readonly members: Member[] }>();
  for (const member of members) {
    for (const { key, route, labels } of groupsOf(ruleSet.routes, member.labels)) {
      const group = byGroup.get(key) ?? { route, labels, members: [] };
      const silence = decisions.silenceOf(hash(key), nowMs);
      const isSilenced = silence !== null && covers(silence, member.instance.severity);
      const untilMs = isSilenced ? Math.max(silence.untilMs, member.silencedUntilMs ?? 0) : member.silencedUntilMs;
      group.members.push({ ...member, silencedUntilMs: untilMs });
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

/** The groups that an alert is told of in, by their keys. */
function groupsOf(
  routes: readonly Route[],
  labels: Labels,
): { readonly key: string; readonly route: Route; readonly labels: Labels }[] {
  return routesFor(routes, labels).map((route) => {
    const own = Object.fromEntries(route.groupBy.map((name) => [name, labels[name] ?? ""]));
    return { key: JSON.stringify([writeMatchers(route.matchers), route.channels, own]), route, labels: own };
  });
}

/** The messages that an alert is told in, or would be. */
export function messagesOf(routes: readonly Route[], labels: Labels, groups: Groups): AlertMessage[] {
  return groupsOf(routes, labels).map(({ key, labels }) => ({
    group: hash(key),
    episode: Object.hasOwn(groups, key) ? episodeOf(groups[key].openedMs) : null,
    labels,
  }));
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
  { nowMs, dashboardUrl, decisions }: DispatchParts,
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
    held: "",
    isSilenced: false,
  };
  const severity = calling.length === 0 ? group.severity : severityOf(calling);
  const told = active.length > 0 ? active : members.filter(({ instance }) => endedLast(instance, members));
  const held = heldBy(key, group, severity, decisions, nowMs);
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
      silencedUntilMs: state === "acknowledged" && calling.length === 0 ? latestOf(active) : null,
      silencedBy: held.silence?.by ?? null,
      acknowledged: state === "acknowledged" ? held.acknowledgement : null,
    });
  /** A message of its own, for people to hear: the first one, a repetition, or because it got worse. */
  const callOut = (): Advance => {
    const id = messageId(key, group);
    const after = {
      channels: [...route.channels],
      ids: [...group.ids, id],
      sentMs: nowMs,
      calledMs: nowMs,
      severity,
      digest: digestOf(told, "open"),
      held: held.text,
      isSilenced: held.silence !== null,
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
  const isWorse = severity !== group.severity && worse(severity, group.severity) === severity;
  const isDue = nowMs - group.calledMs >= route.repeatIntervalMs || (group.isSilenced && held.silence === null);
  const isRepeat = calling.length > 0 && held.acknowledgement === null && isDue;
  if (!isMutedNow && (isWorse || isRepeat)) return callOut();
  const isHeld = calling.length === 0 && active.every((member) => member.silencedUntilMs !== null);
  const state = isHeld || held.acknowledgement !== null ? "acknowledged" : "open";
  const digest = digestOf(told, state);
  // What a person decided is seen at once.
  const isNews = held.text !== group.held ||
    (digest !== group.digest && nowMs - group.sentMs >= route.groupIntervalMs);
  if (!isNews) return { group, notices: [] };
  // Who clicked may have done so in any message of it.
  const ids = held.text === group.held ? group.ids.slice(-1) : group.ids;
  const after = { digest, sentMs: nowMs, held: held.text, isSilenced: group.isSilenced || held.silence !== null };
  return { group: { ...group, ...after }, notices: ids.map((id) => noticeAs(id, state)) };
}

/** The decisions of people that hold for a group, which has alerts of that severity. */
function heldBy(key: string, { openedMs }: Group, severity: Severity, decisions: AlertDecisions, nowMs: number) {
  const name = hash(key);
  const acknowledgement = decisions.acknowledgementOf(name, episodeOf(openedMs));
  const isCovered = acknowledgement !== null && covers(acknowledgement, severity);
  const held = { silence: decisions.silenceOf(name, nowMs), acknowledgement: isCovered ? acknowledgement : null };
  const text = [held.silence, held.acknowledgement].map((each) => each === null ? "-" : `${each.atMs} ${each.by}`);
  return { ...held, text: text.every((each) => each === "-") ? "" : hash(text.join("\n")) };
}

function messageId(key: string, { ids, openedMs }: Group): string {
  const repetition = ids.length === 0 ? "" : `/${ids.length + 1}`;
  return `alert/${hash(key)}/${episodeOf(openedMs)}${repetition}`;
}

const episodeOf = (openedMs: number): string => Math.round(openedMs / 1000).toString(36);

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
export function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  }
  return value.toString(36);
}
