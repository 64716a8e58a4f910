/**
 * Whose settings and views they are: a user's, where a proxy in front tells who that is (`gateway.userHeader`), else the
 * browser's, which a cookie tells. Neither is a right: who reaches the gateway may do everything here.
 */
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { GatewayParts } from "../parts.ts";
import { badParameter } from "../problem.ts";

const COOKIE = "millrace_browser";
const COOKIE_SECONDS = 400 * 86_400; // browsers keep none for longer
const NAME_LENGTH_MAX = 200;

export interface Owner {
  readonly kind: "user" | "browser";
  readonly name: string;
}

/** Who asks; null for a browser that nothing was kept for, and for programs. Throws a Problem where the proxy's name is too long. */
export function ownerOf(c: Context, { config }: Pick<GatewayParts, "config">): Owner | null {
  const header = config.gateway.userHeader;
  const user = header === "" ? undefined : c.req.header(header);
  if (user !== undefined && user !== "") {
    if (user.length > NAME_LENGTH_MAX) throw badParameter(header, `a name has at most ${NAME_LENGTH_MAX} characters`);
    return { kind: "user", name: user };
  }
  const browser = getCookie(c, COOKIE);
  return browser !== undefined && /^[0-9a-f-]{36}$/.test(browser) ? { kind: "browser", name: browser } : null;
}

/** The same; a browser that is not known yet gets a cookie of its own. */
export function ownerToKeepFor(c: Context, parts: Pick<GatewayParts, "config">): Owner {
  const known = ownerOf(c, parts);
  if (known !== null) return known;
  const name = crypto.randomUUID();
  setCookie(c, COOKIE, name, { path: "/", httpOnly: true, sameSite: "Lax", maxAge: COOKIE_SECONDS });
  return { kind: "browser", name };
}

/** Name of the collection of documents that an owner's are in. */
export const collectionOf = (what: string, { kind, name }: Owner): string => `${what}/${kind}/${name}`;
