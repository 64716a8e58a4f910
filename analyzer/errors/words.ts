/** Words by which what stands there, or beside it, is known to be a value. Pure. */
import { DOT, isDigitAt } from "./characters.ts";

export const MONTHS = new Set("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" "));
export const DAYS = new Set("Mon Tue Wed Thu Fri Sat Sun".split(" "));
export const UNITS = new Set(
  "B KB MB GB TB KiB MiB GiB TiB bit bits kbps Mbps ns us µs ms s sec secs second seconds min mins minute minutes h hour hours % "
    .trim().split(" "),
);
/** Words before `user`. */
export const USER_BEFORE = ["for", "invalid"];
/** Words that stand there and name nobody. */
export const NO_NAMES = new Set([
  "user",
  "users",
  "name",
  "account",
  "id",
  "request",
  "authentication",
  "login",
  "input",
  "invalid",
  "unknown",
  "this",
  "the",
  "a",
  "data",
  "help",
]);
export const UNIT_CHARS_MAX = Math.max(...[...UNITS].map(({ length }) => length));
const UNIT_STARTS = new Uint8Array(128);
for (const unit of UNITS) if (unit.charCodeAt(0) < 128) UNIT_STARTS[unit.charCodeAt(0)] = 1;
/** Whether a unit may begin there. */
export const mayBeUnit = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code >= 128 || UNIT_STARTS[code] === 1;
};
/** Last labels of names of hosts that have no digit; names with one are recognised by it. */
export const TOP_LEVELS = new Set(
  ("com net org edu gov mil int io dev app local internal localdomain lan home corp cloud info biz cn de uk hk jp fr tw kr ru " +
    "br mx in it nl es pl se ch at be au ca us eu").split(" "),
);

/** Dotted names that end so are what has gone wrong, and tell errors apart. */
const FAULTS = ["Exception", "Error", "Failure", "Fault", "Throwable"];

/**
 * Whether a word is a name of three labels or more, as packages, classes, properties and bundles have them:
 * `com.example.app`, `yarn.scheduler.max`. Not one that says what went wrong, nor one that ends in a state in capitals.
 */
export function isDottedName(text: string, start: number, end: number): boolean {
  let labels = 0;
  for (let at = start; labels < 3; labels++) {
    if (!isLetterAt(text, at) || at >= end) return false;
    while (at < end && isInLabel(text, at)) at++;
    if (labels < 2 && (at >= end || text.charCodeAt(at) !== DOT)) return false;
    at++;
  }
  return !FAULTS.some((fault) => text.endsWith(fault, end)) &&
    !isCapitals(text, text.lastIndexOf(".", end - 1) + 1, end);
}

function isLetterAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at) | 0x20;
  return (code >= 0x61 && code <= 0x7a) || text.charCodeAt(at) === 0x5f || text.charCodeAt(at) === 0x24; // _ $
}

const isInLabel = (text: string, at: number): boolean =>
  isLetterAt(text, at) || isDigitAt(text, at) || text.charCodeAt(at) === 0x2d;

function isCapitals(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (!(code >= 0x41 && code <= 0x5a) && code !== 0x5f) return false;
  }
  return end - start >= 2;
}
