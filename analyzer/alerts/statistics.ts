/** Statistics of small counts and of samples with outliers. */

/**
 * Anscombe's transform (1948): a Poisson count becomes about normal with variance 1, whatever its mean. So 0 to 3 is
 * 2.4 deviations, and 1000 to 1100 is 3.1.
 */
export function anscombe(count: number): number {
  return 2 * Math.sqrt(count + 0.375);
}

/** The count whose transform is `y`; 0 where there is none. */
export function fromAnscombe(y: number): number {
  return y <= 0 ? 0 : Math.max(0, (y / 2) ** 2 - 0.375);
}

/** The middle value; NaN of none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** 1 / Φ⁻¹(3/4): with it the median of absolute deviations estimates the deviation of a normal distribution. */
const NORMAL_MAD = 1.4826;

/** The deviation by the median of absolute deviations from `centre`: half of the values may be anything. */
export function robustDeviation(values: readonly number[], centre: number): number {
  return NORMAL_MAD * median(values.map((value) => Math.abs(value - centre)));
}

/** Lower end of Wilson's interval (1927) for a share, `z` deviations wide: near 0 while the trials are few. */
export function wilsonLow(successes: number, trials: number, z: number): number {
  if (trials <= 0) return 0;
  const share = Math.min(1, successes / trials);
  const z2 = z * z;
  const centre = share + z2 / (2 * trials);
  const margin = z * Math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials));
  return Math.max(0, (centre - margin) / (1 + z2 / trials));
}

/** Mean and deviation, the newest values weighing most. */
export interface Weighted {
  readonly mean: number;
  readonly deviation: number;
  readonly samples: number;
}

/**
 * Exponentially weighted mean and deviation of `values`, oldest first, NaN left out; a value counts half as much as one
 * that is `halfLife` later. What lies further than `clip` deviations from the mean so far moves it by that much only, so
 * that an incident does not become what is expected.
 */
export function weighted(values: Iterable<number>, halfLife: number, clip: number, floor: number): Weighted {
  const alpha = 1 - 0.5 ** (1 / halfLife);
  let mean = NaN;
  let variance = 0;
  let samples = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    samples++;
    if (samples === 1) {
      mean = value;
      continue;
    }
    // The first values average evenly; then the weights decay (West 1979, with a floor under the weight).
    const weight = Math.max(alpha, 1 / samples);
    const limit = clip * Math.max(floor, Math.sqrt(variance));
    const off = samples <= 10 ? value - mean : Math.max(-limit, Math.min(limit, value - mean));
    mean += weight * off;
    variance = (1 - weight) * (variance + weight * off * off);
  }
  return { mean, deviation: Math.sqrt(variance), samples };
}
