/** What Slack's errors mean: for who set it up, for a message, and for whether a message may have arrived. */
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";
import { messageOf } from "../../core/errors.ts";
import { isUnsent } from "../../core/fetch_once.ts";

/** What a call came to that did not succeed. `code`: Slack's word for it; empty where it is none of Slack's. */
export interface SlackFailure {
  readonly kind: "settings" | "message" | "gone" | "later" | "unknown";
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
  readonly afterMs: number | null;
}

const SETTINGS_PAUSE_MS = 60_000;
const RATE_PAUSE_MS = 30_000;

const TOKEN_REMEDY = "set notify.slack.token to the bot token of an app that is installed in the workspace";
const CHANNEL_REMEDY = "name a channel that exists, or its id, which stands at the end of its details in Slack";
/** Errors that last until somebody changes the settings or the workspace, with what to do. */
const SETTINGS: Readonly<Record<string, string>> = {
  invalid_auth: TOKEN_REMEDY,
  not_authed: TOKEN_REMEDY,
  account_inactive: TOKEN_REMEDY,
  token_revoked: TOKEN_REMEDY,
  token_expired: TOKEN_REMEDY,
  not_allowed_token_type: TOKEN_REMEDY,
  missing_scope: "give the app the scope that is missing, and install it again",
  no_permission: "give the app the scopes that docs/operations.md lists, and install it again",
  channel_not_found: CHANNEL_REMEDY,
  not_in_channel: "invite the app: /invite @its-name in that channel",
  is_archived: "unarchive the channel, or name another",
};
const MESSAGE =
  /^(invalid_blocks|invalid_blocks_format|msg_too_long|msg_blocks_too_long|no_text|too_many_attachments|invalid_arguments|invalid_metadata_.*|metadata_.*)$/;
const GONE =
  /^(message_not_found|thread_not_found|cant_update_message|edit_window_closed|cant_delete_message|cannot_reply_to_message)$/;
const UNSURE = /^(fatal_error|internal_error|service_unavailable|request_timeout|accesslimited)$/;

/** Never has a token or what was sent in it. */
export function slackFailure(error: unknown): SlackFailure {
  const failure = { code: "", remedy: "", afterMs: null };
  if (error instanceof WebAPIRateLimitedError) {
    return { ...failure, kind: "later", reason: "rate limited", afterMs: error.retryAfter * 1000 };
  }
  if (error instanceof WebAPIPlatformError) return ofPlatform(error);
  if (error instanceof WebAPIHTTPError) {
    return { ...failure, kind: "unknown", reason: `Slack answered with HTTP status ${error.statusCode}` };
  }
  const cause = error instanceof WebAPIRequestError ? error.original : error;
  const text = messageOf(cause);
  // The client's error for a 429 that does not say how long.
  if (text.startsWith("Retry header")) {
    return { ...failure, kind: "later", reason: "rate limited", afterMs: RATE_PAUSE_MS };
  }
  return isUnsent(cause)
    ? { ...failure, kind: "later", reason: "Slack cannot be reached" }
    : { ...failure, kind: "unknown", reason: "no answer from Slack" };
}

function ofPlatform(error: WebAPIPlatformError): SlackFailure {
  const code = String(error.data.error);
  const afterMs = null;
  // A body that is no JSON is given as the error.
  if (!/^[a-z_]{1,60}$/.test(code)) {
    return { kind: "unknown", code: "", reason: "Slack's answer cannot be read", remedy: "", afterMs };
  }
  const reason = `Slack says ${code}`;
  if (/^rate_?limited$/.test(code)) return { kind: "later", code, reason, remedy: "", afterMs: RATE_PAUSE_MS };
  if (UNSURE.test(code)) return { kind: "unknown", code, reason, remedy: "", afterMs };
  if (MESSAGE.test(code)) {
    return {
      kind: "message",
      code,
      reason,
      remedy: "keep analyzer/notify/slack_card.ts within Slack's limits",
      afterMs,
    };
  }
  if (GONE.test(code)) {
    return { kind: "gone", code, reason, remedy: "nothing: somebody took the message away", afterMs };
  }
  const needed = "needed" in error.data && typeof error.data.needed === "string" ? ` (${error.data.needed})` : "";
  const remedy = SETTINGS[code] ?? "look this word up in Slack's documentation of chat.postMessage";
  return { kind: "settings", code, reason: `${reason}${needed}`, remedy, afterMs: SETTINGS_PAUSE_MS };
}
