/** The services that the harness can start. */
import { alertmanager } from "./alertmanager.ts";
import { cassandra, cassandraAuth } from "./cassandra.ts";
import { hdfs } from "./hdfs.ts";
import { kafka } from "./kafka.ts";
import { moto, s3proxy } from "./s3.ts";
import { schemaRegistry } from "./schema_registry.ts";
import type { Service } from "./service.ts";

export const SERVICES: readonly Service[] = [
  kafka,
  cassandra,
  cassandraAuth,
  moto,
  s3proxy,
  hdfs,
  alertmanager,
  schemaRegistry,
];

/** What `up` starts when nothing is named: what the tests of every change need. */
export const USUAL: readonly string[] = ["kafka", "cassandra"];

export function serviceOf(name: string): Service {
  const service = SERVICES.find((known) => known.name === name);
  if (service === undefined) {
    throw new Error(`no service ${name}: there are ${SERVICES.map((known) => known.name).join(", ")}`);
  }
  return service;
}
