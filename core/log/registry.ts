/** The implementations of the partitioned log: one line each. */
import { EmbeddedReader } from "./embedded_reader.ts";
import { KafkaReader } from "./kafka_reader.ts";
import type { PartitionReader, ReaderSpec } from "./partitioned_log.ts";

export { openEmbeddedLog } from "./embedded.ts";
export { openKafkaLog } from "./kafka.ts";

/** Opens the reader that `spec` describes, in whichever thread this is called. */
export function openReader(spec: ReaderSpec): PartitionReader {
  switch (spec.kind) {
    case "embedded":
      return new EmbeddedReader(spec.directory, spec.partition, spec.ends);
    case "kafka":
      return new KafkaReader(spec.access, spec.target);
  }
}
