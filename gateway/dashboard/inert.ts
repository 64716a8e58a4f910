/** Text from logs, made harmless to look at: whoever writes to a log chooses what is in it. */

const CONTROL_PICTURES = 0x2400;
const DELETE_PICTURE = "\u2421";
/** Controls, and characters that reorder or break what stands around them (Unicode UAX #9). */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with what is not seen, or changes the order of what is, written out: ESC as ␛, a bidi override as its code. */
export function inert(text: string): string {
  return text.replace(UNSEEN, (character) => {
    if (character === "\t" || character === "\n") return character;
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
    if (code === 0x7f) return DELETE_PICTURE;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
