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

/** The values that a condition on a field chooses; null where there is none that includes some. */
export function chosenValues(where: readonly string[], field: string): string[] | null {
  const condition = where.find((text) => text.startsWith(`${field}=`));
  if (condition === undefined) return null;
  const values = condition.slice(field.length + 1).match(/(?:\\.|[^|])+/gs) ?? [""];
  return values.map((value) => value.replace(/\\(.)/gs, "$1"));
}

/** Chooses these values of a field in place of those before; none: all. */
export function withValues(where: readonly string[], field: string, values: readonly string[]): string[] {
  const others = where.filter((text) => !text.startsWith(`${field}=`));
  return values.length === 0 ? others : [...others, `${field}=${values.map(escaped).join("|")}`];
}
