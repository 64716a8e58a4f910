import { expect } from "expect";
import { noticeOf, threadEntry } from "../../tests/simulation/notices_for_tests.ts";
import { ConsoleNotifier } from "./console.ts";

function printing(isTerminal: boolean) {
  const lines: string[] = [];
  return { lines, console: new ConsoleNotifier({ isTerminal, write: (text) => lines.push(text) }) };
}

Deno.test("on a terminal: all of it, then a line where only counts change", async () => {
  const { lines, console } = printing(true);
  const notice = noticeOf("error/1", { title: "\u001b[31mred\u202e" });
  const sent = await console.post(notice, "n");
  if (sent.kind !== "sent") throw new Error("not sent");
  expect(lines[0]).toContain("\nred\n");
  expect(lines[0]).not.toContain("\u001b");
  expect(lines[0]).toContain("Possible causes:\n- The processor is down (confidence medium; E1)");
  await console.update({ ...notice, facts: [{ label: "Count", value: "99" }] }, sent.ref);
  expect(lines[1]).toBe("error: red (payments): Count 99");
  await console.update({ ...notice, summary: "Somebody pulled the plug." }, sent.ref);
  expect(lines[2]).toContain("Somebody pulled the plug.");
  await console.reply(notice, threadEntry("a"), sent.ref);
  expect(lines[3]).toContain("More of it: a");
});

Deno.test("elsewhere: a line of JSON each", async () => {
  const { lines, console } = printing(false);
  const notice = noticeOf("error/1", { summary: "two\nlines" });
  const sent = await console.post(notice, "n");
  await console.update(notice, sent.kind === "sent" ? sent.ref : {});
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { event: "opened", notice, entry: null },
    { event: "changed", notice, entry: null },
  ]);
  expect(lines.every((line) => !line.includes("\n"))).toBe(true);
});

Deno.test("in short on a terminal: a line and where to look, and nothing where only counts change", async () => {
  const lines: string[] = [];
  const console = new ConsoleNotifier({ isTerminal: true, isBrief: true, write: (text) => lines.push(text) });
  const links = [{ label: "Events", url: "http://localhost/a" }, { label: "This incident", url: "http://localhost/b" }];
  const notice = noticeOf("error/1", { title: "\u001b[31mred", links });
  const sent = await console.post(notice, "n");
  if (sent.kind !== "sent") throw new Error("not sent");
  expect(lines[0].split("\n").length).toBeLessThanOrEqual(3);
  expect(lines[0]).toContain("error: red (payments)");
  expect(lines[0]).toContain("http://localhost/b");
  await console.update({ ...notice, facts: [{ label: "Count", value: "99" }] }, sent.ref);
  expect(lines.length).toBe(1);
  await console.reply(notice, threadEntry("a"), sent.ref);
  expect(lines.length).toBe(1);
  await console.update({ ...notice, state: "resolved" }, sent.ref);
  expect(lines[1]).toContain("resolved: red (payments)");
});
