/** The port of the ways to tell people: one file each, and registry.ts. */
import type { Notice, ThreadEntry } from "./notice.ts";

/** Where a message is, as its way names it: kept, so that it can be changed and answered to later. */
export type MessageRef = Readonly<Record<string, string>>;

/** Ids of entries that say that a matter is over, or open again, begin with it: for ways whose messages cannot be changed. */
export const STATE_ENTRY = "state-";

/**
 * What became of an attempt. `sent`: it is there. `refused`: it is not, and never will be so; `retry`: it is not, and may be
 * later (`afterMs`: not before so long). `unknown`: nobody knows (a time-out, a connection that broke, a 5xx after it was
 * sent): look for it with {@link Notifier.find} before it is sent again.
 */
export type SendOutcome =
  | { readonly kind: "sent"; readonly ref: MessageRef }
  | { readonly kind: "refused"; readonly reason: string; readonly remedy: string }
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs: number | null }
  | { readonly kind: "unknown"; readonly reason: string };

/**
 * `found`: all that there are, the oldest first. `absent`: surely not there. `cannot_tell`: the way has no means to look.
 * `retry`: looking failed, and may succeed later (`afterMs`: not before so long).
 */
export type FindOutcome =
  | { readonly kind: "found"; readonly refs: readonly MessageRef[] }
  | { readonly kind: "absent" }
  | { readonly kind: "cannot_tell"; readonly reason: string }
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs: number | null };

/**
 * One way to one place, as in slack:#errors. Never throws: what fails is an outcome. No call is repeated by itself, and each
 * has an end within 10 seconds. Where the settings are at fault (a key, a channel), the outcome is `retry`: messages wait.
 */
export interface Notifier {
  /** As routes name it: console, slack:#errors, email:oncall@example.org, webhook:NAME. */
  readonly name: string;
  /** Whether a message can be changed later; else its beginning, its end and what is worth knowing between are told by others. */
  readonly canUpdate: boolean;
  /** Least time between two messages to the place, milliseconds. */
  readonly intervalMs: number;
  /** @param nonce Marks the message, so that {@link find} knows it again. */
  post(notice: Notice, nonce: string, signal: AbortSignal): Promise<SendOutcome>;
  /** Puts the notice as it stands now in the place of what was sent. */
  update(notice: Notice, ref: MessageRef, signal: AbortSignal): Promise<SendOutcome>;
  /** Adds to what was sent. */
  reply(
    notice: Notice,
    entry: ThreadEntry,
    ref: MessageRef,
    nonce: string,
    signal: AbortSignal,
  ): Promise<SendOutcome>;
  /** Looks for messages with the nonce that were sent at `sinceMs` or later; `ref`: the message that it answers to. */
  find(nonce: string, sinceMs: number, ref: MessageRef | null, signal: AbortSignal): Promise<FindOutcome>;
  /** Takes back a message that was sent twice; answers whether it could. */
  remove(ref: MessageRef, signal: AbortSignal): Promise<boolean>;
  /** What is wrong with the settings, asked once at a start; null where nothing is. */
  check(signal: AbortSignal): Promise<{ readonly reason: string; readonly remedy: string } | null>;
}
