import { expect } from "expect";
import { noticeOf } from "../../tests/simulation/notices_for_tests.ts";
import { newEntry, wanted } from "./outbox.ts";
import { type Attempt, begun, begunUpdate, looked, sent, updated } from "./outbox_steps.ts";

const way = { canUpdate: true };
const nonce = () => "nonce";
const NOW = 1_800_000_000_000;
const notice = noticeOf("error/1");
const attempt = (name: string, nowMs = NOW, revision = 1): Attempt => ({
  attempt: name,
  notice,
  revision,
  ref: { ts: "1" },
  nowMs,
});

function posting(name: string) {
  const entry = begun(newEntry("slack:#errors", notice, way, nonce, NOW), null, name, NOW);
  if (entry === null) throw new Error("it was not begun");
  return entry;
}

Deno.test("who comes late finds the other's message, and takes its own back", () => {
  const first = sent(posting("a"), null, { kind: "sent", ref: { ts: "1" } }, attempt("a"), way, nonce);
  expect(first.remove).toEqual([]);
  const second = sent(first.entry, null, { kind: "sent", ref: { ts: "2" } }, attempt("b"), way, nonce);
  expect(second).toEqual({ entry: first.entry, remove: [{ ts: "2" }] });
  // Found and adopted meanwhile: it is the same message.
  expect(sent(first.entry, null, { kind: "sent", ref: { ts: "1" } }, attempt("b"), way, nonce).remove).toEqual([]);
});

Deno.test("one attempt at a time; what came of an older one changes nothing", () => {
  const entry = posting("a");
  expect(begun(entry, null, "b", NOW)).toBe(null);
  expect(begun(entry, null, "a", NOW)).toBe(entry);
  const other = attempt("b");
  expect(sent(entry, null, { kind: "retry", reason: "", afterMs: null }, other, way, nonce).entry).toBe(entry);
  expect(sent(entry, null, { kind: "unknown", reason: "" }, other, way, nonce).entry).toBe(entry);
  expect(looked(entry, null, "b", { kind: "absent" }, NOW, way, nonce)).toBe(entry);
});

Deno.test("an update with older content than is shown is followed by another", () => {
  const { entry } = sent(posting("a"), null, { kind: "sent", ref: { ts: "1" } }, attempt("a"), way, nonce);
  const newer = wanted(entry, noticeOf("error/1", { title: "Worse" }), way, nonce, NOW);
  const begunNewer = begunUpdate(newer, "b", NOW + 1);
  if (begunNewer === null) throw new Error("it was not begun");
  expect(begunUpdate(begunNewer, "c", NOW + 2)).toBe(null);
  const shown = updated(begunNewer, { kind: "sent", ref: { ts: "1" } }, attempt("b", NOW + 3, 2));
  expect(shown.told).toBe(2);
  const overwritten = updated(shown, { kind: "sent", ref: { ts: "1" } }, attempt("old", NOW + 4, 1));
  expect(overwritten.told).toBe(0);
});
