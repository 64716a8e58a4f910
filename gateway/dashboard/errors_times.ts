/** Times of errors: how long ago, and when. */
import { h } from "preact";
import { agoOf } from "./errors_words.ts";
import { inert } from "./inert.ts";
import { dayOf, minuteOf as minuteOfDay, stampOf, zoneName } from "./times.ts";

/** 13:05, with the day where it is not that of `nowMs`. */
export function minuteOf(ms: number, nowMs: number): string {
  return dayOf(ms) === dayOf(nowMs) ? minuteOfDay(ms) : `${dayOf(ms)} ${minuteOfDay(ms)}`;
}

/** 13:05:09, with the day where it is not that of `nowMs`. */
export function secondOf(ms: number, nowMs: number): string {
  const stamp = stampOf(ms);
  return dayOf(ms) === dayOf(nowMs) ? stamp.slice(stamp.indexOf(" ") + 1) : stamp;
}

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
