/** Every scenario: a new one is one file and one line here. */
import { access } from "./access.ts";
import { api } from "./api.ts";
import { payment } from "./payment.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [api, access, payment];

/** The scenario of that name. Throws where there is none: names come from this list. */
export function findScenario(name: string): Scenario {
  const scenario = SCENARIOS.find((some) => some.name === name);
  if (scenario === undefined) throw new Error(`no scenario is called ${name}`);
  return scenario;
}
