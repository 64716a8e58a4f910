/** What the gateway is made of: everything from outside, so that it knows neither engine nor clock. */
import type { Config } from "../core/config/schema.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import type { PresetName } from "../core/minutes/preset.ts";
import type { Store } from "../core/store/ports.ts";

/** Live figures of an engine in the same process. */
export interface EngineFigures {
  readonly workers: number;
  /** Which worker has which partitions. */
  readonly assignments: readonly {
    readonly worker: number;
    readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  }[];
  readonly isHealthy: boolean;
  readonly recordsTotal: number;
  readonly unparsedTotal: number;
  readonly flushesTotal: number;
  readonly conflictsTotal: number;
  readonly flushErrorsTotal: number;
  readonly lastError: string | null;
  /** Minute cells whose value was beyond the dimension's cap. */
  readonly capped: readonly { readonly topic: string; readonly dimension: string; readonly cells: number }[];
}

export interface GatewayParts {
  readonly config: Config;
  readonly store: Store;
  /** `pendingBytes`: appended but not durable yet, where the log can tell. */
  readonly log: PartitionedLog & { readonly pendingBytes?: number };
  readonly engine: {
    /** Null where the engines are other processes. */
    status(): EngineFigures | null;
    describeTopic(topic: Topic): Promise<{ format: string | null; preset: PresetName }>;
  };
  /** Names of the parsers, where they are known: a topic in any other format is refused. */
  readonly formats?: readonly string[];
  /** Removes a topic and what was derived from it. */
  readonly deleteTopic: (topic: Topic) => Promise<void>;
  /** Heeds what Slack says that people have clicked; absent: nobody asks Slack. */
  readonly takeSlackActions?: (request: {
    readonly timestamp: string | null;
    readonly signature: string | null;
    readonly body: Uint8Array;
  }) => Promise<"valid" | "stale" | "forged" | "replayed">;
  /** Aborts when the gateway stops: answers without an end of their own end then. */
  readonly closing?: AbortSignal;
  /** Epoch milliseconds; the system's clock unless given. */
  readonly now?: () => number;
}
