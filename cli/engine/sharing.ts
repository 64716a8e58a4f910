/** Warns where engines of one group have a store each: every one of them would hold a part of the minutes. */
import { chosenStore } from "../../core/config/chosen_store.ts";
import type { Config } from "../../core/config/schema.ts";
import type { Engine } from "../../engine/main.ts";
import type { Data } from "../data.ts";

const LOOK_MS = 2_000;

/** Looks now and then until it is disposed of; says it once. */
export function watchForOthers(
  config: Config,
  { log }: Pick<Data, "log">,
  engine: Pick<Engine, "status">,
  onNotice: (message: string) => void,
): Disposable {
  const look = async () => {
    const { group, state, partitions } = engine.status().membership;
    if (group === null || state !== "joined") return;
    const all = (await log.listTopics()).reduce((sum, topic) => sum + topic.partitions, 0);
    // Partitions that were just added, or move, are nobody's for a moment: twice in a row they are others'.
    const isMissing = partitions < all;
    if (isMissing && wasMissing) {
      clearInterval(timer);
      onNotice(
        `warning: other engines of group ${group} have ${
          all - partitions
        } of ${all} partitions, which are not stored here: ` +
          "the embedded store is for one engine. Stop them, or give all of them one store",
      );
    }
    wasMissing = isMissing;
  };
  let wasMissing = false;
  const timer = chosenStore(config) === "duckdb" ? setInterval(() => void look().catch(() => {}), LOOK_MS) : undefined; // looks again
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
