/** Notices for tests of the ways of telling people. */
import { EXAMPLE_NOTICE } from "../../analyzer/evaluation/card_cases.ts";
import type { Notice, ThreadEntry } from "../../analyzer/notify/notice.ts";

export function noticeOf(id: string, change: Partial<Notice> = {}): Notice {
  return {
    ...EXAMPLE_NOTICE,
    id,
    author: "mistral-small",
    updatedMs: EXAMPLE_NOTICE.openedMs,
    ...change,
  };
}

export const threadEntry = (id: string): ThreadEntry => ({
  id,
  text: `More of it: ${id}`,
  evidence: [{ id: "E11", text: "refused again" }],
});
