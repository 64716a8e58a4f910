/** The tables of the DuckDB store, and their version. */
import { DIMENSIONS, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";

/** 2: events and quarantine have `width_bytes`. 3: they lie in segments. 4: minutes may, too. */
export const SCHEMA_VERSION = 4;

/** Columns of one measure in a row of minutes, in the order in which they are appended. */
export const MEASURE_COLUMNS = MEASURES.flatMap(({ name }) => [
  `${name}_count BIGINT`,
  `${name}_sum BIGINT`,
  `${name}_min BIGINT`,
  `${name}_max BIGINT`,
  `${name}_m2 DOUBLE`,
  `${name}_sketch BLOB`,
]);

/** A field's column: some fields are words of SQL. */
export function column(field: string): string {
  return `"${field}"`;
}

// The big tables have no index: without one a checkpoint gives back the space of rows that later flushes replaced.
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
  CREATE TABLE IF NOT EXISTS units (
    topic_id VARCHAR, part INTEGER, bucket INTEGER, upto BIGINT NOT NULL, writer VARCHAR NOT NULL,
    touched_ms BIGINT NOT NULL,
    PRIMARY KEY (topic_id, part, bucket)
  );
  CREATE TABLE IF NOT EXISTS partitions (
    topic_id VARCHAR, part INTEGER, checkpoint BIGINT NOT NULL, writer VARCHAR NOT NULL, watermark_ms BIGINT,
    consumed BIGINT NOT NULL, events BIGINT NOT NULL, unparsed BIGINT NOT NULL, late BIGINT NOT NULL,
    clock_bad BIGINT NOT NULL,
    PRIMARY KEY (topic_id, part)
  );
  CREATE TABLE IF NOT EXISTS ledger (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
  CREATE TABLE IF NOT EXISTS collections (name VARCHAR PRIMARY KEY, version BIGINT NOT NULL);
  CREATE TABLE IF NOT EXISTS documents (
    collection VARCHAR, key VARCHAR, value VARCHAR NOT NULL, PRIMARY KEY (collection, key)
  );
  CREATE TABLE IF NOT EXISTS gaps (topic_id VARCHAR, part INTEGER, start_offset BIGINT, end_offset BIGINT);
  CREATE TABLE IF NOT EXISTS minutes (
    topic_id VARCHAR, part INTEGER, minute INTEGER, from_offset BIGINT,
    ${DIMENSIONS.map((name) => `${column(name)} VARCHAR`).join(", ")},
    count BIGINT, errors BIGINT, ${MEASURE_COLUMNS.join(", ")}
  );
  CREATE TABLE IF NOT EXISTS segments (
    file VARCHAR, "table" VARCHAR, topic_id VARCHAR, level INTEGER, rows BIGINT, first_group INTEGER, groups INTEGER,
    file_bytes BIGINT, first_us BIGINT, last_us BIGINT, last_record_ms BIGINT
  );
  -- The columns of the segments; these two tables themselves have no rows.
  CREATE TABLE IF NOT EXISTS events (
    topic_id VARCHAR, part INTEGER, "offset" BIGINT, ts TIMESTAMP, record_time TIMESTAMP,
    ${TEXT_FIELDS.map((name) => `${column(name)} VARCHAR`).join(", ")},
    ${MEASURES.map(({ name }) => `${name} BIGINT`).join(", ")},
    raw VARCHAR, raw_bytes BLOB, width_bytes INTEGER
  );
  CREATE TABLE IF NOT EXISTS quarantine (
    topic_id VARCHAR, part INTEGER, "offset" BIGINT, record_time TIMESTAMP, reason VARCHAR, raw BLOB,
    width_bytes INTEGER
  );
`;

/** Gives the tables of version 1 the columns of version 2; without effect on others. */
export const WIDTHS_MIGRATION = `
  ALTER TABLE events ADD COLUMN IF NOT EXISTS width_bytes INTEGER;
  ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS width_bytes INTEGER;
  UPDATE events SET width_bytes = (strlen(raw) + coalesce(octet_length(raw_bytes), 0))::INTEGER
    WHERE width_bytes IS NULL;
  UPDATE quarantine SET width_bytes = octet_length(raw)::INTEGER WHERE width_bytes IS NULL;
`;
