/** Numbers as options take them; anything else is a usage error that says what was expected. */
import { InvalidArgumentError } from "commander";

function numberOf(text: string, expectation: string, isRight: (value: number) => boolean): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!isRight(value)) throw new InvalidArgumentError(`Expected ${expectation}.`);
  return value;
}

export function positiveInteger(text: string): number {
  return numberOf(text, "a whole number of at least 1", (value) => Number.isSafeInteger(value) && value >= 1);
}

export function wholeNumber(text: string): number {
  return numberOf(text, "a whole number", (value) => Number.isSafeInteger(value));
}

export function positiveNumber(text: string): number {
  return numberOf(text, "a number above 0", (value) => value > 0 && Number.isFinite(value));
}
