/** The gateway over the log and the store of a command, with the engine of the same process, if it has one. */
import type { Config } from "../../core/config/schema.ts";
import type { Engine } from "../../engine/main.ts";
import { PARSERS } from "../../engine/parsing/registry.ts";
import { type Gateway, startGateway } from "../../gateway/main.ts";
import { type Data, removeTopic } from "../data.ts";
import { archivedStore } from "./archived_store.ts";
import { slackActions } from "./slack.ts";
import { topicDescriber } from "../topic_description.ts";

export function serveGateway(config: Config, data: Data, engine?: Engine): Promise<Gateway> {
  return startGateway({
    config,
    log: data.log,
    store: archivedStore(config, data),
    engine: { status: () => engine?.status() ?? null, describeTopic: topicDescriber(config, data.store) },
    formats: PARSERS.map(({ name }) => name),
    takeSlackActions: slackActions(config, data.store),
    deleteTopic: (topic) => removeTopic(data, topic, engine),
  });
}
