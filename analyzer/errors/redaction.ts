/**
 * Puts keyed pseudonyms in the place of secrets and personal data, before anything is grouped, shown, sent or logged. Finders
 * take turns (redaction/): what is a secret by its own first characters, by what stands around it, by the name of its field, by
 * its shape and checksum; then the same in what was wrapped. None backtracks over a text, so that the time is linear in its
 * length. bench/redaction times it.
 */
import { createHmac } from "node:crypto";
import { visible } from "../shown_text.ts";
import {
  findCurlUsers,
  findDriverUsers,
  findHooks,
  findJwts,
  findPemBlocks,
  findSchemes,
  findStatedPasswords,
  findUrlUsers,
} from "./redaction/credentials.ts";
import { findBase64, findEncoded, withoutEscapes } from "./redaction/encodings.ts";
import type { Finder, Finding } from "./redaction/finding.ts";
import { findKeyedValues } from "./redaction/keyed_values.ts";
import { findColonAddresses, findOtherMacs } from "./redaction/network.ts";
import { findNumbers } from "./redaction/numbers.ts";
import { findEmails, findHomes, findIbans } from "./redaction/personal.ts";
import { findAwsSecrets, findBotTokens, findServiceTokens } from "./redaction/service_tokens.ts";
import type { Redactor } from "./redactor.ts";

/** In this order: what is found first hides its text from the others. */
const BY_SHAPE: readonly Finder[] = [
  findPemBlocks,
  findHooks,
  findJwts,
  findServiceTokens,
  findAwsSecrets,
  findBotTokens,
  findUrlUsers,
  findDriverUsers,
  findStatedPasswords,
  findSchemes,
  findEmails,
  findIbans,
  findNumbers,
  findColonAddresses,
  findOtherMacs,
];
/** After what may have spaces in it: the value of a name could end in its middle. */
const BY_NAME: readonly Finder[] = [
  findCurlUsers,
  findKeyedValues,
  findHomes,
];

/** What was replaced may have hidden something else: repeated until nothing changes, but no more often than this. */
const ROUNDS_MAX = 4;
/** Wrapped in wrapped. */
const DEPTH_MAX = 2;

/**
 * A redactor whose pseudonyms are HMACs (SHA-256) under a key: equal values have equal ones, and nobody without the key can
 * try out what a pseudonym stands for. Text comes back {@link visible}, for what is not seen could keep a secret apart.
 *
 * @param key Not empty; as long as it stays, pseudonyms do.
 */
export function createRedactor(key: string): Redactor {
  if (key === "") throw new RangeError("the key of a redactor is empty");
  const pseudonyms = new Pseudonyms(key);
  const unwrapping = (depth: number): readonly Finder[] =>
    depth >= DEPTH_MAX ? [] : [
      findEncoded((text) => redactAt(text, depth + 1)),
      findBase64((text) => redactAt(text, depth + 1)),
    ];
  const unwrappers = Array.from({ length: DEPTH_MAX + 1 }, (_, depth) => unwrapping(depth));
  const redactAt = (text: string, depth: number): string => {
    let now = text;
    const hide = (find: Finder, isRead: boolean): void => {
      const read = isRead ? withoutEscapes(now) : now;
      if (!isRead || read !== now) now = replace(now, find(read), pseudonyms);
    };
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const before = now;
      // Each as the text is, and as it reads without escapes: the `n` of a line break is no letter of the word after it, but
      // may be one of a password.
      for (const find of BY_SHAPE) {
        hide(find, true);
        hide(find, false);
      }
      for (const find of BY_NAME) {
        hide(find, false);
        hide(find, true);
      }
      for (const find of unwrappers[depth]) hide(find, false);
      if (now === before) break;
    }
    return now;
  };
  return { redact: (text) => redactAt(visible(text), 0) };
}

function replace(text: string, findings: readonly Finding[], pseudonyms: Pseudonyms): string {
  if (findings.length === 0) return text;
  let out = "";
  let at = 0;
  for (const { start, end, kind, value, instead } of findings) {
    if (start < at) continue;
    out += text.slice(at, start) + (instead ?? pseudonyms.of(kind, value ?? text.slice(start, end)));
    at = end;
  }
  return out + text.slice(at);
}

/** Values that are remembered, so that a flood of the same costs one HMAC. */
const REMEMBERED = 10_000;
/** Longer ones are not. */
const REMEMBERED_CHARS = 256;

class Pseudonyms {
  readonly #key: string;
  /** In order of use. */
  readonly #known = new Map<string, string>();

  constructor(key: string) {
    this.#key = key;
  }

  of(kind: string, value: string): string {
    if (value.length > REMEMBERED_CHARS) return this.#make(kind, value);
    const name = `${kind} ${value}`;
    let pseudonym = this.#known.get(name);
    if (pseudonym === undefined) {
      pseudonym = this.#make(kind, value);
      if (this.#known.size >= REMEMBERED) this.#forgetOldest();
    } else this.#known.delete(name);
    this.#known.set(name, pseudonym);
    return pseudonym;
  }

  #forgetOldest(): void {
    for (const name of this.#known.keys()) {
      this.#known.delete(name);
      return;
    }
  }

  #make(kind: string, value: string): string {
    const number = createHmac("sha256", this.#key).update(value).digest().readUIntBE(0, 6) % 10_000_000;
    return `<${kind}_${String(number).padStart(7, "0")}>`;
  }
}
