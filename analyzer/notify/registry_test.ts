import { expect } from "expect";
import { noticeOf } from "../../tests/simulation/notices_for_tests.ts";
import { loadConfig } from "../../core/config/load.ts";
import { MillraceError } from "../../core/errors.ts";
import { openWays } from "./registry.ts";

function open(yaml: string, env: Record<string, string> = {}) {
  const { notify: settings } = loadConfig({ file: "millrace.yaml", env, readText: () => yaml });
  return openWays({ settings, isTerminal: false, write: () => {}, now: () => 0 });
}

function errorOf(yaml: string, env: Record<string, string> = {}): MillraceError {
  try {
    open(yaml, env);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("nothing is wrong");
}

const names = (ways: ReturnType<typeof open>) => ways.notifiers.map(({ name }) => name);

Deno.test("without settings the console is told; with a token and a channel, Slack", () => {
  const console = open("{}");
  expect(names(console)).toEqual(["console"]);
  expect(console.routes(noticeOf("error/1"))).toEqual(["console"]);
  const slack = open("{}", { SLACK_BOT_TOKEN: "xoxb-1", SLACK_CHANNEL: "#errors" });
  expect(names(slack)).toEqual(["slack:#errors"]);
  expect(slack.routes(noticeOf("error/1"))).toEqual(["slack:#errors"]);
});

Deno.test("routes name every way, each of which is made once", () => {
  const ways = open(`notify:
  slack: { token: xoxb-1, channel: "#errors" }
  email: { host: mail.example.org, from: millrace@example.org }
  webhooks: { sms: { url: "https://sms.example.org/send?key=secret" } }
  routes:
    - { services: ["pay*"], to: ["slack:#pay", "webhook:sms"] }
    - { severities: [critical], to: ["email:oncall@example.org", "slack:#pay", console] }
`);
  expect(names(ways)).toEqual(["slack:#errors", "slack:#pay", "webhook:sms", "email:oncall@example.org", "console"]);
});

Deno.test("what is missing is named with its key, why it is needed and what to do", () => {
  const noToken = errorOf(`notify: { routes: [{ to: ["slack:#pay"] }] }`);
  expect(noToken.message).toBe("notify.slack.token is not set, and notify.routes.0.to names slack:#pay");
  expect(noToken.remedy).toContain("SLACK_BOT_TOKEN");
  expect(errorOf(`notify: { slack: { token: xoxb-1 } }`).message).toContain("notify.slack.channel is not set");
  expect(errorOf(`notify: { routes: [{ to: ["email:a@b.c"] }] }`).message).toContain("notify.email.host is not set");
  expect(errorOf(`notify: { routes: [{ to: ["webhook:sms"] }] }`).message).toContain("notify.webhooks.sms is not set");
  expect(errorOf(`notify: { slack: { tokenFile: ./no-such-file, channel: C1 } }`)).toMatchObject({
    code: "FILE_UNAVAILABLE",
    message: expect.stringContaining("notify.slack.tokenFile: ./no-such-file"),
  });
  expect(errorOf(`notify: { routes: [{ to: ["pager:x"] }] }`).message).toContain("no console, slack:CHANNEL");
});

Deno.test("no error shows a secret", () => {
  const url = errorOf(`notify: { webhooks: { a: { url: "hush-hush" } }, routes: [{ to: ["webhook:a"] }] }`);
  expect(url.message).toContain("notify.webhooks.a.url is no http or https URL");
  expect(url.message).not.toContain("hush-hush");
  const number = errorOf(`notify: { webhooks: { a: { secret: 12345 } }, slack: { token: 67890 } }`);
  expect(number.message).toContain("notify.webhooks.a.secret");
  expect(number.message).toContain("notify.slack.token");
  expect(number.message).not.toMatch(/12345|67890/);
});
