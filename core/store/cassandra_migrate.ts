/** The migration of Cassandra's tables as a command runs it. */
import type { Config } from "../config/schema.ts";
import { MillraceError } from "../errors.ts";
import { asCassandraError, connectCassandra } from "./cassandra_access.ts";
import { CASSANDRA_SCHEMA_VERSION, migrateCassandra } from "./cassandra_schema.ts";

/** Migrates, and answers what was done in words. Throws INVALID_CONFIG where no Cassandra is configured. */
export async function migrateStore(config: Config, onNotice: (text: string) => void): Promise<string> {
  const { cassandra: access, store } = config;
  if (access.contactPoints.length === 0) {
    throw new MillraceError(
      "INVALID_CONFIG",
      "cassandra.contactPoints is empty: there is nothing to migrate (the embedded store migrates itself)",
      "set CASSANDRA_CONTACT_POINTS",
    );
  }
  const client = await connectCassandra(access, onNotice);
  try {
    const retention = { minutesDays: store.minutesRetentionDays, eventsDays: store.eventsRetentionDays };
    const before = await migrateCassandra(client, access, retention);
    const where = `keyspace ${access.keyspace} at ${access.contactPoints.join(", ")}`;
    if (before === null) return `made ${where}, version ${CASSANDRA_SCHEMA_VERSION}`;
    return before === CASSANDRA_SCHEMA_VERSION
      ? `${where} is of version ${before}: nothing to do`
      : `brought ${where} from version ${before} to ${CASSANDRA_SCHEMA_VERSION}`;
  } catch (error) {
    throw asCassandraError(error, access, "migrating");
  } finally {
    await client.shutdown();
  }
}
