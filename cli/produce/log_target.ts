/** The log of a data directory that no process runs on, as a target of `produce`. */
import type { Config } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { type LocalData, openLocalData, removeTopic } from "../local_data.ts";
import { type Asked, refuseChange } from "./asked.ts";
import { LogSink } from "./log_sink.ts";
import type { RecordSink } from "./sink.ts";

export interface LogTargetOptions {
  readonly config: Config;
  readonly topic: string;
  /** Partitions of the topic if this makes it. */
  readonly partitions: number;
  readonly asked: Asked;
  readonly isReset: boolean;
  readonly onNotice: (message: string) => void;
}

/** Opens the directory and the topic. Throws DATA_LOCKED where a process runs on it. */
export async function openLogTarget(
  options: LogTargetOptions,
): Promise<{ sink: RecordSink; close: () => Promise<void> }> {
  const data = await openLocalData(options.config, options.onNotice);
  try {
    const topic = await openTopic(data, options);
    return { sink: new LogSink(data.log, topic), close: () => data.close() };
  } catch (error) {
    await data.close();
    throw error;
  }
}

async function openTopic(data: LocalData, options: LogTargetOptions): Promise<Topic> {
  const { topic: name, asked, partitions } = options;
  const existing = await data.log.findTopic(name);
  if (existing !== undefined && options.isReset) await removeTopic(data, existing);
  if (existing === undefined || options.isReset) {
    // A reset keeps the partitions; the format is detected anew, for other records may come.
    return await data.log.createTopic(name, {
      partitions: asked.partitions ?? existing?.partitions ?? partitions,
      format: asked.format,
    });
  }
  refuseChange(name, asked, { partitions: existing.partitions, format: existing.format ?? null });
  return existing;
}
