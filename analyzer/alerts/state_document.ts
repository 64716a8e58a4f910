/** All that alerting remembers, as one text in the ledger: alerts, groups, and notices that were decided but not handed on. */
import { z } from "zod";
import { SEVERITIES } from "../notify/notice.ts";
import { instanceSchema } from "./alert.ts";
import type { AlertNotice } from "./alert_notice.ts";
import { groupSchema } from "./dispatch.ts";

const text = z.string();
const pairs = z.array(z.object({ label: text, value: text }));
const noticeSchema: z.ZodType<AlertNotice> = z.object({
  id: text,
  kind: z.enum(["error", "alert"]),
  state: z.enum(["open", "acknowledged", "resolved"]),
  severity: z.enum(SEVERITIES),
  topic: text,
  service: text,
  title: text,
  summary: text,
  facts: pairs,
  causes: z.array(z.object({ text, confidence: z.enum(["low", "medium", "high"]), evidence: z.array(text) })),
  nextSteps: z.array(text),
  evidence: z.array(z.object({ id: text, text })),
  thread: z.array(z.object({ id: text, text, evidence: z.array(z.object({ id: text, text })) })),
  author: text,
  links: z.array(z.object({ label: text, url: text })),
  openedMs: z.number(),
  updatedMs: z.number(),
  channels: z.array(text),
});

const documentSchema = z.object({
  version: z.literal(1),
  /** By topic id, and by topic id and clock, the last minute that was judged. */
  judgedUntil: z.record(text, z.number()),
  instances: z.record(text, instanceSchema),
  groups: z.record(text, groupSchema),
  /** Decided, and not handed on yet: handed on again after a crash, under the same ids. */
  outbox: z.array(noticeSchema),
});
export type StateDocument = Readonly<z.infer<typeof documentSchema>>;

export const NO_STATE: StateDocument = { version: 1, judgedUntil: {}, instances: {}, groups: {}, outbox: [] };

/** Null where the text cannot be read as one. */
export function parseState(text: string | null): StateDocument | null {
  if (text === null) return NO_STATE;
  try {
    const parsed = documentSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
