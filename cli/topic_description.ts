/** What is known of a topic besides its name and partitions: its format and its preset. */
import { type Config, topicSettingsOf } from "../core/config/schema.ts";
import type { Topic } from "../core/log/partitioned_log.ts";
import type { PresetName } from "../core/minutes/preset.ts";
import { formatOf } from "../core/store/formats.ts";
import type { Store } from "../core/store/ports.ts";
import { findParser } from "../engine/parsing/registry.ts";

export interface TopicDescription {
  /** Null where nothing is known yet. */
  readonly format: string | null;
  readonly preset: PresetName;
}

/** Asks configuration, log and store, in this order. */
export function topicDescriber(
  config: Config,
  store: Pick<Store, "get">,
): (topic: Topic) => Promise<TopicDescription> {
  return async (topic) => {
    const settings = topicSettingsOf(config, topic.name);
    const format = settings.format ?? topic.format ?? await formatOf(store, topic.id);
    const preset = settings.preset ?? (format === null ? undefined : findParser(format)?.preset) ?? "apps";
    return { format, preset };
  };
}
