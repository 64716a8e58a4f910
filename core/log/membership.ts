/** The port of membership: which partitions are whose, when several engines work on one log. */
import type { Topic } from "./partitioned_log.ts";

export interface OwnedPartition {
  readonly topic: Topic;
  readonly partition: number;
}

/** Told all partitions that are this engine's from now on, each time that they change. One call at a time. */
export type OwnershipChange = (owned: readonly OwnedPartition[]) => Promise<void>;

/**
 * One engine's place among those that share a log. It decides who reads what, for speed: that nothing counts twice where
 * two believe to own a partition is the store's work.
 */
export interface Membership {
  /** Joins; resolves when the partitions were told for the first time. Rejects where it can never work. */
  start(onChange: OwnershipChange): Promise<void>;
  /** Every record of the partition below `offset` is stored: told to others now and then, for their figures on lag. */
  reached(topic: Topic, partition: number, offset: number): void;
  status(): MembershipStatus;
  /** Leaves, so that others take over at once (a static member is waited for). Nothing is told any more when this resolves. */
  leave(): Promise<void>;
}

export interface MembershipStatus {
  readonly group: string | null;
  /** `joining` also while a place that was lost is sought again. */
  readonly state: "joining" | "joined" | "left";
  readonly partitions: number;
  /** Changes of ownership since the start. */
  readonly changes: number;
}
