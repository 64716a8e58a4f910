import { expect } from "expect";
import fc from "fast-check";
import { CatchUpTurns, type Turn } from "./catch_up_turns.ts";

Deno.test("no more than there are places read at a time, in the order in which they asked, and none is forgotten", () =>
  fc.assert(fc.asyncProperty(
    fc.integer({ min: 1, max: 3 }),
    fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 60 }),
    async (places, steps) => {
      const turns = new CatchUpTurns(places);
      const all = Array.from({ length: 6 }, () => turns.turn());
      const reading = new Set<Turn>();
      // The model: who reads, and who waits, in order.
      const model = { reading: [] as number[], waiting: [] as number[] };
      for (const [i, isTaking] of steps) {
        if (isTaking) {
          if (!model.reading.includes(i) && !model.waiting.includes(i)) {
            (model.reading.length < places ? model.reading : model.waiting).push(i);
          }
          const turn = all[i];
          void turn.take().then(() => reading.add(turn));
        } else {
          all[i].give();
          model.waiting = model.waiting.filter((other) => other !== i);
          if (model.reading.includes(i)) {
            model.reading = model.reading.filter((other) => other !== i);
            const next = model.waiting.shift();
            if (next !== undefined) model.reading.push(next);
          }
        }
        for (let n = 0; n < 5; n++) await Promise.resolve();
        if (!isTaking) reading.delete(all[i]); // whoever gives up waiting is woken, too
        expect([...reading].map((turn) => all.indexOf(turn)).sort()).toEqual([...model.reading].sort());
        expect(all[0].isWanted).toBe(model.waiting.length > 0);
      }
    },
  )));
