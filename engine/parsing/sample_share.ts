/** How a line format recognises itself: it is tried on the sample. */
import { EventFields } from "../../core/minutes/fields.ts";
import type { CompiledParser } from "./parser.ts";

/** The share of records, blank ones left out, that the parser takes; 0 where there are none. */
export function shareParsed(parser: CompiledParser, sample: readonly Uint8Array[]): number {
  const fields = new EventFields();
  let parsed = 0;
  let blank = 0;
  for (const record of sample) {
    const reason = parser.parse(record, 0, record.length, 0, fields);
    if (reason === null) parsed++;
    if (reason === "empty") blank++;
  }
  return sample.length === blank ? 0 : parsed / (sample.length - blank);
}
