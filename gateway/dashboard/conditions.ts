/** Conditions of a view, written as the API's `where` takes them. */

/** A backslash makes what divides values ordinary. */
const escaped = (value: string): string => value.replace(/[\\|]/g, "\\$&");

export const including = (field: string, value: string): string => `${field}=${escaped(value)}`;
export const excluding = (field: string, value: string): string => `${field}!=${escaped(value)}`;

/** The field that a condition is on; empty where it is none. */
export const fieldOf = (condition: string): string => /^[a-z_]+(?=!=|\^=|=)/.exec(condition)?.[0] ?? "";

/** Adds a condition; what says the opposite of it goes. */
export function withCondition(where: readonly string[], field: string, value: string, isIncluded: boolean): string[] {
  const [added, opposite] = isIncluded
    ? [including(field, value), excluding(field, value)]
    : [excluding(field, value), including(field, value)];
  return [...where.filter((condition) => condition !== added && condition !== opposite), added];
}
