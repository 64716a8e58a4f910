/** Epoch timestamps: digits whose number tells the unit. */

/** Microseconds after which integers of microseconds would no longer be exact (the year 2255). */
const MICROS_MAX = Date.UTC(2255, 0, 1) * 1000;
/** Digits after the point that can matter for seconds; more are cut. */
const FRACTION_DIGITS = 6;

/** Microseconds per unit by the number of digits: to 11 seconds, to 14 ms, to 17 µs, to 20 ns. */
function unitMicros(digits: number): number {
  if (digits <= 11) return 1_000_000;
  if (digits <= 14) return 1000;
  return 1;
}

/**
 * Microseconds since 1970 UTC of the digits (and an optional fraction) in bytes[start, end), or NaN: negative numbers,
 * dates after 2254 and anything else. The unit follows from the number of digits: up to 11 seconds, 12 to 14 ms,
 * 15 to 17 µs, 18 to 20 ns.
 */
export function readEpoch(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end - 1 && bytes[at] === 0x30) at++;
  const first = at;
  while (at < end && bytes[at] >= 0x30 && bytes[at] <= 0x39) at++;
  const digits = at - first;
  if (digits === 0 || digits > 20) return NaN;
  // Nanoseconds lose their last three digits before they become a number: 19 digits would not be exact.
  const whole = digits >= 18 ? at - 3 : at;
  // Nine digits at a time are small integers, which are quicker than floats.
  const nine = Math.min(first + 9, whole);
  let high = 0;
  for (let i = first; i < nine; i++) high = high * 10 + (bytes[i] - 0x30);
  let low = 0;
  let scale = 1;
  for (let i = nine; i < whole; i++) {
    low = low * 10 + (bytes[i] - 0x30);
    scale *= 10;
  }
  const value = high * scale + low;
  const unit = unitMicros(digits);
  let micros = value * unit;
  if (at < end) {
    const fraction = readFraction(bytes, at, end);
    if (Number.isNaN(fraction)) return NaN;
    micros += Math.floor(fraction * unit / 10 ** FRACTION_DIGITS);
  }
  return micros < MICROS_MAX ? micros : NaN;
}

/** The digits after the point in millionths, cut, or NaN where there is no point followed by digits only. */
function readFraction(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== 0x2e || start + 1 === end) return NaN;
  let value = 0;
  let kept = 0;
  for (let at = start + 1; at < end; at++) {
    const digit = bytes[at] - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    if (kept < FRACTION_DIGITS) {
      value = value * 10 + digit;
      kept++;
    }
  }
  return value * 10 ** (FRACTION_DIGITS - kept);
}
