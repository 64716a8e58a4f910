/** Times of the page of errors: in the zone of the settings, else in the browser's. */
import { h } from "preact";
import { inert } from "./inert.ts";
import { agoOf } from "./errors_words.ts";

let timeZone: string | undefined;

/** Sets the zone of all times; `browser`, or what the browser does not know, is its own. */
export function setZone(name: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    timeZone = name;
  } catch {
    timeZone = undefined;
  }
}

/** 2026-03-01 13:05:09 and its zone. */
export function stampOf(ms: number): string {
  // A language whose way is ISO 8601's, digit for digit.
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(ms);
}

/** 13:05, with the day where it is not that of `nowMs`. */
export function minuteOf(ms: number, nowMs: number): string {
  const [stamp, now] = [stampOf(ms), stampOf(nowMs)];
  return stamp.slice(0, 10) === now.slice(0, 10) ? stamp.slice(11, 16) : stamp.slice(0, 16);
}

/** 13:05:09, with the day where it is not that of `nowMs`. */
export function secondOf(ms: number, nowMs: number): string {
  const [stamp, now] = [stampOf(ms), stampOf(nowMs)];
  return stamp.slice(0, 10) === now.slice(0, 10) ? stamp.slice(11) : stamp;
}

const zoneName = (): string => timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/** How long ago, with the time itself for who points at it. */
export function Ago({ iso, nowMs, prefix = "" }: {
  readonly iso: string;
  readonly nowMs: number;
  readonly prefix?: string;
}) {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return h("bdi", null, inert(iso));
  return h("time", { dateTime: iso, title: `${stampOf(ms)} ${zoneName()}` }, prefix + agoOf(ms, nowMs));
}
