/** What a failed fetch tells about whether the request was sent. */
import { messageOf } from "../../core/errors.ts";

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
