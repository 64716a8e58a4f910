/** Publishing of final minutes beside an engine, into a topic and as CSV files, where the configuration wants it. */
import type { Config } from "../core/config/schema.ts";
import type { Engine } from "../engine/main.ts";
import { CsvFiles } from "../engine/publishing/csv_files.ts";
import { MinutePublisher } from "../engine/publishing/minute_publisher.ts";
import type { Data } from "./data.ts";

/** A publisher of the topics that the engine leads, not started yet; null where none is wanted. */
export function minutePublisher(
  config: Config,
  { log, store }: Pick<Data, "log" | "store">,
  engine: Pick<Engine, "ledTopics">,
  onNotice: (message: string) => void,
): MinutePublisher | null {
  const { finalMinutes } = config.engine;
  const isWanted = finalMinutes === "topic" || (finalMinutes === "auto" && config.kafka.brokers.length > 0);
  if (!isWanted) return null;
  return new MinutePublisher({ log, store, topics: () => engine.ledTopics(), now: () => performance.now(), onNotice });
}

const DAY_MS = 86_400_000;

/** A writer of CSV files of the topics that the engine leads, not started yet; null where none is wanted. */
export function csvFiles(
  { csv: { directory, retentionDays } }: Config,
  { log, store }: Pick<Data, "log" | "store">,
  engine: Pick<Engine, "ledTopics">,
  onNotice: (message: string) => void,
): CsvFiles | null {
  if (directory === "") return null;
  const parts = { directory, retentionMs: retentionDays * DAY_MS, log, store, onNotice };
  return new CsvFiles({ ...parts, topics: () => engine.ledTopics(), now: () => performance.now() });
}
