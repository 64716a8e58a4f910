/** The exactly-once core under crashes, zombies and lost answers. Repeat one seed: SEED=123 deno test tests/simulation */
import { expect } from "expect";
import { DeliverySimulator, type Mutant, MUTANTS } from "./delivery_simulator.ts";

const SEEDS = 10_000;
const MUTANT_SEEDS_MAX = 5_000;

function firstSeed(): number {
  const given = Deno.env.get("SEED");
  return given === undefined ? 1 : Number(given);
}

Deno.test(`the store equals a plain count of the log over ${SEEDS} seeds of crashes, zombies and lost answers`, () => {
  const first = firstSeed();
  const seeds = Deno.env.has("SEED") ? 1 : SEEDS;
  const met = { crashes: 0, zombies: 0, conflicts: 0, lostAnswers: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const result = new DeliverySimulator(seed).run();
    if (!result.isRight) {
      throw new Error(`seed ${seed}: ${result.complaint}; repeat: SEED=${seed} deno test tests/simulation`);
    }
    met.crashes += result.crashes;
    met.zombies += result.zombies;
    met.conflicts += result.conflicts;
    met.lostAnswers += result.lostAnswers;
  }
  console.log(`seeds ${first} to ${first + seeds - 1}: ${JSON.stringify(met)}`);
  // A simulation that meets no faults proves nothing.
  for (const faults of Object.values(met)) expect(faults).toBeGreaterThan(0);
});

const BROKEN: Readonly<Record<Mutant, string>> = {
  plain: "flushes that overwrite without comparing",
  noSkip: "records that are applied although their unit holds them",
  noNonce: "a lost answer that is judged by the offset alone",
  commitFirst: "an offset that is committed before the flush",
};

for (const mutant of MUTANTS) {
  Deno.test(`the simulation notices ${BROKEN[mutant]}`, () => {
    let wrong = 0;
    for (let seed = 1; seed <= MUTANT_SEEDS_MAX && wrong === 0; seed++) {
      if (!new DeliverySimulator(seed, mutant).run().isRight) wrong++;
    }
    expect(wrong).toBeGreaterThan(0);
  });
}
