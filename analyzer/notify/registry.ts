/** The ways of telling people, by the first word of their names, and those that a configuration asks for. */
import { readFileSync } from "node:fs";
import type { NotifySettings } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { ConsoleNotifier } from "./console.ts";
import { EmailNotifier } from "./email.ts";
import type { Notice } from "./notice.ts";
import type { Notifier } from "./notifier.ts";
import { routesOf } from "./routing.ts";
import { SlackNotifier } from "./slack.ts";
import { WebhookNotifier } from "./webhook.ts";

export interface NotifierParts {
  readonly settings: NotifySettings;
  readonly isTerminal: boolean;
  /** Whether a terminal is told in short. */
  readonly isBrief?: boolean;
  /** Prints a line on the console. */
  readonly write: (text: string) => void;
  readonly now: () => number;
  /** What the operator should know, in a line. */
  readonly onNotice?: (text: string) => void;
}

/** What a name stands for. `place` is the rest of the name; `key` is where it is named, for errors. */
type Make = (parts: NotifierParts, place: string, key: string) => Notifier;

const WAYS: Readonly<Record<string, Make>> = {
  console: ({ isTerminal, isBrief, write }) => new ConsoleNotifier({ isTerminal, isBrief, write }),
  slack: makeSlack,
  email: makeEmail,
  webhook: makeWebhook,
};

/** The notifiers that the routes name, and who is told of what no route matches. */
export interface Ways {
  readonly notifiers: readonly Notifier[];
  /** Names of the notifiers for a notice. */
  readonly routes: (notice: Notice) => readonly string[];
}

/** Throws INVALID_CONFIG or FILE_UNAVAILABLE, which name the key; no secret is in them. */
export function openWays(parts: NotifierParts): Ways {
  const { slack, routes } = parts.settings;
  const hasSlack = slack.token !== "" || slack.tokenFile !== "";
  if (hasSlack && slack.channel === "" && routes.length === 0) {
    throw missing("notify.slack.channel", "notify.slack.token is set", "name a channel, as in #errors or by its id");
  }
  const fallback = hasSlack && slack.channel !== "" ? `slack:${slack.channel}` : "console";
  const named = new Map([[fallback, "notify.slack.channel"]]);
  for (const [i, { to }] of routes.entries()) {
    for (const name of to) if (!named.has(name)) named.set(name, `notify.routes.${i}.to`);
  }
  const notifiers = [...named].map(([name, key]) => {
    const colon = name.indexOf(":");
    const way = colon < 0 ? name : name.slice(0, colon);
    return WAYS[way](parts, colon < 0 ? "" : name.slice(colon + 1), key);
  });
  return {
    notifiers,
    routes: (notice) => notice.channels?.length ? notice.channels : routesOf(routes, [fallback], notice),
  };
}

/** The keys of Slack's ways to say who clicked a button; empty ones are not set. */
export function slackSecrets({ slack }: NotifySettings): { readonly signingSecret: string; readonly appToken: string } {
  return {
    signingSecret: secretOf(slack.signingSecret, slack.signingSecretFile, "notify.slack.signingSecretFile"),
    appToken: secretOf(slack.appToken, slack.appTokenFile, "notify.slack.appTokenFile"),
  };
}

function makeSlack({ settings, onNotice }: NotifierParts, channel: string, key: string): Notifier {
  const { slack } = settings;
  const token = secretOf(slack.token, slack.tokenFile, "notify.slack.tokenFile");
  if (token === "") {
    throw missing(
      "notify.slack.token",
      `${key} names slack:${channel}`,
      "set notify.slack.tokenFile or SLACK_BOT_TOKEN",
    );
  }
  const { signingSecret, appToken } = slackSecrets(settings);
  return new SlackNotifier({
    token,
    apiUrl: slack.apiUrl,
    channel,
    hasButtons: signingSecret !== "" || appToken !== "",
    onNotice,
  });
}

function makeEmail({ settings: { email } }: NotifierParts, to: string, key: string): Notifier {
  for (const name of ["host", "from"] as const) {
    if (email[name] === "") {
      throw missing(`notify.email.${name}`, `${key} names email:${to}`, `set notify.email.${name}`);
    }
  }
  return new EmailNotifier({
    ...email,
    password: secretOf(email.password, email.passwordFile, "notify.email.passwordFile"),
    to,
  });
}

function makeWebhook({ settings: { webhooks }, now }: NotifierParts, name: string, key: string): Notifier {
  if (!Object.hasOwn(webhooks, name)) {
    const known = Object.keys(webhooks).join(", ") || "none";
    throw missing(`notify.webhooks.${name}`, `${key} names webhook:${name}`, `set its url; there are: ${known}`);
  }
  const { bodyTemplate, contentType, ...given } = webhooks[name];
  const at = `notify.webhooks.${name}`;
  const url = secretOf(given.url, given.urlFile, `${at}.urlFile`);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new MillraceError(
      "INVALID_CONFIG",
      url === "" ? `${at}.url is not set` : `${at}.url is no http or https URL (it is not shown)`,
      "set it as in https://example.org/hook",
    );
  }
  const secret = secretOf(given.secret, given.secretFile, `${at}.secretFile`);
  return new WebhookNotifier({ name, url, secret, bodyTemplate, contentType, now });
}

function missing(key: string, why: string, remedy: string): MillraceError {
  return new MillraceError("INVALID_CONFIG", `${key} is not set, and ${why}`, remedy);
}

function secretOf(value: string, file: string, key: string): string {
  if (file === "") return value;
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `${key}: ${file} cannot be read: ${messageOf(cause)}`,
      "name a file that this user may read",
      { cause },
    );
  }
}
