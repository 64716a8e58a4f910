/** Deletes what is older than its retention, in the log and in the store, once an hour. */
import type { Config } from "../../core/config/schema.ts";
import { messageOf } from "../../core/errors.ts";
import type { EmbeddedLog } from "../../core/log/embedded.ts";
import type { Store } from "../../core/store/ports.ts";
import { formatPlural } from "../format.ts";

const INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;

export interface RetentionParts {
  readonly config: Config;
  readonly data: {
    readonly log: Pick<EmbeddedLog, "applyRetention">;
    readonly store: Pick<Store, "retain">;
  };
  readonly onNotice: (message: string) => void;
}

/** Runs now and every hour until disposed of; a failure is told, and tried again at the next hour. */
export function startRetention(parts: RetentionParts): AsyncDisposable {
  let running = Promise.resolve();
  const run = (): void => {
    running = running.then(() => applyRetention(parts, Date.now())).catch((error) =>
      parts.onNotice(`retention: ${messageOf(error)}; tried again in an hour`)
    );
  };
  run();
  const timer = setInterval(run, INTERVAL_MS);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(timer);
      await running;
    },
  };
}

/** Applies the limits of `config` once, as of `nowMs`. */
export async function applyRetention({ config, data, onNotice }: RetentionParts, nowMs: number): Promise<void> {
  const segments = await data.log.applyRetention(nowMs);
  const rows = await data.store.retain({
    minutesBeforeMs: nowMs - config.store.minutesRetentionDays * DAY_MS,
    eventsBeforeMs: nowMs - config.store.eventsRetentionDays * DAY_MS,
  });
  if (segments + rows > 0) {
    onNotice(`retention: deleted ${formatPlural(segments, "segment")} of the log, ${formatPlural(rows, "row")} stored`);
  }
}
