import { expect } from "expect";
import { actionsOf, actionsOfBody, SlackVerifier } from "./slack_actions.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

// The example of Slack's documentation of signed requests: secret, timestamp, body and signature are theirs.
const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const AT = 1_531_420_618;
const BODY = bytes(
  "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
    "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
    "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
);
const SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

Deno.test("Slack's own example of a signed request is valid, once", () => {
  const verifier = new SlackVerifier(SECRET);
  const request = { timestamp: String(AT), signature: SIGNATURE, body: BODY };
  expect(verifier.verify(request, AT * 1000 + 299_000)).toBe("valid");
  expect(verifier.verify(request, AT * 1000 + 299_000)).toBe("replayed");
});

Deno.test("anything else about it is refused", () => {
  const verifier = new SlackVerifier(SECRET);
  const request = { timestamp: String(AT), signature: SIGNATURE, body: BODY };
  const nowMs = AT * 1000;
  const changed = BODY.slice();
  changed[3] ^= 1;
  expect(verifier.verify({ ...request, body: changed }, nowMs)).toBe("forged");
  expect(verifier.verify({ ...request, timestamp: String(AT + 1) }, nowMs)).toBe("forged");
  expect(verifier.verify({ ...request, timestamp: null }, nowMs)).toBe("forged");
  expect(verifier.verify({ ...request, timestamp: "1e9" }, nowMs)).toBe("forged");
  expect(verifier.verify({ ...request, signature: null }, nowMs)).toBe("forged");
  expect(verifier.verify({ ...request, signature: SIGNATURE.slice(0, -1) }, nowMs)).toBe("forged");
  expect(verifier.verify({ ...request, signature: SIGNATURE.replace("a2", "a3") }, nowMs)).toBe("forged");
  expect(new SlackVerifier("another").verify(request, nowMs)).toBe("forged");
  expect(verifier.verify(request, nowMs + 301_000)).toBe("stale");
  expect(verifier.verify(request, nowMs - 301_000)).toBe("stale");
  // None of these were remembered as the one that came.
  expect(verifier.verify(request, nowMs)).toBe("valid");
});

const payload = {
  type: "block_actions",
  user: { id: "U2CERLKJA", username: "roadrunner", name: "roadrunner", team_id: "T1" },
  container: { type: "message", message_ts: "1800000000.000100" },
  actions: [
    {
      action_id: "millrace_wrong_grouping",
      block_id: "b",
      value: "error/abc",
      type: "button",
      action_ts: "1800000100.250000",
    },
    { action_id: "of_another_app", value: "x", action_ts: "1800000100.250000" },
    { action_id: "millrace_silence", action_ts: "1800000100.250000" },
  ],
};

Deno.test("a click says who did what with which notice, and when", () => {
  const expected = [
    { kind: "wrong_grouping", noticeId: "error/abc", person: "roadrunner (U2CERLKJA)", atMs: 1_800_000_100_250 },
  ];
  expect(actionsOf(payload)).toEqual(expected);
  expect(actionsOfBody(bytes(new URLSearchParams({ payload: JSON.stringify(payload) }).toString()))).toEqual(expected);
});

Deno.test("a click on an alert says which severity was seen", () => {
  const [action] = payload.actions;
  const value = "alert/2kq0x7c1h3m5f/sk1z4t/2 warning";
  const expected = { noticeId: "alert/2kq0x7c1h3m5f/sk1z4t/2", severity: "warning" };
  const clicked = { ...action, action_id: "millrace_silence", value };
  expect(actionsOf({ ...payload, actions: [clicked] })).toMatchObject([{ kind: "silence", ...expected }]);
  expect(actionsOf({ ...payload, actions: [{ ...clicked, value: "alert/a/b worst" }] })[0]).not.toHaveProperty(
    "severity",
  );
});

Deno.test("what is no click of ours is nothing, and never an error", () => {
  for (
    const body of [
      "",
      "payload=",
      "payload=%7B",
      "payload=null",
      "x=1",
      "payload=%7B%22type%22%3A%22view_submission%22%7D",
    ]
  ) {
    expect(actionsOfBody(bytes(body))).toEqual([]);
  }
  expect(actionsOf({ ...payload, actions: "none" })).toEqual([]);
});
