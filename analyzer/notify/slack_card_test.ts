import { expect } from "expect";
import fc from "fast-check";
import { noticeOf, threadEntry } from "../../tests/simulation/notices_for_tests.ts";
import type { Notice } from "./notice.ts";
import { SEVERITIES } from "./notice.ts";
import { slackCard, slackReply } from "./slack_card.ts";
import type { SlackMessage } from "./slack_text.ts";

const golden = JSON.parse(await Deno.readTextFile(new URL("./slack_card_golden.json", import.meta.url)));
/** First and last of what hides or reorders text, but for the line feed and the tab. */
const HIDDEN = [[0, 8], [11, 31], [127, 159], [0x200b, 0x200f], [0x202a, 0x202e], [0x2060, 0x2069], [0xfeff, 0xfeff]];
const isHidden = (code: number): boolean => HIDDEN.some(([first, last]) => code >= first && code <= last);
const BUTTONS = { hasButtons: true };

Deno.test("the cards of an open, an acknowledged and a resolved matter, and a reply, are as they were looked at", () => {
  const open = noticeOf("error/abc", { updatedMs: 1_800_000_720_000 });
  expect(slackCard(open, BUTTONS)).toEqual(golden.open);
  expect(slackCard({ ...open, state: "acknowledged", severity: "critical" }, BUTTONS)).toEqual(golden.acknowledged);
  expect(slackCard({ ...open, state: "resolved", kind: "alert", service: "" }, { hasButtons: false })).toEqual(
    golden.resolved,
  );
  expect(slackReply(threadEntry("a"))).toEqual(golden.reply);
});

/** Every text of a message, with its type. */
function textsOf(value: unknown): { readonly type: string; readonly text: string; readonly verbatim?: boolean }[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== "object" || value === null) return [];
  const { type, text, verbatim } = value as { type?: unknown; text?: unknown; verbatim?: unknown };
  const own = typeof type === "string" && typeof text === "string"
    ? [{ type, text, ...(typeof verbatim === "boolean" ? { verbatim } : {}) }]
    : [];
  return [...own, ...Object.values(value).flatMap(textsOf)];
}

/** What Slack would make of a text: sequences in angle brackets are links and mentions, entities are signs. */
function sequencesOf(text: string): string[] {
  return [...text.matchAll(/<([^<>]*)>/g)].map(([, inner]) => inner);
}

function check({ text, blocks }: SlackMessage, ownLinks: readonly string[]): void {
  expect(text.length).toBeGreaterThan(0);
  expect(blocks.length).toBeLessThanOrEqual(50);
  expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(12_000);
  for (const block of blocks) {
    if (block.type === "header") expect(block.text.text.length).toBeLessThanOrEqual(150);
    if (block.type === "section") {
      expect(block.fields?.length ?? 1).toBeLessThanOrEqual(10);
      expect((block.text?.text ?? "x").length).toBeGreaterThan(0);
      expect((block.text?.text ?? "").length).toBeLessThanOrEqual(3_000);
      for (const field of block.fields ?? []) expect(field.text.length).toBeLessThanOrEqual(2_000);
    }
    if (block.type === "context") expect(block.elements.length).toBeLessThanOrEqual(10);
  }
  const all = [{ type: "mrkdwn", text, verbatim: true }, ...textsOf(blocks)];
  for (const each of all) {
    // What is hidden or reorders is nowhere.
    expect([...each.text].some((sign) => isHidden(sign.codePointAt(0) ?? 0))).toBe(false);
    expect(each.text.isWellFormed()).toBe(true);
    if (each.type === "plain_text") continue;
    expect(each.verbatim).toBe(true);
    // No bracket but those of our own links, and no entity that was cut.
    for (const sequence of sequencesOf(each.text)) expect(ownLinks).toContain(sequence.split("|")[0]);
    const rest = each.text.replace(/<[^<>]*>/g, "");
    expect(rest).not.toMatch(/[<>]/);
    expect(rest.replace(/&(amp|lt|gt);/g, "")).not.toContain("&");
    expect(rest).not.toMatch(/:\/\//);
  }
  // A code block is closed where it was opened.
  for (const { text: whole } of all.filter(({ type }) => type === "mrkdwn")) {
    expect(whole.split("```").length % 2).toBe(1);
  }
}

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 5_000 }),
  fc.string({ maxLength: 200 }),
  fc.array(
    fc.constantFrom(
      "<!channel>",
      "<!here|x>",
      "<@U123>",
      "<#C123|general>",
      "<https://evil.example|click>",
      "https://evil.example/a?b=c&d",
      "www.evil.example",
      "mailto:a@b.c",
      "```",
      "`",
      "*bold*",
      "&lt;!channel&gt;",
      "&amp;",
      "&&&&&&&&&&",
      "\u202Etxt.exe",
      "\u200B",
      "\uFEFF",
      "\uD800",
      "\u0007",
      "\u001b[31m",
      "\n",
      '""""\\\\\\',
      "😀",
      "x".repeat(4_000),
    ),
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
  expect(buttons({ kind: "alert" })).toEqual([]);
  expect(buttons({}, false)).toEqual([]);
});
