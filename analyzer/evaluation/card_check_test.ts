import type { KnownBlock } from "@slack/types";
import { expect } from "expect";
import { faultsOf } from "./card_check.ts";

const OWN = "http://127.0.0.1:8080/";
const section = (text: string, verbatim = true): KnownBlock => ({
  type: "section",
  text: { type: "mrkdwn", text, verbatim },
});
const button = (value: string) => ({
  type: "button" as const,
  action_id: "millrace_x",
  text: { type: "plain_text" as const, text: "X" },
  value,
});
const faults = (...blocks: KnownBlock[]) => faultsOf({ text: "t", blocks }, [OWN]);

Deno.test("what is well is no fault", () => {
  expect(faults(
    { type: "header", text: { type: "plain_text", text: "<b> & 😀" } },
    section(`a &lt;b&gt; <${OWN}|Dashboard> \`\`\`\ncode\n\`\`\``),
    { type: "actions", elements: [button("error/1")] },
  )).toEqual([]);
});

Deno.test("each thing that Slack refuses, and each that no text may do, is a fault", () => {
  const wrong: readonly (readonly [string, readonly KnownBlock[]])[] = [
    ["blocks: 51", Array.from({ length: 51 }, () => section("x"))],
    ["header: 151", [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }]],
    ["header: 0", [{ type: "header", text: { type: "plain_text", text: "" } }]],
    ["section: 3001", [section("x".repeat(3_001))]],
    ["section: 0", [section("")]],
    ["a section of nothing", [{ type: "section" }]],
    ["fields: 11", [{ type: "section", fields: Array.from({ length: 11 }, () => ({ type: "mrkdwn", text: "x" })) }]],
    ["field: 2001", [{ type: "section", fields: [{ type: "mrkdwn", text: "x".repeat(2_001) }] }]],
    ["contextElements: 11", [{
      type: "context",
      elements: Array.from({ length: 11 }, () => ({ type: "plain_text", text: "x" })),
    }]],
    ["json: 14", Array.from({ length: 5 }, () => section("x".repeat(2_900)))],
    ["actionElements: 0", [{ type: "actions", elements: [] }]],
    ["buttonValue: 2001", [{ type: "actions", elements: [button("x".repeat(2_001))] }]],
    ["two buttons of one", [{ type: "actions", elements: [button("a"), button("b")] }]],
    ["hidden characters", [section("a\u202eb")]],
    ["hidden characters", [section("\u001b[31m")]],
    ["half a character", [section("a\ud800")]],
    ["not verbatim", [section("a", false)]],
    ["a link or mention", [section("<!channel>")]],
    ["a link or mention", [section("<https://evil.example|here>")]],
    ["a bracket that is not", [section("a > b")]],
    ["an entity that was cut", [section("a &am")]],
    ["an address", [section("https://evil.example")]],
    ["a code block", [section("```\na")]],
  ];
  for (const [fault, blocks] of wrong) {
    expect(faults(...blocks)).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
  }
  expect(faultsOf({ text: "", blocks: [] }, [])).toEqual(["text: 0, at least 1"]);
});
