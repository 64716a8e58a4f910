/** Credentials that are known by what stands around them: PEM blocks, JWT, hooks, URLs with a user, schemes of HTTP. */
import { endOfPseudonym, endOfRun, type Finder, type Finding, isStart, NOTHING } from "./finding.ts";

/** Begins a key or a certificate in PEM, which may lie in a JSON string with its line breaks escaped. */
const PEM_BEGIN = /-----BEGIN ([A-Z0-9 ]{0,40})-----/g;

/** Public parts may be shown. */
const PUBLIC_PEM = /CERTIFICATE|PUBLIC KEY|PARAMETERS/;

export const findPemBlocks: Finder = (text) => {
  if (!text.includes("-----BEGIN ")) return NOTHING;
  const found: Finding[] = [];
  PEM_BEGIN.lastIndex = 0;
  for (let match = PEM_BEGIN.exec(text); match !== null; match = PEM_BEGIN.exec(text)) {
    if (PUBLIC_PEM.test(match[1]) && !match[1].includes("PRIVATE")) continue;
    const mark = `-----END ${match[1]}-----`;
    const close = text.indexOf(mark, PEM_BEGIN.lastIndex);
    // A block that was cut off ends with the text.
    const end = close < 0 ? text.length : close + mark.length;
    found.push({ start: match.index, end, kind: "PRIVATE_KEY" });
    PEM_BEGIN.lastIndex = end;
  }
  return found;
};

const JWT_PART = /[\w=-]+/y;
const JWT_HEADER_MIN = 10;

/** Header and payload are Base64 of JSON, which begins with `eyJ`; the signature may be missing. */
export const findJwts: Finder = (text) => {
  const found: Finding[] = [];
  let header = 0;
  for (let at = text.indexOf("eyJ"); at >= 0; at = text.indexOf("eyJ", at)) {
    // Looked for once a run, which several may begin in: "key=eyJ…".
    if (at >= header) header = endOfRun(text, at, JWT_PART);
    if (!isStart(text, at) || header - at < JWT_HEADER_MIN || !text.startsWith(".eyJ", header)) {
      at += 3;
      continue;
    }
    let end = header;
    // Two more parts of a signed one, four of an encrypted one.
    while (text.charCodeAt(end) === DOT && endOfRun(text, end + 1, JWT_PART) > end + 1) {
      end = endOfRun(text, end + 1, JWT_PART);
    }
    found.push({ start: at, end, kind: "JWT" });
    at = end;
  }
  return found;
};

/** Addresses that whoever knows them may write to. */
const HOOKS =
  /(?:https?:\/\/)?(?:hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/|(?:ptb\.|canary\.)?discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/|hooks\.zapier\.com\/hooks\/|(?:[\w-]{1,64}\.)?webhook\.office\.com\/|outlook\.office(?:365)?\.com\/webhook\/|chat\.googleapis\.com\/v1\/spaces\/|maker\.ifttt\.com\/trigger\/|hook\.(?:[a-z]{2}\d\.)?(?:make|integromat)\.com\/|api\.telegram\.org\/bot|open\.(?:feishu\.cn|larksuite\.com)\/open-apis\/bot\/|oapi\.dingtalk\.com\/robot\/send|qyapi\.weixin\.qq\.com\/cgi-bin\/webhook|events\.pagerduty\.com\/integration\/|api\.opsgenie\.com\/v\d\/json\/)/gi;
const URL_REST = /[^\s"'<>`\\|{}]*[\w\/=-]/y;

export const findHooks: Finder = (text) => {
  if (!text.includes(".com/") && !text.includes(".org/") && !text.includes(".cn/")) return NOTHING;
  const found: Finding[] = [];
  HOOKS.lastIndex = 0;
  for (let match = HOOKS.exec(text); match !== null; match = HOOKS.exec(text)) {
    const begin = HOOKS.lastIndex;
    const end = endOfRun(text, begin, URL_REST);
    if (end > begin && endOfPseudonym(text, begin) === begin) {
      found.push({ start: match.index, end, kind: "WEBHOOK" });
    }
    HOOKS.lastIndex = Math.max(end, begin);
  }
  return found;
};

/** User and password are in the beginning of a URL. */
const URL_MAX = 2_048;
const NOT_IN_URL = /[^\s"'<>`]+/y;

/** `scheme://user:password@host`: a password may hold `/`, `?` and `@` though none should. */
export const findUrlUsers: Finder = (text) => {
  let at = text.indexOf("://");
  if (at < 0) return NOTHING;
  const found: Finding[] = [];
  for (; at >= 0; at = text.indexOf("://", at)) {
    const start = at + 3;
    const nested = text.indexOf("://", start);
    const limit = nested < 0 ? text.length : nested;
    const rest = text.slice(start, Math.min(limit, start + URL_MAX));
    const url = rest.slice(0, endOfRun(rest, 0, NOT_IN_URL));
    const stop = start + url.length;
    const userinfo = userinfoOf(url);
    if (userinfo > 0) {
      const colon = url.slice(0, userinfo).indexOf(":");
      if (colon < 0) {
        if (url.slice(0, userinfo) !== "git" && /(?:https?|s?ftp|ssh)$/i.test(text.slice(Math.max(0, at - 5), at))) {
          found.push({ start, end: start + userinfo, kind: "USER" });
        }
      } else {
        if (colon > 0) found.push({ start, end: start + colon, kind: "USER" });
        if (colon + 1 < userinfo) found.push({ start: start + colon + 1, end: start + userinfo, kind: "PASSWORD" });
      }
    }
    at = Math.max(stop, start);
  }
  return found;
};

/** Characters of a URL, from after its `//`, that are user and password; 0: none. */
function userinfoOf(url: string): number {
  const slash = url.search(/[/?#]/);
  const authority = slash < 0 ? url : url.slice(0, slash);
  const at = authority.lastIndexOf("@");
  // What has neither dot nor port is no host, but a piece of a password with a slash in it.
  if (at > 0 && (slash < 0 || HOST.test(authority.slice(at + 1)))) return at;
  if (at > 0) return Math.max(at, authority.includes(":") ? url.lastIndexOf("@") : at);
  const colon = authority.indexOf(":");
  // A port has digits alone; else it is a password with a slash in it.
  if (slash < 0 || colon < 0 || /^:\d{0,5}$/.test(authority.slice(colon)) || authority.startsWith("[")) return 0;
  return Math.max(0, url.lastIndexOf("@"));
}

const HOST = /[.:]|^localhost$/;

/** As drivers of Go and Oracle write them: `user:password@tcp(host)`, `thin:user/password@host`. */
const DRIVER_USERS =
  /(?:\b[\w.-]{1,64}:([^\s@:"']{1,256})@(?:tcp|unix|udp)\()|(?:thin:[\w.-]{1,64}\/([^\s@"']{1,256})@)/dg;
/** `curl -u user:password`. */
const CURL_USERS = /\s(?:-u|--user)[ =]["']?[^\s:"']{1,128}:([^\s"']{1,256})/dg;

/** Passwords of SQL's users, and of programs that take them in options of one letter. */
const STATED =
  /\b(?:create|alter|grant|set)\b[^\n]{0,200}?\sidentified\s{1,4}(?:with\s{1,4}\S{1,40}\s{1,4})?by\s{1,4}(?:password\s{1,4})?\\{0,7}["']([^"'\\]{1,256})|\bsshpass\s{1,4}-p\s{0,4}["']?([^\s"']{1,256})|\bredis-cli\b[^\n]{0,80}?\s-a\s{1,4}["']?([^\s"']{1,256})|\bmysql(?:dump|admin)?\b[^\n]{0,120}?\s-p["']?([^\s"']{1,256})/dgi;

export const findStatedPasswords: Finder = (text) =>
  /identified|sshpass|redis-cli|mysql/i.test(text) ? passwordsIn(text, STATED) : NOTHING;

export const findDriverUsers: Finder = (text) => text.includes("@") ? passwordsIn(text, DRIVER_USERS) : NOTHING;

/** After what may have spaces in it: any text with a colon reads as a user and the beginning of a password. */
export const findCurlUsers: Finder = (text) =>
  text.includes(" -u") || text.includes("--user") ? passwordsIn(text, CURL_USERS) : NOTHING;

/** What the groups of a pattern hold, but for pseudonyms. */
function passwordsIn(text: string, pattern: RegExp): Finding[] {
  const found: Finding[] = [];
  for (const { indices = [] } of text.matchAll(pattern)) {
    for (const place of indices.slice(1)) {
      if (place !== undefined && endOfPseudonym(text, place[0]) !== place[1]) {
        found.push({ start: place[0], end: place[1], kind: "PASSWORD" });
      }
    }
  }
  return found;
}

/** A scheme of HTTP before its credentials; what reads like prose after it is none. */
const SCHEMES = /\b(?:bearer|basic)(?:[ \t]{1,4}|%20|\+)/gi;
/** After the first part of an address, or a name that has a value: they are left to other finders. */
const NO_BEARER = /@|[ \t]{1,4}=/y;
const SCHEME_VALUE = /[\w.~+/=:-]+/y;
const SCHEME_VALUE_MIN = 8;

export const findSchemes: Finder = (text) => {
  const found: Finding[] = [];
  SCHEMES.lastIndex = 0;
  for (let match = SCHEMES.exec(text); match !== null; match = SCHEMES.exec(text)) {
    const start = SCHEMES.lastIndex;
    const end = endOfRun(text, start, SCHEME_VALUE);
    const value = text.slice(start, end);
    const isCredential = match[0][1].toLowerCase() === "e"
      ? value.length >= SCHEME_VALUE_MIN && !/=[^=]/.test(value) && (/\d/.test(value) || value.length >= 24) &&
        endOfRun(text, end, NO_BEARER) === end
      : isUserAndPassword(value);
    if (isCredential) found.push({ start, end, kind: "CREDENTIALS" });
    SCHEMES.lastIndex = Math.max(start, end);
  }
  return found;
};

/** Whether a value is Base64 of `user:password`. */
function isUserAndPassword(value: string): boolean {
  if (value.length < 6 || !/^[\w+/-]+={0,2}$/.test(value)) return false;
  try {
    return /^[^:\x7f-\xff]+:/.test(atob(value.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return false;
  }
}

const DOT = 0x2e;
