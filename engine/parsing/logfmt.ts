/** logfmt: `level=info msg="it works" duration=12.3ms`, as Go's, Heroku's and Grafana's programs write it. */
import type { EventFields } from "../../core/minutes/fields.ts";
import { compileNames, type Target, USUAL_NAMES } from "./json_names.ts";
import { Projection } from "./json_projection.ts";
import { escapeEnd } from "./json_tokens.ts";
import { NameTable } from "./name_table.ts";
import type { CompiledParser, Parser, ParserOptions, Reason } from "./parser.ts";
import { RecordCopy } from "./record_copy.ts";
import { TimestampReader } from "./timestamp.ts";
import { isValidUtf8 } from "./utf8.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const NO_TARGETS: readonly Target[] = [];

// A byte order mark is part of a name like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

class LogfmtParser implements CompiledParser {
  readonly #names: NameTable;
  readonly #projection: Projection;
  readonly #copy = new RecordCopy();

  constructor(options: ParserOptions) {
    this.#names = new NameTable(compileNames(USUAL_NAMES, options.mapping));
    this.#projection = new Projection(new TimestampReader(options.timeZone), null);
  }

  parse(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): Reason | null {
    if (!isValidUtf8(bytes, start, end)) {
      this.#copy.load(bytes, start, end);
      return this.parse(this.#copy.bytes, 0, this.#copy.length, recordTimeMs, out);
    }
    this.#projection.begin(bytes, recordTimeMs, out);
    const pairs = this.#readPairs(bytes, start, end);
    if (pairs > 0) {
      this.#projection.finish();
      return null;
    }
    out.clear(bytes);
    return skipBlanks(bytes, start, end) === end ? "empty" : "no_match";
  }

  /** Reads what is `key=value` and passes over the rest; answers how many pairs there were. */
  #readPairs(bytes: Uint8Array, start: number, end: number): number {
    let pairs = 0;
    let at = skipBlanks(bytes, start, end);
    while (at < end) {
      const key = at;
      at = endOfKey(bytes, key, end);
      if (at > key && at < end && bytes[at] === EQUALS) {
        pairs++;
        const targets = this.#names.find(bytes, key, at)?.targets ?? NO_TARGETS;
        at = bytes[at + 1] === QUOTE && at + 1 < end
          ? this.#readQuoted(bytes, at + 2, end, targets)
          : this.#readBare(bytes, at + 1, end, targets);
      } else {
        while (at < end && bytes[at] > SPACE) at++;
      }
      at = skipBlanks(bytes, at, end);
    }
    return pairs;
  }

  /** A value up to the next blank; `null` is no value. Answers where it ends. */
  #readBare(bytes: Uint8Array, start: number, end: number, targets: readonly Target[]): number {
    let at = start;
    while (at < end && bytes[at] > SPACE) at++;
    if (targets.length > 0 && at > start && !isNull(bytes, start, at)) this.#projection.string(targets, start, at);
    return at;
  }

  /** A value up to its closing quote, or to the end where a line was cut off. Answers where it ends. */
  #readQuoted(bytes: Uint8Array, start: number, end: number, targets: readonly Target[]): number {
    let at = start;
    let isEscaped = false;
    let isJson = true;
    while (at < end && bytes[at] !== QUOTE) {
      if (bytes[at] !== BACKSLASH) {
        at++;
        continue;
      }
      isEscaped = true;
      const next = escapeEnd(bytes, at + 1, end);
      if (next < 0) isJson = false;
      at = next < 0 ? Math.min(at + 2, end) : next;
    }
    if (targets.length > 0 && at > start) {
      if (!isEscaped) this.#projection.string(targets, start, at);
      else if (isJson) this.#projection.escapedString(targets, start, at);
      else this.#projection.decodedString(targets, unquoteGo(decoder.decode(bytes.subarray(start, at))));
    }
    return at < end ? at + 1 : end;
  }
}

/** Letters, digits, `_ . - @ / : $` and what is not ASCII: a URL with a query is no key. */
function endOfKey(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isKeyByte(bytes[at])) at++;
  return at;
}

function isKeyByte(byte: number): boolean {
  const letter = byte | 0x20;
  // 0x2d to 0x3a: - . / digits :
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x2d && byte <= 0x3a) || byte === 0x5f || byte === 0x40 ||
    byte === 0x24 || byte >= 0x80;
}

function isNull(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 4 && bytes[start] === 0x6e && bytes[start + 1] === 0x75 && bytes[start + 2] === 0x6c &&
    bytes[start + 3] === 0x6c;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] <= SPACE) at++;
  return at;
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
  "/": "/",
};

/** Go's %q also writes \a, \v, \xNN and \UNNNNNNNN, which JSON does not know; what neither knows stays as it is. */
function unquoteGo(text: string): string {
  return text.replace(
    /\\(?:x([0-7][\da-fA-F])|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs,
    (escape: string, byte?: string, unit?: string, codePoint?: string, letter?: string) => {
      if (letter !== undefined) return GO_ESCAPES[letter] ?? escape;
      const code = parseInt(byte ?? unit ?? codePoint ?? "", 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : escape;
    },
  );
}

const PAIR = /(?:^|\s)[a-z_@][\w.@/:$-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)/gi;

/** Begins with a pair, and pairs are most of the line: true of no line of the other formats. */
function isSurelyLogfmt(record: Uint8Array): boolean {
  const line = decoder.decode(record.subarray(0, 65_536)).trim();
  return line.search(PAIR) === 0 && line.replaceAll(PAIR, "").trim().length * 2 < line.length;
}

export const logfmtParser: Parser = {
  name: "logfmt",
  description: "logfmt: key=value pairs",
  preset: "apps",
  detect: (sample) => sample.length === 0 ? 0 : sample.filter(isSurelyLogfmt).length / sample.length,
  compile: (options) => new LogfmtParser(options),
};
