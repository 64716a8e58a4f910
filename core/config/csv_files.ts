/** The settings of the CSV files that final minutes are kept in. */
import { z } from "zod";

export const csv = z.strictObject({
  directory: z.string().default("").describe(
    "Where final minutes are kept as CSV files too, in aggregated_logs and processed_logs_hourly; empty: nowhere.",
  ),
  retentionDays: z.number().min(0).default(0).describe("Age at which such files are deleted; 0: never."),
});
