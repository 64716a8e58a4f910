/** What people are told, whatever the way: an incident of errors, or an alert. */

import { ALERT_SEVERITIES } from "../../core/alerts/board.ts";

/** From worst to least. */
export const SEVERITIES = ALERT_SEVERITIES;
export type Severity = (typeof SEVERITIES)[number];

/** A thing that may have made it happen; never said to be the cause. */
export interface PossibleCause {
  readonly text: string;
  readonly confidence: "low" | "medium" | "high";
  /** Ids of {@link Evidence}. */
  readonly evidence: readonly string[];
}

/** A line of a log, redacted. */
export interface Evidence {
  /** E1, E2... */
  readonly id: string;
  readonly text: string;
}

/** What came up later: told once, under the message where the way has threads. */
export interface ThreadEntry {
  /** Stable, unique within its notice. */
  readonly id: string;
  readonly text: string;
  readonly evidence: readonly Evidence[];
  /** Worth a message of its own where messages cannot be changed. */
  readonly isNews?: boolean;
}

export interface Link {
  readonly label: string;
  readonly url: string;
}

/** One matter as it stands: a later one with the same id takes the place of what was shown. */
export interface Notice {
  /** Stable for the life of the matter, as in `error/…` or `alert/…`: there is one message an id and channel. */
  readonly id: string;
  readonly kind: "error" | "alert";
  readonly state: "open" | "acknowledged" | "resolved";
  readonly severity: Severity;
  readonly topic: string;
  /** Empty where it concerns no service, or several. */
  readonly service: string;
  readonly title: string;
  /** What happened, in a sentence or two; may be empty. */
  readonly summary: string;
  /** What code knows for certain: counts, rates, bands, times. */
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  readonly causes: readonly PossibleCause[];
  readonly nextSteps: readonly string[];
  readonly evidence: readonly Evidence[];
  /** Who wrote summary and causes: a model's name, or why there is none. */
  readonly author: string;
  readonly links: readonly Link[];
  readonly thread: readonly ThreadEntry[];
  readonly openedMs: number;
  readonly updatedMs: number;
  /** Channels that it is for, whatever the routes of the settings say; none, or absent: as those say. */
  readonly channels?: readonly string[];
}
