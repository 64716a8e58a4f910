import { expect } from "expect";
import fc from "fast-check";
import { EMPTY_TAIL, KEPT_MAX, released, type TailState, withNews } from "./tail_state.ts";

const eventOf = (offset: number) => ({
  timestamp: "2026-03-01T12:00:00.000000Z",
  partition: 0,
  offset,
  fields: {},
  measures: {},
  raw: "",
});

Deno.test("whatever comes, is held or is shown, every event that fits is there, waiting, or counted as gone", () => {
  const step = fc.oneof(
    fc.record({
      came: fc.integer({ min: 0, max: 3_000 }),
      left: fc.integer({ min: 0, max: 50 }),
      isHeld: fc.boolean(),
    }),
    fc.constant("show" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let state: TailState = EMPTY_TAIL;
      let [offset, left] = [0, 0];
      for (const step of steps) {
        if (step === "show") state = released(state);
        else {
          const events = Array.from({ length: step.came }, () => eventOf(offset++));
          left += step.left;
          const news = {
            records: step.came + step.left + 1,
            matched: step.came + step.left,
            dropped: step.left,
            events,
          };
          // A list that is shown again is first given what waited.
          state = withNews(step.isHeld ? state : released(state), news, step.isHeld);
        }
        const { rows, waiting, matched, dropped, trimmed } = state;
        expect({ matched, dropped }).toEqual({ matched: offset + left, dropped: left });
        expect(rows.length + waiting.length + trimmed).toBe(offset);
        expect(Math.max(rows.length, waiting.length)).toBeLessThanOrEqual(KEPT_MAX);
        // Newest first, none twice.
        const all = [...waiting, ...rows].map((event) => event.offset);
        expect(all.every((at, i) => i === 0 || at < all[i - 1])).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});
