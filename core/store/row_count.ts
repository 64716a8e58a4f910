/** What is counted before it is fetched, and the offsets that came between two looks. */
import type { ExportQuery } from "./ports.ts";

/** Offsets of a partition in [from, to). */
export interface OffsetRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** The same, but for those in the holes. */
export interface OffsetCover extends OffsetRange {
  readonly holes: readonly { readonly from: number; readonly to: number }[];
}

/** What to count: rows as an export has them, or of events those with a text, or of some offsets, alone. */
export interface CountQuery extends Pick<ExportQuery, "topicId" | "table" | "range" | "where"> {
  readonly text?: string;
  readonly offsets?: readonly OffsetRange[];
}

/** Rows counted; `isAll` false where there may be more in an archive, which are not. */
export interface RowCount {
  readonly rows: number;
  readonly isAll: boolean;
}
