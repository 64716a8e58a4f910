/** Notices for tests of the ways of telling people. */
import type { Notice, ThreadEntry } from "../../analyzer/notify/notice.ts";

export function noticeOf(id: string, change: Partial<Notice> = {}): Notice {
  return {
    id,
    kind: "error",
    state: "open",
    severity: "error",
    topic: "shop",
    service: "payments",
    title: "Card processor refuses connections",
    summary: "Calls to the card processor fail since 14:05.",
    facts: [{ label: "Count", value: "12 in 2 minutes" }],
    causes: [{ text: "The processor is down", confidence: "medium", evidence: ["E1"] }],
    nextSteps: ["Look at the processor's status page"],
    evidence: [{ id: "E1", text: "connect ECONNREFUSED <IP_48192>:443" }],
    author: "mistral-small",
    links: [{ label: "Dashboard", url: "http://127.0.0.1:8080/?from=1&to=2" }],
    thread: [],
    openedMs: 1_800_000_000_000,
    updatedMs: 1_800_000_000_000,
    ...change,
  };
}

export const threadEntry = (id: string): ThreadEntry => ({
  id,
  text: `More of it: ${id}`,
  evidence: [{ id: "E11", text: "refused again" }],
});
