/** What a script is once it was read: plain data, which a worker can be sent. */
import type { Shape } from "../curve.ts";
import type { Incident } from "../incidents/phases.ts";

export interface Script {
  /** Names of scenarios; null: as configured. */
  readonly scenarios: readonly string[] | null;
  /** Records a second over all scenarios; null: as configured. */
  readonly rate: number | null;
  readonly seed: number | null;
  readonly shape: Shape | null;
  readonly incidents: readonly Incident[];
}
