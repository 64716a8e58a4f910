/** Who is told of what: the routes of the settings, the first that matches, and those after it where it says `continue`. */
import type { NotifyRoute } from "../../core/config/schema.ts";
import type { Notice } from "./notice.ts";

/** Whether a name is one of the names or patterns; none of them stand for all. */
function matches(patterns: readonly string[], name: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => expressionOf(pattern).test(name));
}

/** A star stands for any text, and everything else for itself. */
function expressionOf(pattern: string): RegExp {
  // Two stars in a row match what one does, and would only make a test slow.
  return new RegExp(`^${pattern.replace(/\*+/g, "*").split("*").map(RegExp.escape).join("[^]*")}$`);
}

/**
 * Names of the notifiers for a notice.
 * @param fallback For what no route matches.
 */
export function routesOf(
  routes: readonly NotifyRoute[],
  fallback: readonly string[],
  { topic, service, kind, severity }: Pick<Notice, "topic" | "service" | "kind" | "severity">,
): readonly string[] {
  const names = new Set<string>();
  let hasMatched = false;
  for (const route of routes) {
    const isMatch = matches(route.topics, topic) && matches(route.services, service) &&
      (route.kinds.length === 0 || route.kinds.includes(kind)) &&
      (route.severities.length === 0 || route.severities.includes(severity));
    if (!isMatch) continue;
    hasMatched = true;
    for (const name of route.to) names.add(name);
    if (!route.continue) break;
  }
  return hasMatched ? [...names] : fallback;
}
