/** Conditions on the labels of alerts; who is silenced, muted or inhibited by another. Pure. */
import type { Condition } from "../../core/store/ports.ts";
import { meets, splitCondition, writeCondition } from "../../core/store/where.ts";
import type { Labels } from "./alert.ts";

/** A condition on a label; an absent label is the empty text. */
export interface Matcher extends Pick<Condition, "op" | "values"> {
  readonly name: string;
}

export function parseMatchers(texts: readonly string[]): Matcher[] {
  return texts.map(splitCondition).filter((matcher) => matcher !== null);
}

export function writeMatchers(matchers: readonly Matcher[]): string {
  return matchers.length === 0 ? "everything" : matchers.map(writeCondition).join(", ");
}

export function matches(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => meets(matcher, labels[matcher.name] ?? ""));
}

/** Holds back alerts from `fromMs` until `untilMs`. */
export interface Silence {
  readonly matchers: readonly Matcher[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly comment: string;
  /** Where it stands: rules.yaml:12:5. */
  readonly place: string;
}

/** The silence that lasts longest of those that hold for an alert now; null where none does. */
export function silenceOf(silences: readonly Silence[], labels: Labels, nowMs: number): Silence | null {
  let longest: Silence | null = null;
  for (const silence of silences) {
    if (nowMs < silence.fromMs || nowMs >= silence.untilMs || !matches(silence.matchers, labels)) continue;
    if (longest === null || silence.untilMs > longest.untilMs) longest = silence;
  }
  return longest;
}

/** What is to be said of silences: those that are over, and pairs that hold for the same alerts at the same time. */
export function remarksOnSilences(silences: readonly Silence[], nowMs: number): string[] {
  const remarks = silences.filter(({ untilMs }) => untilMs <= nowMs).map(({ place, untilMs }) =>
    `${place}: this silence ended at ${isoOf(untilMs)}; it may be removed`
  );
  const open = silences.filter(({ untilMs }) => untilMs > nowMs);
  open.forEach((a, i) => {
    for (const b of open.slice(i + 1)) {
      if (a.fromMs >= b.untilMs || b.fromMs >= a.untilMs || !canBothMatch(a.matchers, b.matchers)) continue;
      const [fromMs, untilMs] = [Math.max(a.fromMs, b.fromMs), Math.min(a.untilMs, b.untilMs)];
      const last = a.untilMs >= b.untilMs ? a : b;
      remarks.push(
        `${b.place}: this silence overlaps with the one at ${a.place} from ${isoOf(fromMs)} until ${isoOf(untilMs)}; ` +
          `what both match stays silent until ${isoOf(last.untilMs)}`,
      );
    }
  });
  return remarks;
}

/** False where no alert can meet both: each label that both name leaves no value. */
function canBothMatch(a: readonly Matcher[], b: readonly Matcher[]): boolean {
  return a.every((one) =>
    b.every((other) => {
      if (one.name !== other.name) return true;
      const [exact, rest] = one.op === "in" ? [one, other] : [other, one];
      return exact.op !== "in" || exact.values.some((value) => meets(rest, value));
    })
  );
}

const isoOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16) + "Z";

/** Alerts that match `target` are not told of while one matches `source` with the same values of `equal`. */
export interface Inhibition {
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  readonly equal: readonly string[];
}

/** Whether one of the alerts that fire holds this one back. An alert never inhibits itself. */
export function isInhibited(inhibitions: readonly Inhibition[], labels: Labels, firing: readonly Labels[]): boolean {
  return inhibitions.some(({ source, target, equal }) =>
    matches(target, labels) &&
    firing.some((other) =>
      other !== labels && matches(source, other) && !matches(target, other) &&
      equal.every((name) => (other[name] ?? "") === (labels[name] ?? ""))
    )
  );
}

export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Times of the week at which nothing new is told. */
export interface MuteWindow {
  readonly name: string;
  readonly timeZone: string;
  /** Days on which it begins; none: every day. */
  readonly weekdays: readonly Weekday[];
  /** Minutes of the day; one that ends before it begins goes on into the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

export function isMuted(windows: readonly MuteWindow[], nowMs: number): boolean {
  return windows.some((window) => {
    const { weekday, minute } = localTime(window.timeZone, nowMs);
    const holds = (day: number): boolean =>
      window.weekdays.length === 0 || window.weekdays.includes(WEEKDAYS[(day + 7) % 7]);
    const { fromMinute, toMinute } = window;
    if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute && holds(weekday);
    return (minute >= fromMinute && holds(weekday)) || (minute < toMinute && holds(weekday - 1));
  });
}

function localTime(timeZone: string, nowMs: number): { readonly weekday: number; readonly minute: number } {
  const parts = new Map(
    new Intl.DateTimeFormat("en-GB", {
      timeZone,
      weekday: "long",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    })
      .formatToParts(nowMs).map(({ type, value }) => [type, value]),
  );
  const name = (parts.get("weekday") ?? "").toLowerCase();
  return {
    weekday: WEEKDAYS.findIndex((weekday) => weekday === name),
    minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")),
  };
}
