/** Names of time zones, as settings have them. */
import { z } from "zod";

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
export const timeZone = z.string().refine(isTimeZone, "not a time zone: use an IANA name such as Europe/Berlin or UTC");
