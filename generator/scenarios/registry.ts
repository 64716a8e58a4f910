/** Every scenario: a new one is one file and one line here. */
import { access } from "./access.ts";
import { api } from "./api.ts";
import { payment } from "./payment.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [api, access, payment];
