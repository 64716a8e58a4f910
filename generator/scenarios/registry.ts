/** Every scenario: a new one is one file and one line here. */
import { access } from "./access.ts";
import { api } from "./api.ts";
import { mixed } from "./mixed.ts";
import { payment } from "./payment.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [api, access, payment, mixed];

export function findScenario(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}

/** What is made unless something else is asked for. */
export const USUAL_SCENARIOS: readonly Scenario[] = [api, access, payment];
