/**
 * Forms that were met lately, found by their characters before a string is made of them: a string, its hash and its look-up
 * take a third of the time of a whole message (bench/patterns). A form is found by a hash and then by every character,
 * since who writes logs can make two of the same hash.
 */

/** Templates in use at a time, of one service and level, are rarely more. */
const SLOTS = 1 << 10;
/** Longer forms are not remembered: what one tree keeps here stays below two megabytes. */
const FORM_CHARS_MAX = 1_000;

interface Slot<T> {
  pairs: Uint32Array;
  size: number;
  value: T;
}

/** A form of `size` characters, two to a number; an odd one has a zero beside it. */
interface Form {
  readonly pairs: Uint32Array;
  readonly size: number;
}

export class RecentForms<T> {
  #slots: (Slot<T> | undefined)[] = new Array(SLOTS);

  /** The value of a form; undefined where it is not remembered. */
  find({ pairs, size }: Form): T | undefined {
    const slot = this.#slots[slotOf(pairs, size)];
    if (slot === undefined || slot.size !== size) return undefined;
    const { pairs: known } = slot;
    const length = (size + 1) >> 1;
    for (let at = 0; at < length; at++) if (known[at] !== pairs[at]) return undefined;
    return slot.value;
  }

  /** Remembers a form's value, in the place of one that was there. */
  remember({ pairs, size }: Form, value: T): void {
    if (size > FORM_CHARS_MAX) return;
    const at = slotOf(pairs, size);
    const slot = this.#slots[at];
    const length = (size + 1) >> 1;
    if (slot === undefined || slot.pairs.length < length) {
      this.#slots[at] = { pairs: pairs.slice(0, length), size, value };
      return;
    }
    slot.pairs.set(pairs.subarray(0, length));
    slot.size = size;
    slot.value = value;
  }

  clear(): void {
    this.#slots = new Array(SLOTS);
  }
}

/** By a hash of all characters: FNV-1a by two characters at a time, then mixed, since few of its bits are used. */
function slotOf(pairs: Uint32Array, size: number): number {
  const length = (size + 1) >> 1;
  let hash = size;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ pairs[at], 0x01000193);
  hash = Math.imul(hash ^ hash >>> 15, 0x85ebca6b);
  return (hash ^ hash >>> 13) & (SLOTS - 1);
}
