/** The implementations of the partitioned log: one line each. */
import { EmbeddedReader } from "./embedded_reader.ts";
import type { PartitionReader, ReaderSpec } from "./partitioned_log.ts";

export { openEmbeddedLog } from "./embedded.ts";

const readers: { [Kind in ReaderSpec["kind"]]: (spec: Extract<ReaderSpec, { kind: Kind }>) => PartitionReader } = {
  embedded: (spec) => new EmbeddedReader(spec.directory, spec.partition, spec.ends),
};

/** Opens the reader that `spec` describes, in whichever thread this is called. */
export function openReader(spec: ReaderSpec): PartitionReader {
  return readers[spec.kind](spec);
}
