/** What each offset holds that flushing_process.ts flushes. */
import { eventOf, MINUTE_MS, type TestEvent } from "../contract/store_fixtures.ts";

export const flushedEvent = (offset: number): TestEvent =>
  eventOf(offset, (offset * 7919 % 20) * MINUTE_MS, {
    fields: { service: `s${offset % 11}` },
    measures: { response_time: offset },
  });
