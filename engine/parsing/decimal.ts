/**
 * Decimal text to fixed point: the digits decide, never a binary fraction, so that 12.3455 with three decimals is
 * 12.346 and sums of amounts are exact.
 */

const ZERO = 0x30;
const NINE = 0x39;
/** Exponents beyond this are certainly 0 or too large. */
const LARGEST_EXPONENT = 100_000;

/**
 * The number bytes[start, end) × 10^shift as an integer, rounded half away from zero. Takes JSON's numbers, and a
 * leading `+`, leading zeros and a bare point on either side (`.5`, `5.`) as found in strings. NaN where the text is
 * not a number or the result is beyond 2^53 − 1.
 */
export function readDecimal(bytes: Uint8Array, start: number, end: number, shift: number): number {
  let at = start;
  const sign = bytes[at];
  const isSigned = at < end && (sign === 0x2d || sign === 0x2b);
  if (isSigned) at++;
  const digitsStart = at;
  while (at < end && isDigit(bytes[at])) at++;
  let kept = at - digitsStart + shift;
  let digits = at - digitsStart;
  if (at < end && bytes[at] === 0x2e) {
    const fraction = ++at;
    while (at < end && isDigit(bytes[at])) at++;
    digits += at - fraction;
  }
  if (digits === 0) return NaN;
  const digitsEnd = at;
  if (at < end) {
    const exponent = readExponent(bytes, at, end);
    if (exponent !== exponent) return NaN;
    kept += exponent;
  }
  const magnitude = roundedDigits(bytes, digitsStart, digitsEnd, kept);
  return isSigned && sign === 0x2d && magnitude !== 0 ? -magnitude : magnitude;
}

/** The first `kept` digits of a run with at most one point, as an integer, rounded by the digit after them. */
function roundedDigits(bytes: Uint8Array, start: number, end: number, kept: number): number {
  if (kept < 0) return 0;
  let value = 0;
  let left = kept;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === 0x2e) continue;
    if (left === 0) {
      if (byte >= 0x35) value++;
      return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
    }
    value = value * 10 + (byte - ZERO);
    left--;
  }
  if (value === 0) return 0;
  for (; left > 0 && value <= Number.MAX_SAFE_INTEGER; left--) value *= 10;
  return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
}

/** The exponent bytes[start, end), `e` included; NaN where it is not one. */
function readExponent(bytes: Uint8Array, start: number, end: number): number {
  if ((bytes[start] | 0x20) !== 0x65) return NaN;
  let at = start + 1;
  const sign = at < end ? bytes[at] : 0;
  if (sign === 0x2d || sign === 0x2b) at++;
  if (at === end) return NaN;
  let exponent = 0;
  for (; at < end; at++) {
    if (!isDigit(bytes[at])) return NaN;
    exponent = Math.min(exponent * 10 + (bytes[at] - ZERO), LARGEST_EXPONENT);
  }
  return sign === 0x2d ? -exponent : exponent;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/**
 * A decimal that may name its unit of time (`12.3ms`, `1.2 s`, `850µs`, `40ns`), as an integer of 10^-decimals of
 * 10^-3 s. Without a unit it is in 10^unitExponent ms (0: ms, 3: s, -3: µs, -6: ns). NaN as in {@link readDecimal}.
 */
export function readDuration(
  bytes: Uint8Array,
  start: number,
  end: number,
  decimals: number,
  unitExponent: number,
): number {
  let numberEnd = end;
  while (numberEnd > start && !isDigit(bytes[numberEnd - 1]) && bytes[numberEnd - 1] !== 0x2e) numberEnd--;
  if (numberEnd === end) return readDecimal(bytes, start, end, decimals + unitExponent);
  let unitStart = numberEnd;
  while (unitStart < end && bytes[unitStart] === 0x20) unitStart++;
  const exponent = exponentOfUnit(bytes, unitStart, end);
  return exponent === exponent ? readDecimal(bytes, start, numberEnd, decimals + exponent) : NaN;
}

/** Powers of ten from ms, of s, ms, us, µs (U+00B5 and U+03BC) and ns. */
function exponentOfUnit(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || bytes[end - 1] !== 0x73) return NaN;
  if (end - start === 1) return 3;
  if (end - start === 2) {
    switch (bytes[start]) {
      case 0x6d:
        return 0;
      case 0x75:
        return -3;
      case 0x6e:
        return -6;
    }
    return NaN;
  }
  const isMicro = end - start === 3 &&
    (bytes[start] === 0xc2 && bytes[start + 1] === 0xb5 || bytes[start] === 0xce && bytes[start + 1] === 0xbc);
  return isMicro ? -3 : NaN;
}
