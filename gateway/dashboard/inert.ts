/** Text from logs, made harmless to look at: whoever writes to a log chooses what is in it. */

/** Controls, and characters that reorder or break what stands around them (Unicode UAX #9). */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with what is not seen, or changes the order of what is, written out as its code, which every font has. */
export function inert(text: string): string {
  return text.replace(UNSEEN, (character) => {
    if (character === "\t" || character === "\n") return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
