/** Text of a log with what was searched for marked. */
import { type ComponentChildren, h } from "preact";
import { inert } from "./inert.ts";

/** Marks in one text at most: a letter may be everywhere. */
const MARKS_MAX = 50;
/** Of a line that is cut anyway. */
const LENGTH_MAX = 2_000;

/** Where `wanted` is in the text, in any case: pieces in turn, the odd ones are marked. Pure. */
export function piecesOf(text: string, wanted: string): string[] {
  if (wanted === "") return [text];
  const [lower, sought] = [text.toLowerCase(), wanted.toLowerCase()];
  // Lower case may have another length (İ): then places would not be the text's own.
  if (lower.length !== text.length) return [text];
  const pieces: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(sought); at >= 0 && pieces.length < 2 * MARKS_MAX; at = lower.indexOf(sought, from)) {
    pieces.push(text.slice(from, at), text.slice(at, at + sought.length));
    from = at + sought.length;
  }
  return [...pieces, text.slice(from)];
}

export function MarkedText({ text, wanted, isShort = false }: {
  readonly text: string;
  readonly wanted: string;
  /** Only what a line has room for. */
  readonly isShort?: boolean;
}): ComponentChildren {
  const shown = isShort ? text.slice(0, LENGTH_MAX) : text;
  return h(
    "bdi",
    null,
    piecesOf(shown, wanted).map((piece, i) => i % 2 === 0 ? inert(piece) : h("mark", null, inert(piece))),
  );
}
