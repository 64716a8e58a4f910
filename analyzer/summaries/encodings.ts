/** The texts that a text may stand for: without tricks of Unicode, and decoded from the usual encodings. Pure. */
import { plainLine } from "../shown_text.ts";

/** A longer text is looked at in its beginning and its end. */
const LOOKED_AT = 8192;
/** Encodings within encodings, so deep. */
const DEPTH_MAX = 3;
const FORMS_MAX = 24;

/** Latin letters that others look like. */
const LOOKALIKES: Readonly<Record<string, string>> = Object.fromEntries(
  [..."аaеeоoрpсcхxіiјjѕsԁdһhкkмmтtуyвbнnгrαaεeοoρpιiκkνvτtυuηnωwɑaıi"].reduce<[string, string][]>(
    (pairs, letter, i, all) => i % 2 === 0 ? [...pairs, [letter, all[i + 1]]] : pairs,
    [],
  ),
);
const LEET: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  "$": "s",
  "!": "i",
};
const REMOVED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: " " };

/** All forms, lower-cased, the text itself first; at most {@link FORMS_MAX}. */
export function formsOf(text: string): readonly string[] {
  const seen = text.length <= LOOKED_AT ? text : `${text.slice(0, LOOKED_AT / 2)} ${text.slice(-LOOKED_AT / 2)}`;
  const forms = new Set<string>();
  collect(seen, 0, forms);
  return [...forms];
}

function collect(text: string, depth: number, forms: Set<string>): void {
  const plain = plainLine(text).toLowerCase();
  if (plain === "" || forms.has(plain) || forms.size >= FORMS_MAX) return;
  forms.add(plain);
  for (const alike of [unmixed(plain), joined(text).toLowerCase(), unleet(plain)]) {
    if (forms.size < FORMS_MAX) forms.add(alike);
  }
  if (depth === DEPTH_MAX) return;
  for (const decoded of decodings(text)) if (decoded !== text) collect(decoded, depth + 1, forms);
  if (depth === 0) {
    for (const turned of [rot13(plain), [...plain].reverse().join("")]) collect(turned, DEPTH_MAX, forms);
  }
}

function decodings(text: string): string[] {
  return [
    fromTags(text),
    fromPercent(text),
    fromEscapes(text),
    fromEntities(text),
    ...fromBase64(text),
    ...fromHex(text),
  ];
}

const unmixed = (text: string): string => text.replace(/[^ -~]/g, (letter) => LOOKALIKES[letter] ?? letter);

/** `i g n o r e   a l l`: letters with a character between, words with more. */
const joined = (text: string): string =>
  text.replace(/(?<=(?:^|[\s._*-])\S)[ ._*-](?=\S(?:[\s._*-]|$))/g, "").replace(/[\s._*-]+/g, " ");

/** Digits within words of letters. */
const unleet = (text: string): string =>
  text.split(" ").map((word) => /\p{L}/u.test(word) ? word.replace(/[013457@$!]/g, (sign) => LEET[sign]) : word).join(
    " ",
  );

const fromTags = (text: string): string =>
  text.replace(/[\u{e0020}-\u{e007e}]/gu, (tag) => String.fromCodePoint((tag.codePointAt(0) ?? 0) - 0xe0000));

function fromPercent(text: string): string {
  return text.replace(
    /(?:%[0-9a-f]{2})+/gi,
    (run) => utf8(run.slice(1).split("%").map((byte) => parseInt(byte, 16))) ?? run,
  )
    .replaceAll("+", " ");
}

const fromEscapes = (text: string): string =>
  text.replace(/\\u\{?([0-9a-f]{4,6})\}?|\\x([0-9a-f]{2})/gi, (whole, wide?: string, narrow?: string) => {
    const code = parseInt(wide ?? narrow ?? "", 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  }).replace(/\\[nrt]/g, " ");

const fromEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos|nbsp));/gi, (whole, decimal, wide, name) => {
    if (name !== undefined) return REMOVED[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? parseInt(wide, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

function fromBase64(text: string): string[] {
  return (text.match(/[A-Za-z0-9+/_-]{20,}={0,2}/g) ?? []).slice(0, 8).flatMap((run) => {
    const standard = run.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
    try {
      return prose(
        utf8(
          Uint8Array.from(
            atob(standard.slice(0, standard.length - (standard.length % 4 === 1 ? 1 : 0))),
            (c) => c.charCodeAt(0),
          ),
        ),
      );
    } catch {
      return [];
    }
  });
}

function fromHex(text: string): string[] {
  return (text.match(/(?:[0-9a-f]{2}[ :]?){16,}/gi) ?? []).slice(0, 8).flatMap((run) => {
    const digits = run.replace(/[^0-9a-f]/gi, "");
    return prose(utf8((digits.match(/../g) ?? []).map((byte) => parseInt(byte, 16))));
  });
}

/** What decodes to letters and spaces for the most part; ids and keys decode to anything. */
function prose(text: string | null): string[] {
  if (text === null || text === "") return [];
  const letters = text.match(/[\p{L}\p{N}\p{P}\p{Z}%\\<>=+]/gu)?.length ?? 0;
  return letters >= [...text].length * 0.9 ? [text] : [];
}

function utf8(bytes: ArrayLike<number>): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

const rot13 = (text: string): string =>
  text.replace(/[a-z]/g, (letter) => String.fromCharCode((letter.charCodeAt(0) - 97 + 13) % 26 + 97));
