/** The log of a data directory that no process runs on, as a target of `produce`. */
import type { Config } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { type Data, openData, openLogAlone, removeTopic } from "../data.ts";
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

/** Opens the log and the topic. Throws DATA_LOCKED where a process runs on the data directory, and it is needed. */
export async function openLogTarget(
  options: LogTargetOptions,
): Promise<{ sink: RecordSink; close: () => Promise<void> }> {
  const { config, asked, isReset, onNotice } = options;
  // What was derived from a topic, and its format, are in the store.
  const needsStore = isReset || asked.format !== undefined;
  const data: Opened = needsStore ? await openData(config, onNotice) : await openLogAlone(config, onNotice);
  try {
    const topic = await openTopic(data, options);
    return { sink: new LogSink(data.log, topic), close: () => data.close() };
  } catch (error) {
    await data.close();
    throw error;
  }
}

type Opened = Pick<Data, "log" | "close"> & Partial<Pick<Data, "store">>;

async function openTopic({ log, store }: Opened, options: LogTargetOptions): Promise<Topic> {
  const { topic: name, asked, partitions } = options;
  const existing = await log.findTopic(name);
  if (existing !== undefined && options.isReset && store !== undefined) await removeTopic({ log, store }, existing);
  if (existing === undefined || options.isReset) {
    // A reset keeps the partitions; the format is detected anew, for other records may come.
    return await log.createTopic(name, {
      partitions: asked.partitions ?? existing?.partitions ?? partitions,
      format: asked.format,
    });
  }
  refuseChange(name, asked, { partitions: existing.partitions, format: existing.format ?? null });
  return existing;
}
