/** How many threads DuckDB gives to a statement. */

/** The other cores are for the engine's workers, and every statement has a thread of its own anyway. */
const CORES_PER_THREAD = 4;

/** The number asked for; where that is 0, one for every four cores of this machine. */
export function threadsOf({ threads }: { readonly threads: number }): number {
  return threads === 0 ? Math.max(1, Math.floor(navigator.hardwareConcurrency / CORES_PER_THREAD)) : threads;
}
