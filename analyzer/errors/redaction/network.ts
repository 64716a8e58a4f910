/** Addresses of machines: IPv4, IPv6 and hardware addresses. */
import { isIPv4, isIPv6 } from "node:net";
import { endOfRun, type Finder, type Finding, isAlphanumeric, isDigit, NOTHING } from "./finding.ts";

const FOUR_NUMBERS = /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/y;

/** An address that begins here, at the first of its digits. */
export function ipv4At(text: string, start: number): Finding | null {
  const end = endOfRun(text, start, FOUR_NUMBERS);
  if (end === start) return null;
  // Any further number makes it a version or the identifier of an object.
  if (isDigit(text.charCodeAt(end)) || (text.charCodeAt(end) === DOT && isDigit(text.charCodeAt(end + 1)))) return null;
  if (start > 1 && text.charCodeAt(start - 1) === DOT && isDigit(text.charCodeAt(start - 2))) return null;
  if (isVersionBefore(text, start) || isNameAfter(text, end)) return null;
  const address = text.slice(start, end).replace(/\b0+(?=\d)/g, "");
  return !isIPv4(address) || isNobody(address) ? null : { start, end, kind: "IP", value: address };
}

/** The machine itself, none, all, and masks of networks name nobody. */
const isNobody = (address: string): boolean => /^(?:0\.0\.0\.0|127\.|255\.)/.test(address);

/** `Chrome/120.0.0.0`, `version 1.2.3.4`, `v1.2.3.4`, `1.2.3.4-SNAPSHOT` and `lib-1.2.3.4.jar` are versions. */
const VERSION_BEFORE =
  /(?:\b(?:ver(?:sion)?|release|build|rev(?:ision)?)[\s:="']{1,3}|[A-Za-z]{2,20}[-_]|\bv|[A-Za-z]v|\b(?:Chrome|Chromium|HeadlessChrome|Firefox|Safari|Version|Edge?|EdgA|OPR|Opera|Mozilla|AppleWebKit|Gecko|Mobile|CriOS|FxiOS|Brave|Vivaldi|YaBrowser|SamsungBrowser|Electron|curl|python-requests|okhttp|Java|Go-http-client)\/)$/i;

function isVersionBefore(text: string, at: number): boolean {
  if (at === 0) return false;
  const last = text.charCodeAt(at - 1);
  if (last === TILDE) { // a package's
    const further = text.charCodeAt(at - 2);
    return isAlphanumeric(further) || further === TILDE;
  }
  if (
    !isAlphanumeric(last) && last !== SLASH && last !== HYPHEN && last !== UNDERSCORE && !SPACES.includes(text[at - 1])
  ) {
    return false;
  }
  const before = text.slice(Math.max(0, at - 24), at);
  if (last === HYPHEN || last === UNDERSCORE) {
    // `ip-10.0.0.1` is an address; a name of a file goes on after it.
    return /^[\d.]+(?:\.[a-z]|-[A-Z])/.test(text.slice(at, at + 20));
  }
  return VERSION_BEFORE.test(before);
}

const isNameAfter = (text: string, at: number): boolean =>
  /^(?:-(?:SNAPSHOT|RELEASE|FINAL|GA|beta|alpha|rc)|\.(?:jar|war|zip|tgz|tar|gz|dll|exe|so|rpm|deb)\b)/i.test(
    text.slice(at, at + 12),
  ) ||
  /^\.?(?:jar|war|zip|tgz|tar|dll|exe|rpm|deb)\b/.test(text.slice(at, at + 6));

const COLON_RUN = /[0-9A-Fa-f:]+(?:\.\d{1,3}){0,3}/y;
const ADDRESS_MAX = 64;

export const findColonAddresses: Finder = (text) => {
  let found: Finding[] | null = null;
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at)) {
    let start = at;
    while (start > 0 && at - start < 5 && isHexadecimal(text.charCodeAt(start - 1))) start--;
    // `id:2001:db8::1`: the end of a name.
    if (start > 0 && isAlphanumeric(text.charCodeAt(start - 1))) start = at + 1;
    let end = at + 1;
    let colons = 1;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === COLON) colons++;
      else if (!isHexadecimal(code)) break;
    }
    at = end;
    if (colons < 2 || end - start > ADDRESS_MAX) continue;
    end = endOfRun(text, start, COLON_RUN);
    const finding = isWordAround(text, start, end, colons) ? macAt(text, start) : colonAddress(text, start, end);
    if (finding !== null) (found ??= []).push(finding);
  }
  return found ?? NOTHING;
};

const isHexadecimal = (code: number): boolean => isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);

/** Letters beside it make it a part of a name: `std::begin`, `Cafe::add`. */
function isWordAround(text: string, start: number, end: number, colons: number): boolean {
  const before = text.charCodeAt(start - 1);
  const after = text.charCodeAt(end);
  return start > 0 && isAlphanumeric(before) || isAlphanumeric(after) ||
    (colons < 3 && (before === UNDERSCORE || after === UNDERSCORE));
}

const SIX_PAIRS = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f])/iy;

/** A hardware address that something follows: `a4:a6:68:0d:2c:57:wlan`. */
function macAt(text: string, start: number): Finding | null {
  const end = endOfRun(text, start, SIX_PAIRS);
  if (end === start || (start > 0 && isAlphanumeric(text.charCodeAt(start - 1)))) return null;
  const value = text.slice(start, end).toLowerCase();
  return isNothing(value) ? null : { start, end, kind: "MAC", value };
}

function colonAddress(text: string, start: number, run: number): Finding | null {
  for (const end of [run, text.lastIndexOf(":", run - 1)]) { // a port may follow, or a colon
    if (end <= start) continue;
    const address = text.slice(start, end);
    if (/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(address)) {
      return isNothing(address) ? null : { start, end, kind: "MAC", value: address.toLowerCase() };
    }
    // Without a digit it is rather a name.
    if (isIPv6(address) && /\d/.test(address)) {
      return isNothing(address) ? null : { start, end, kind: "IP", value: address.toLowerCase() };
    }
  }
  return null;
}

/** Nobody's, and the machine's own. */
const isNothing = (address: string): boolean => /^[0:]*1?$/.test(address) || /^(?:ff:){5}ff$/i.test(address);

/** `aa-bb-cc-dd-ee-ff` and `aabb.ccdd.eeff`. */
const OTHER_MACS =
  /(?<![A-Za-z0-9-])[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}(?![A-Za-z0-9-])|(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.])/g;

export const findOtherMacs: Finder = (text) => {
  let found: Finding[] | null = null;
  OTHER_MACS.lastIndex = 0;
  for (let match = OTHER_MACS.exec(text); match !== null; match = OTHER_MACS.exec(text)) {
    const value = match[0].toLowerCase();
    // Numbers alone may be anything.
    if (/[a-f]/.test(value) || (value.includes("-") && !/^\d\d-\d\d-\d\d-/.test(value))) {
      (found ??= []).push({
        start: match.index,
        end: OTHER_MACS.lastIndex,
        kind: "MAC",
        value: value.replace(/[-.]/g, "").replace(/..(?=.)/g, "$&:"),
      });
    }
  }
  return found ?? NOTHING;
};

const SPACES = " \t\"'=:";
const COLON = 0x3a;
const DOT = 0x2e;
const HYPHEN = 0x2d;
const SLASH = 0x2f;
const UNDERSCORE = 0x5f;
const TILDE = 0x7e;
