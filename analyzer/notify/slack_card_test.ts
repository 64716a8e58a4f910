import { expect } from "expect";
import fc from "fast-check";
import { noticeOf } from "../../tests/simulation/notices_for_tests.ts";
import { PIECES } from "../evaluation/card_cases.ts";
import { faultsOf } from "../evaluation/card_check.ts";
import { runCards } from "../evaluation/cards_run.ts";
import type { Notice } from "./notice.ts";
import { SEVERITIES } from "./notice.ts";
import golden from "./slack_card_golden.json" with { type: "json" };
import { slackCard, slackReply } from "./slack_card.ts";
import type { SlackMessage } from "./slack_text.ts";

const BUTTONS = { hasButtons: true };

Deno.test("the cards that people have looked at are as they were, and one that changed is named", () => {
  expect(runCards(1, 0)).toMatchObject({ lookedAt: 7, changed: [], faults: [] });
  const { open, ...others } = golden;
  expect(runCards(1, 0, { ...others, reply: open }).changed).toEqual(["open", "reply"]);
});

const check = (message: SlackMessage, ownLinks: readonly string[]): void =>
  expect(faultsOf(message, ownLinks)).toEqual([]);

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 5_000 }),
  fc.string({ maxLength: 200 }),
  fc.array(
    fc.constantFrom(...PIECES),
    { maxLength: 60 },
  ).map((parts) => parts.join("")),
);

const OWN = "http://127.0.0.1:8080/?from=1&to=2";
const notices: fc.Arbitrary<Notice> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 100 }),
  kind: fc.constantFrom("error" as const, "alert" as const),
  state: fc.constantFrom("open" as const, "acknowledged" as const, "resolved" as const),
  severity: fc.constantFrom(...SEVERITIES),
  topic: nasty,
  service: nasty,
  title: nasty,
  summary: nasty,
  facts: fc.array(fc.record({ label: nasty, value: nasty }), { maxLength: 15 }),
  causes: fc.array(
    fc.record({ text: nasty, confidence: fc.constant("low" as const), evidence: fc.array(nasty, { maxLength: 12 }) }),
    { maxLength: 8 },
  ),
  nextSteps: fc.array(nasty, { maxLength: 8 }),
  evidence: fc.array(fc.record({ id: nasty, text: nasty }), { maxLength: 12 }),
  author: nasty,
  links: fc.array(fc.record({ label: nasty, url: fc.constantFrom(OWN, "javascript:alert(1)", "no url") }), {
    maxLength: 5,
  }),
  thread: fc.constant([]),
  openedMs: fc.constant(1_800_000_000_000),
  updatedMs: fc.constant(1_800_000_060_000),
});
const ownLinks = [OWN.replaceAll("&", "&amp;")];

Deno.test("no text whatever breaks Slack's limits, mentions anybody or links anywhere", () => {
  fc.assert(fc.property(notices, (notice) => check(slackCard(notice, BUTTONS), ownLinks)), { numRuns: 400 });
});

Deno.test("nor does what is told later", () => {
  const entries = fc.record({
    id: nasty,
    text: nasty,
    evidence: fc.array(fc.record({ id: nasty, text: nasty }), { maxLength: 12 }),
  });
  fc.assert(fc.property(entries, (entry) => check(slackReply(entry), [])), { numRuns: 200 });
});

Deno.test("buttons name the notice; those that mean nothing any more are left out", () => {
  const buttons = (change: Partial<Notice>, hasButtons = true) =>
    slackCard(noticeOf("error/abc", change), { hasButtons }).blocks.flatMap((block) =>
      block.type === "actions"
        ? block.elements.map((element) =>
          element.type === "button" ? [element.action_id?.replace("millrace_", ""), element.value] : []
        )
        : []
    );
  const all = ["acknowledge", "silence", "useful", "not_useful", "wrong_grouping"];
  expect(buttons({})).toEqual(all.map((kind) => [kind, "error/abc"]));
  expect(buttons({ state: "resolved" }).map(([kind]) => kind)).toEqual(["useful", "not_useful", "wrong_grouping"]);
  // An alert's say what its severity was: what is worse is told all the same.
  expect(buttons({ kind: "alert" })).toEqual([["acknowledge", "error/abc error"], ["silence", "error/abc error"]]);
  expect(buttons({ kind: "alert", state: "acknowledged" }).map(([kind]) => kind)).toEqual(["silence"]);
  expect(buttons({ kind: "alert", state: "resolved" })).toEqual([]);
  expect(buttons({}, false)).toEqual([]);
});
