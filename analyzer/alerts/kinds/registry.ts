/** The kinds of rules that there are. */
import type { RuleKind } from "../rule.ts";
import { absence } from "./absence.ts";
import { burnRate } from "./burn_rate.ts";
import { cappedDimension } from "./capped_dimension.ts";
import { errorRate } from "./error_rate.ts";
import { ewma } from "./ewma.ts";
import { fingerprintSpike } from "./fingerprint_spike.ts";
import { hourOfWeek } from "./hour_of_week.ts";
import { lag } from "./lag.ts";
import { newFingerprint } from "./new_fingerprint.ts";
import { rateOfChange } from "./rate_of_change.ts";
import { silentService } from "./silent_service.ts";
import { threshold } from "./threshold.ts";
import { unparsedShare } from "./unparsed_share.ts";

export const RULE_KINDS: readonly RuleKind[] = [
  threshold,
  errorRate,
  absence,
  silentService,
  rateOfChange,
  hourOfWeek,
  ewma,
  burnRate,
  newFingerprint,
  fingerprintSpike,
  unparsedShare,
  lag,
  cappedDimension,
];
