/**
 * Text of a model as plain words: no links, mentions, markup or tricks with Unicode, whatever it wrote. Pure.
 * What is taken out leaves a few words in brackets, so that a reader sees that something was there.
 */
import { find } from "linkifyjs";
import { mixesScripts, plainLine } from "../shown_text.ts";

const ADDRESS = "(address left out)";
const NAME = "(name left out)";
const WORD = "(word left out)";

/** Any scheme with slashes; those that do harm without; defanged ones, which are read as well as others. */
const SCHEMES =
  /\b[a-z][a-z0-9+.-]{0,30}:\/\/+[^\s)\]]*|\b(?:javascript|vbscript|mailto|tel|sms|intent|skype|slack|facetime|xmpp|blob|about):\S+|\bdata:[a-z]+\/[^\s)]+|(?<![\w/])\/\/[\w-]+\.[^\s)\]]+|\bwww\d?\.[^\s)\]]+/giu;
const DEFANGED = /\bh(?:xx|\*\*|__)ps?\b[^\s)]*|[\w-]+\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\))\s?[\w-]+[^\s)]*/giu;
/** Also the few that are seen, before numbers in Arabic and Kaithi: a model has no need of them. */
const FORMATS = /\p{Cf}/gu;
const OTHER_DOTS = /[。｡․﹒]/g;
/** A host and a path, whatever its last label is. */
const HOST_AND_PATH = /\b[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,24}(?::\d+)?[/?][^\s)\]]*/giu;
const IP_AND_PATH = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\/[^\s)\]]*/g;
/** Names that are no host, as of an underscore, and are read as one. */
const ALIKE = /[\w-]+\.(?:com|org|net)\b(?!\.)/gi;
/** Endings of source files that are top-level domains as well; a name with one stays where it has no path. */
const FILE_ENDING = /\.(?:py|sh|rs|md|so|pl|cc|ps|ml|pm|vi|do|as|mm|ms|la|am|mk|in|tf|app|java|zip|mov)$/i;

/** What follows `java.net` where that is a package: a class. */
const CLASS_NAME = /^\.(?:[a-z]\w*\.)*[A-Z]/;

/** Pseudonyms of the redaction, as in <EMAIL_4819273>: their word stays. */
const PSEUDONYM = /<([A-Z][A-Z_]{0,20}_[0-9A-F]{1,16})>/g;
const MENTION = /(?<![\p{L}\p{N}_])@+[\p{L}\p{N}_.-]+|<[!@#][^>]*>?/giu;
const MARKDOWN_LINK = /!?\[([^\[\]]*)\]\s?(?:\([^()]*\)|\[[^\[\]]*\])/g;
const TAG = /<\/?[a-z!?][^<>]*>/gi;
const EMPHASIS = /(\*{1,3}|_{2,3}|~{1,3})(?=\S)([^*~]*?\S)\1/g;
const UNDERLINED = /(?<![\p{L}\p{N}_])_(?=\S)([^_]*\S)_(?![\p{L}\p{N}_])/gu;
const AT_START = /^(?:[#>|*+-]+\s+|#{1,6}(?=\S)|>+|\d{1,2}[.)]\s+)+/;
const SHORTCODE = /(?<![\p{L}\p{N}_:]):(?=[\w+-]*[a-z])[\w+-]{2,40}:(?![\p{L}\p{N}_])/giu;
const LEFT_MARKS = /[`<>*|\\{}\[\]~]+/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: " " };
const ENTITY = /&(?:(lt|gt|amp|quot|apos|nbsp)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi;

/** Not the single character, which is no plain form by Unicode. */
const ELLIPSIS = " ...";
/** Rounds until nothing changes; more than any text needs that was not made to resist. */
const ROUNDS_MAX = 6;
/** A text of a model longer than this is looked at no further. */
const LOOKED_AT = 4000;

/** `text` as plain words of at most `max` UTF-16 units on one line; empty where nothing is left. Applied again, it changes nothing. */
export function plainText(text: string, max: number): string {
  let plain = text.slice(0, LOOKED_AT);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const next = once(plain);
    if (next === plain) return inWholeWords(plain, max);
    plain = next;
  }
  // Markup within markup within markup: nobody writes so in good faith.
  return "";
}

/** A word that is cut may be what none was before: a host, a name. */
function inWholeWords(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = text.lastIndexOf(" ", max - ELLIPSIS.length);
  return end <= 0 ? "" : text.slice(0, end) + ELLIPSIS;
}

function once(text: string): string {
  const decoded = plainLine(decodeEntities(text)).replace(FORMATS, "").replace(OTHER_DOTS, ".");
  const unmarked = decoded.replace(PSEUDONYM, "$1").replace(MENTION, NAME).replace(MARKDOWN_LINK, "$1").replace(
    TAG,
    " ",
  )
    .replace(EMPHASIS, "$2").replace(UNDERLINED, "$1");
  const unlinked = withoutHosts(
    unmarked.replace(DEFANGED, ADDRESS).replace(SCHEMES, ADDRESS).replace(IP_AND_PATH, ADDRESS)
      .replace(HOST_AND_PATH, ADDRESS),
  ).replace(ALIKE, ADDRESS);
  const words = unlinked.replace(/:\/\/+/g, " ").replace(SHORTCODE, " ").replace(LEFT_MARKS, " ").split(" ")
    .map((word) => mixesScripts(word) ? WORD : word);
  return words.filter((word) => word !== "").join(" ").replace(AT_START, "").trim();
}

function decodeEntities(text: string): string {
  return text.replace(
    ENTITY,
    (whole, name: string | undefined, decimal: string | undefined, hex: string | undefined) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
      const code = decimal === undefined ? parseInt(hex ?? "", 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "";
    },
  );
}

/** Takes out what a chat program, a mail program or a browser would make a link of. */
function withoutHosts(text: string): string {
  let rest = "";
  let from = 0;
  for (const { type, start, end, value } of find(text)) {
    const isFile = type === "url" && !value.includes("/") && FILE_ENDING.test(value);
    if (isFile || CLASS_NAME.test(text.slice(end))) continue;
    rest += text.slice(from, start) + (type === "email" ? NAME : ADDRESS);
    from = end;
  }
  return rest + text.slice(from);
}
