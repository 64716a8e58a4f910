/** A fetch that sends a request once, and what its failure tells about whether the request was sent. */
import { messageOf } from "./errors.ts";

/**
 * Deno sends a request again, POST or not, where a connection that it had used before breaks without an answer. Without
 * idle connections there are none used before.
 */
const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

/** As fetch, on a connection of its own: what the server got, it got once. */
export function fetchOnce(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  return fetch(input, { ...init, client });
}

/** The messages of an error and of what caused it. They may name the URL: not for printing where that is a secret. */
function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let each = error; each !== undefined && each !== null && messages.length < 5;) {
    messages.push(messageOf(each));
    each = each instanceof Error ? each.cause : null;
  }
  return messages.join(": ");
}

/** True where no connection came about (no such host, refused, TLS), so that nothing can have arrived. */
export function isUnsent(error: unknown): boolean {
  return /client error \(Connect\)|ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|Requires net access|are blocked/.test(
    messagesOf(error),
  );
}
