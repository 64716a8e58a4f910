/** Rule 1 wants minutes to be kept for longer than the log can hand out their records again. */
import type { Config } from "../../core/config/schema.ts";
import { messageOf } from "../../core/errors.ts";
import type { KafkaLog } from "../../core/log/kafka.ts";

const DAY_MS = 86_400_000;

/** Tells topics that Kafka keeps for longer than the store keeps minutes. Never throws: it is advice. */
export async function checkRetention(
  kafka: Pick<KafkaLog, "listTopics" | "retentionMs">,
  { store: { minutesRetentionDays } }: Config,
  onNotice: (message: string) => void,
): Promise<void> {
  try {
    const names = (await kafka.listTopics()).map(({ name }) => name);
    if (names.length === 0) return;
    const kept = await kafka.retentionMs(names);
    const longer = names.filter((name) => (kept.get(name) ?? 0) > minutesRetentionDays * DAY_MS);
    if (longer.length === 0) return;
    const some = longer.slice(0, 5).join(", ") + (longer.length > 5 ? ` and ${longer.length - 5} more` : "");
    onNotice(
      `warning: Kafka keeps ${some} for longer than store.minutesRetentionDays (${minutesRetentionDays}): records read ` +
        "again after that would count again; shorten retention.ms of the topic, or keep minutes for longer",
    );
  } catch (error) {
    onNotice(`warning: how long Kafka keeps its topics could not be asked for: ${messageOf(error)}`);
  }
}
