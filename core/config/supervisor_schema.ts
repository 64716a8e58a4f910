/** What `supervise` keeps running, and runs by the calendar. */
import { z } from "zod";
import { timeZone } from "./time_zone.ts";

export const supervisor = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("Address of the supervisor's health."),
  port: z.int().min(0).max(65535).default(8084).describe("Port of the same; 0: any free one."),
  programs: z.array(z.enum(["engine", "gateway", "analyzer", "generate"])).default(["engine", "gateway", "analyzer"])
    .describe("Programs that `supervise` keeps running."),
});

export const schedule = z.strictObject({
  cron: z.string().min(1).describe("When: minute, hour, day, month, weekday, as in 0 6 * * *."),
  timeZone: timeZone.default("UTC").describe("Zone of the times."),
  run: z.array(z.string()).min(1).describe("Command and its options, as after `deno task`."),
});
