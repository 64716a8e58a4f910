/** What an access report asks of a store, and what it tells. */
import type { Condition, TimeRange } from "./ports.ts";

export interface AccessReportQuery {
  readonly topicId: string;
  readonly range: TimeRange;
  /** IANA zone of days and hours. */
  readonly timeZone: string;
  /** Conditions that events must fulfil; unparsed records fulfil none. */
  readonly where: readonly Condition[];
  /** Longest length of each list. */
  readonly limit: number;
}

export interface AccessReportDay {
  readonly day: string;
  readonly count: number;
  readonly hosts: number;
  readonly notFound: number;
}

export interface AccessReportHour {
  readonly hour: number;
  readonly count: number;
  readonly notFound: number;
  /** Statuses from 400 to 499, and from 500 to 599. */
  readonly clientErrors: number;
  readonly serverErrors: number;
}

/** Exact counts over events; endpoints are request targets as logged. */
export interface AccessReport {
  readonly lines: number;
  readonly unparsed: number;
  /** Events per column that have no value in it; a status that is no whole number is none. */
  readonly missing: Readonly<Record<string, number>>;
  readonly contentSize: {
    readonly count: number;
    readonly min: number | null;
    readonly max: number | null;
    readonly mean: number | null;
    /** Of the population. */
    readonly stddev: number | null;
    /** By digits: sizes in [from, to), without a gap up to the largest. */
    readonly histogram: readonly { readonly from: number; readonly to: number; readonly count: number }[];
  };
  readonly notFound: {
    readonly count: number;
    readonly top: readonly { readonly endpoint: string; readonly count: number }[];
    readonly byHost: readonly { readonly host: string; readonly count: number }[];
  };
  /** Without statuses that are no whole number. */
  readonly byStatus: readonly { readonly status: number; readonly count: number }[];
  readonly byHost: readonly { readonly host: string; readonly count: number }[];
  readonly byEndpoint: readonly { readonly endpoint: string; readonly count: number }[];
  /** Days that have requests, with their distinct hosts. */
  readonly byDay: readonly AccessReportDay[];
  /** All 24 hours of the day, added up over all days. */
  readonly byHour: readonly AccessReportHour[];
  /** Distinct hosts and distinct endpoints. */
  readonly hosts: number;
  readonly endpoints: number;
}
