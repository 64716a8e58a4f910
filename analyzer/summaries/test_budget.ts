/** A budget without limits, for tests that set the ones that they are about. */
import type { BudgetLimits } from "./budget.ts";

export const UNLIMITED: BudgetLimits = {
  callsPerMinute: 0,
  callsPerDay: 0,
  tokensPerMinute: 0,
  tokensPerDay: 0,
  usdPerMinute: 0,
  usdPerDay: 0,
  inputUsdPerMillion: 0.15,
  outputUsdPerMillion: 0.6,
  coolDownSeconds: 0,
};
export const DAY = 86_400_000;
export const NOON = 20_000 * DAY + DAY / 2;
