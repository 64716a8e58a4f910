/** Slack's requests about buttons, for the gateway: verified, and kept as decisions. */
import { actionsOfBody, SlackVerifier } from "../../analyzer/notify/slack_actions.ts";
import { slackSecrets } from "../../analyzer/notify/registry.ts";
import type { Config } from "../../core/config/schema.ts";
import type { Documents } from "../../core/store/ports.ts";
import type { GatewayParts } from "../../gateway/parts.ts";
import { takeAction } from "../analyzer/person_actions.ts";

/** Undefined where no signing secret is set: then there is no such endpoint. */
export function slackActions(config: Config, documents: Documents): GatewayParts["takeSlackActions"] {
  const { signingSecret } = slackSecrets(config.notify);
  if (signingSecret === "") return undefined;
  const verifier = new SlackVerifier(signingSecret);
  return async (request) => {
    const verdict = verifier.verify(request, Date.now());
    if (verdict !== "valid") return verdict;
    for (const action of actionsOfBody(request.body)) await takeAction(documents, action);
    return verdict;
  };
}
