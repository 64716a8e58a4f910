/** Options of a command that are configuration. */
import type { ConfigFlag } from "../core/config/load.ts";

/** What was given of `keys` (the option's name as commander has it, and the key that it sets). */
export function flagsOf(
  options: Readonly<Record<string, unknown>>,
  keys: Readonly<Record<string, string>>,
): ConfigFlag[] {
  return Object.entries(keys).flatMap(([name, key]): ConfigFlag[] => {
    const value = options[name];
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return typeof value === "string" ? [{ key, flag, value: numberOrText(value) }] : [];
  });
}

/** The schema refuses text where a number belongs, in words that name the option. */
function numberOrText(value: string): string | number {
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}
