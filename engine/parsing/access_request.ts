/** The request line of an access log: method, target, protocol, as far as it has them. */
import { type EventFields, SLOT } from "../../core/minutes/fields.ts";

const SPACE = 0x20;
const MINUS = 0x2d;
const METHOD_BYTES_MAX = 32;

/**
 * Reads the request bytes[start, end). The target is all between method and protocol, spaces included; HTTP/0.9 has
 * no protocol. An empty request or `-` has none of the three. What begins with no method (a TLS handshake sent to the
 * plain port, say) is kept whole as the message.
 */
export function readRequest(bytes: Uint8Array, start: number, end: number, out: EventFields): void {
  let from = start;
  let to = end;
  while (from < to && bytes[from] === SPACE) from++;
  while (to > from && bytes[to - 1] === SPACE) to--;
  if (from === to || (to - from === 1 && bytes[from] === MINUS)) return;
  const methodEnd = endOfMethod(bytes, from, to);
  if (methodEnd < 0) {
    set(out, SLOT.message, from, to);
    return;
  }
  set(out, SLOT.method, from, methodEnd);
  from = methodEnd;
  while (from < to && bytes[from] === SPACE) from++;
  let last = to;
  while (last > from && bytes[last - 1] !== SPACE) last--;
  if (isProtocol(bytes, last, to)) {
    set(out, SLOT.protocol, last, to);
    to = last;
    while (to > from && bytes[to - 1] === SPACE) to--;
  }
  if (from < to) set(out, SLOT.endpoint, from, to);
}

/** Where the method ends: letters, `-` and `_`, then a space or the end; -1 where it is none. */
function endOfMethod(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE) {
    const letter = bytes[at] | 0x20;
    if ((letter < 0x61 || letter > 0x7a) && bytes[at] !== MINUS && bytes[at] !== 0x5f) return -1;
    at++;
  }
  return at - start <= METHOD_BYTES_MAX ? at : -1;
}

/** True for what begins with `HTTP/`, in any case. */
function isProtocol(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 5 && (bytes[start] | 0x20) === 0x68 && (bytes[start + 1] | 0x20) === 0x74 &&
    (bytes[start + 2] | 0x20) === 0x74 && (bytes[start + 3] | 0x20) === 0x70 && bytes[start + 4] === 0x2f;
}

function set(out: EventFields, slot: number, start: number, end: number): void {
  out.starts[slot] = start;
  out.ends[slot] = end;
}
