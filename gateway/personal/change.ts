/** Changes of a collection of documents by several at once: each is made to what stands, or made again. */
import type { DocumentPut, Documents } from "../../core/store/ports.ts";
import { Problem } from "../problem.ts";

/** Far more than there are people who change the same thing at the same moment. */
const TRIES = 20;

/**
 * Commits what `change` makes of the entries, beginning anew where somebody was faster; answers what it answered. Throws a
 * Problem (503) where somebody always is.
 */
export async function changeDocuments<T>(
  documents: Documents,
  collection: string,
  change: (entries: ReadonlyMap<string, string>) => { readonly puts: readonly DocumentPut[]; readonly answer: T },
): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { version, entries } = await documents.readDocuments(collection);
    const { puts, answer } = change(entries);
    if (puts.length === 0 || await documents.commitDocuments(collection, version, puts)) return answer;
  }
  throw new Problem(503, "Busy", "others change the same at this moment: try again", { retryAfterSeconds: 1 });
}
