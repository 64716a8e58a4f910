/**
 * Templates written alike: the rules by which the authors of Loghub-2.0 correct theirs and those of the parsers that they compare
 * (Khan et al., ICSE 2022; in their harness, `correct_single_template`). Applied to ours and to the truth's.
 */

const PATH_DELIMITERS = /([\s,!;:=|"'[\](){}])/;
const TOKEN_DELIMITERS = /([\s,!;:=|"'[\](){}.\-+@#$%&])/;
/** Words that are values by themselves. */
const VALUES = new Set(["true", "false", "null", "root", "admin"]);

export function correctTemplate(template: string): string {
  // Double spaces, then strings like paths.
  const paths = template.trim().replace(/\s+/g, " ").split(PATH_DELIMITERS)
    .map((token) => /^(?:\/[^/]+)+$/.test(token) ? "<*>" : token).join("");
  const tokens = paths.split(TOKEN_DELIMITERS).map((token) => {
    if (VALUES.has(token.toLowerCase()) || /^\d+$/.test(token)) return "<*>";
    // A word that is grown together with a value is one.
    return /^[^\s/]*<\*>[^\s/]*$/.test(token) && token !== "<*>/<*>" ? "<*>" : token;
  });
  let now = repeat(repeat(tokens.join(""), "<*>.<*>"), "<*><*>");
  for (const mark of [" #<*># ", " #<*> ", ' "<*>" ', " '<*>' "]) now = now.replaceAll(mark, " <*> ");
  for (const pair of JOINED) now = repeat(now, pair);
  return now;
}

/** Values that are one with what stands between them (`post_process.py` of the same authors). */
const JOINED = ["<*>:<*>", "<*>#<*>", "<*>/<*>", "<*>@<*>", "<*>.<*>", "<*><*>"];

function repeat(text: string, pair: string): string {
  let now = text;
  while (now.includes(pair)) now = now.replaceAll(pair, "<*>");
  return now;
}
