/**
 * Templates by all their tokens but one, for each place where that one may stand. Kept by a hash of those tokens, so that a
 * long template takes no more room than a short one of as many places; what is found is compared token by token, since who
 * writes logs can make two of the same hash.
 */

/** Words beyond this are not looked at one by one. */
const PLACES_MAX = 64;

interface Listed {
  readonly tokens: readonly string[];
}

export class WordIndex<T extends Listed> {
  /** Most are alone under their hash, and need no set. */
  readonly #listed = new Map<number, T | Set<T>>();

  /** @param isPlace Whether a token may be a value. */
  constructor(private readonly isPlace: (token: string) => boolean) {}

  add(template: T): void {
    for (const [, key] of this.#keysOf(template.tokens)) {
      const known = this.#listed.get(key);
      if (known === undefined) this.#listed.set(key, template);
      else if (known instanceof Set) known.add(template);
      else if (known !== template) this.#listed.set(key, new Set([known, template]));
    }
  }

  delete(template: T): void {
    for (const [, key] of this.#keysOf(template.tokens)) {
      const known = this.#listed.get(key);
      if (known === template) this.#listed.delete(key);
      else if (known instanceof Set && known.delete(template) && known.size === 0) this.#listed.delete(key);
    }
  }

  /** For each place, the templates that are as these tokens but for the one that stands there; where there are two or more. */
  *differingInOne(tokens: readonly string[]): Generator<{ readonly place: number; readonly members: readonly T[] }> {
    for (const [place, key] of this.#keysOf(tokens)) {
      const known = this.#listed.get(key);
      if (!(known instanceof Set) || known.size < 2) continue;
      const members = [...known].filter((each) => isSameBut(each.tokens, tokens, place));
      if (members.length > 1) yield { place, members };
    }
  }

  /** Hashes of all tokens but one, and where that stands. */
  *#keysOf(tokens: readonly string[]): Generator<readonly [place: number, key: number]> {
    const hashes = tokens.map(hashAt);
    let [low, high] = [tokens.length, 0];
    for (const hash of hashes) {
      low = low + hash | 0;
      high = high + Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d) | 0;
    }
    const end = Math.min(tokens.length, PLACES_MAX);
    for (let place = 0; place < end; place++) {
      if (!this.isPlace(tokens[place])) continue;
      const hash = hashes[place];
      const withoutLow = low - hash >>> 0;
      const withoutHigh = high - Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d) >>> 0;
      // 53 bits, the place among them.
      yield [place, withoutLow + (Math.imul(withoutHigh ^ place, 0x297a2d39) & 0x1f_ffff) * 0x1_0000_0000];
    }
  }
}

function hashAt(token: string, place: number): number {
  let hash = Math.imul(place + 1, 0x9e3779b1);
  for (let at = 0; at < token.length; at++) hash = Math.imul(hash ^ token.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ hash >>> 15, 0x85ebca6b);
  return hash ^ hash >>> 13;
}

function isSameBut(a: readonly string[], b: readonly string[], place: number): boolean {
  return a.length === b.length && a.every((token, at) => at === place || token === b[at]);
}
