/** One thing that `doctor` looked at. */
import { messageOf, MillraceError } from "../../core/errors.ts";

export interface Check {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do, where it isn't ok. */
  readonly remedy?: string;
}

/** The answer of `look`; what it throws is a failed check. */
export async function check(
  name: string,
  look: () => Promise<Omit<Check, "name">> | Omit<Check, "name">,
): Promise<Check> {
  try {
    return { name, ...await look() };
  } catch (error) {
    const remedy = error instanceof MillraceError
      ? error.remedy
      : "see the message; the command line's --help tells more";
    return { name, state: "fail", message: messageOf(error), remedy };
  }
}

export const ok = (message: string): Omit<Check, "name"> => ({ state: "ok", message });
export const warn = (message: string, remedy: string): Omit<Check, "name"> => ({ state: "warn", message, remedy });
export const fail = (message: string, remedy: string): Omit<Check, "name"> => ({ state: "fail", message, remedy });
