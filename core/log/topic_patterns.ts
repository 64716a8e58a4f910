/** Which topics are meant: by name, or by a pattern in which * stands for any text. */

/** The final minutes of a topic go to the topic of this name and its own. */
export const RESULTS_PREFIX = "agg_";

/** What Millrace writes itself, and what is not for it: left out of patterns, not of names. */
const OWN = new RegExp(`^${RESULTS_PREFIX}|^__`);

/** Whether a topic is meant by one of the patterns. */
export function topicMatcher(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const expressions = patterns.filter((pattern) => pattern.includes("*"))
    .map((pattern) => new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`));
  return (name) => names.has(name) || (!OWN.test(name) && expressions.some((expression) => expression.test(name)));
}
