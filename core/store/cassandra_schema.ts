/** The tables in Cassandra, and how they are made and brought up to a version. */
import type { Client } from "cassandra-driver";
import { MillraceError } from "../errors.ts";
import type { CassandraAccess } from "./cassandra_access.ts";

/** Counts up with every change of the tables. 2: there are rollups, and cells tell the flush that they are of. 3: there are documents. */
export const CASSANDRA_SCHEMA_VERSION = 3;

export interface Retention {
  readonly minutesDays: number;
  readonly eventsDays: number;
}

const DAY_SECONDS = 86_400;
/** Windows of compaction that a retention is divided into: more would be many files, fewer would keep them long. */
const WINDOWS = 30;

/** Cassandra's limit is twenty years. */
const TTL_SECONDS_MAX = 20 * 365 * DAY_SECONDS;
const timeToLive = (days: number): number => Math.min(TTL_SECONDS_MAX, Math.ceil(days * DAY_SECONDS));

/** Rows that are deleted together lie together: files of one window of time, which goes as a whole. */
function byTime(days: number): string {
  const ttl = timeToLive(days);
  const hours = Math.max(1, Math.ceil(days * 24 / WINDOWS));
  return `compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'HOURS',
    'compaction_window_size': '${hours}'} AND default_time_to_live = ${ttl} AND gc_grace_seconds = ${DAY_SECONDS}`;
}

/**
 * `units`: Rule 1. The static columns belong to the unit; rows are minute cells (kind 0), or name blocks of events (1)
 * and of quarantined records (2) that the unit's flushes have committed. Only compare-and-set writes them, and
 * `partitions` likewise. `blocks` has the bytes, written before they are named. `unit_index` tells which units there are,
 * by writer, so that clocks of different machines are never compared.
 */
function tables({ minutesDays, eventsDays }: Retention): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS units (
      topic_id text, part int, bucket int, upto bigint static, writer text static, touched_ms bigint static,
      replaced int static, kind tinyint, minute int, from_offset bigint, cell text, flushed_upto bigint, amount bigint, data blob,
      PRIMARY KEY ((topic_id, part, bucket), kind, minute, from_offset, cell)
    ) WITH ${byTime(minutesDays)}`,
    `CREATE TABLE IF NOT EXISTS partitions (
      topic_id text, part int, checkpoint bigint static, writer text static, watermark_ms bigint static,
      consumed bigint static, events bigint static, unparsed bigint static, late bigint static, clock_bad bigint static,
      kind tinyint, minute int, from_offset bigint, cell text, amount bigint, data blob,
      PRIMARY KEY ((topic_id, part), kind, minute, from_offset, cell)
    )`,
    `CREATE TABLE IF NOT EXISTS blocks (
      topic_id text, part int, bucket int, id text, chunk int, data blob,
      PRIMARY KEY ((topic_id, part, bucket), id, chunk)
    ) WITH ${byTime(eventsDays)} AND compression = {'enabled': 'false'}`,
    `CREATE TABLE IF NOT EXISTS unit_index (
      topic_id text, bucket int, part int, writer text, upto bigint, is_flushing boolean, touched_ms bigint,
      PRIMARY KEY ((topic_id), bucket, part, writer)
    ) WITH default_time_to_live = ${timeToLive(minutesDays)}`,
    `CREATE TABLE IF NOT EXISTS rollups (
      topic_id text, level text, bucket int, id text, chunk int, data blob,
      PRIMARY KEY ((topic_id, level, bucket), id, chunk)
    ) WITH default_time_to_live = ${timeToLive(minutesDays)} AND compression = {'enabled': 'false'}`,
    `CREATE TABLE IF NOT EXISTS rollup_index (
      topic_id text, level text, bucket int, pointer text, PRIMARY KEY ((topic_id), level, bucket)
    ) WITH default_time_to_live = ${timeToLive(minutesDays)}`,
    `CREATE TABLE IF NOT EXISTS partition_index (topic_id text, part int, PRIMARY KEY ((topic_id), part))`,
    `CREATE TABLE IF NOT EXISTS topic_index (shard tinyint, topic_id text, PRIMARY KEY ((shard), topic_id))`,
    `CREATE TABLE IF NOT EXISTS ledger (key text PRIMARY KEY, value text)`,
    `CREATE TABLE IF NOT EXISTS documents (
      collection text, version bigint static, key text, value text, PRIMARY KEY ((collection), key)
    )`,
  ];
}

/**
 * Makes the keyspace and what is missing of its tables. Safe to run twice at once: every statement may be repeated, and
 * the version is set by compare-and-set. Answers the version that was there before, null where there was none.
 */
export async function migrateCassandra(
  client: Client,
  access: CassandraAccess,
  retention: Retention,
): Promise<number | null> {
  const { keyspace, replication } = access;
  const run = (statement: string) => client.execute(statement, [], { prepare: false });
  const replicas = replication.map((each) => each.split(":")).map(([dataCenter, count]) => `'${dataCenter}': ${count}`);
  const strategy = replicas.length === 0
    ? "'class': 'SimpleStrategy', 'replication_factor': 1"
    : `'class': 'NetworkTopologyStrategy', ${replicas.join(", ")}`;
  await run(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {${strategy}}`);
  await run(`CREATE TABLE IF NOT EXISTS ${keyspace}.meta (name text PRIMARY KEY, value int)`);
  await lock(client, keyspace);
  try {
    const before = await readVersion(client, keyspace);
    if (before !== null) refuseNewer(before, keyspace);
    for (const statement of tables(retention)) {
      await run(statement.replace("IF NOT EXISTS ", `IF NOT EXISTS ${keyspace}.`));
    }
    if (before !== null && before < 2) await run(`ALTER TABLE ${keyspace}.units ADD IF NOT EXISTS flushed_upto bigint`);
    await setTimesToLive(client, keyspace, retention);
    await setVersion(client, keyspace, before);
    return before;
  } finally {
    await client.execute(`DELETE FROM ${keyspace}.meta WHERE name = 'lock' IF EXISTS`);
  }
}

/** A lock of a process that was killed goes by itself after this. */
const LOCK_SECONDS = 30;
const LOCK_RETRY_MS = 100;

/** Two nodes that make the same table at once may give it two ids: one process at a time does so. */
async function lock(client: Client, keyspace: string): Promise<void> {
  const insert =
    `INSERT INTO ${keyspace}.meta (name, value) VALUES ('lock', 0) IF NOT EXISTS USING TTL ${LOCK_SECONDS}`;
  while (!(await client.execute(insert)).wasApplied()) {
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

/** A retention that was configured anew holds for what is written from now on. */
async function setTimesToLive(client: Client, keyspace: string, retention: Retention): Promise<void> {
  const wanted = new Map([
    ["units", retention.minutesDays],
    ["unit_index", retention.minutesDays],
    ["rollups", retention.minutesDays],
    ["rollup_index", retention.minutesDays],
    ["blocks", retention.eventsDays],
  ]);
  const { rows } = await client.execute(
    "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?",
    [keyspace],
  );
  for (const { table_name: table, default_time_to_live: seconds } of rows) {
    const days = wanted.get(table);
    if (days === undefined || timeToLive(days) === seconds) continue;
    await client.execute(`ALTER TABLE ${keyspace}.${table} WITH default_time_to_live = ${timeToLive(days)}`, [], {
      prepare: false,
    });
  }
}

async function setVersion(client: Client, keyspace: string, before: number | null): Promise<void> {
  const set = `${keyspace}.meta SET value = ? WHERE name = 'version' IF value = ?`;
  await client.execute(`UPDATE ${set}`, [CASSANDRA_SCHEMA_VERSION, before]);
}

async function readVersion(client: Client, keyspace: string): Promise<number | null> {
  const { rows } = await client.execute(`SELECT value FROM ${keyspace}.meta WHERE name = 'version'`);
  return rows.length === 0 ? null : Number(rows[0].value);
}

function refuseNewer(version: number, keyspace: string): void {
  if (version <= CASSANDRA_SCHEMA_VERSION) return;
  throw new MillraceError(
    "NEWER_DATA",
    `Cassandra's keyspace ${keyspace} is of version ${version}, this program knows ${CASSANDRA_SCHEMA_VERSION}`,
    "run the Millrace that wrote it, or a newer one, or name another cassandra.keyspace",
  );
}

/** Throws where the tables are missing, older or newer than this program's. */
export async function checkSchema(client: Client, { keyspace }: CassandraAccess): Promise<void> {
  const { rows } = await client.execute(
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'meta'",
    [keyspace],
  );
  const version = rows.length === 0 ? null : await readVersion(client, keyspace);
  if (version === CASSANDRA_SCHEMA_VERSION) return;
  if (version !== null) refuseNewer(version, keyspace);
  const found = version === null ? "has no tables" : `is of version ${version}, ${CASSANDRA_SCHEMA_VERSION} is needed`;
  throw new MillraceError(
    "REFUSED",
    `Cassandra's keyspace ${keyspace} ${found}, and cassandra.createSchema is false`,
    "run: deno task migrate",
  );
}
