/** Rows of values as tests of rules write them. */

const PIECE = /^(_|-?\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?(?:x(\d{1,5}))?$/;

/**
 * `5 0x30 10+5x3 _x2`: a value; a value for so many minutes; one that grows by so much each minute, for so many; minutes
 * without data (null). Null where the text is none of that.
 */
export function parseValues(text: string): (number | null)[] | null {
  const values: (number | null)[] = [];
  for (const piece of text.split(/\s+/).filter((part) => part !== "")) {
    const match = PIECE.exec(piece);
    if (match === null) return null;
    const [, first, by = "0", times = "1"] = match;
    for (let i = 0; i < Number(times); i++) values.push(first === "_" ? null : Number(first) + i * Number(by));
  }
  return values;
}
