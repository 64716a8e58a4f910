/** Exports of a DuckDB store, with the hours of minutes that it keeps ready for them. */
import { messageOf } from "../errors.ts";
import type { ReadSnapshot } from "./duckdb_cells.ts";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { type ExportParts, exportTable } from "./duckdb_export.ts";
import type { MinuteSegments } from "./duckdb_minute_segments.ts";
import { ReadyHours, type ReadyHoursLimits } from "./duckdb_ready_hours.ts";
import type { Segments } from "./duckdb_segments.ts";
import type { Export, ExportQuery } from "./ports.ts";

const READY_BYTES = 1024 * 1_048_576;

export interface ExporterOptions {
  /** The store's. */
  readonly directory: string;
  /** A snapshot in which `minutes` are whole. */
  readonly read: ReadSnapshot;
  /** What hours that are ready for exports may take up on disk; 0: there are none; absent: 1 GiB. */
  readonly readyBytes?: number;
  readonly readyHours?: ReadyHoursLimits;
  readonly onNotice: (text: string) => void;
}

export class Exporter {
  readonly #parts: ExportParts;
  readonly #minuteSegments: MinuteSegments;
  readonly #ready: ReadyHours;

  constructor(
    connections: DuckDbConnections,
    segments: Segments,
    minuteSegments: MinuteSegments,
    { directory, read, readyBytes = READY_BYTES, readyHours, onNotice }: ExporterOptions,
  ) {
    this.#minuteSegments = minuteSegments;
    this.#parts = { connections, segments, directory: `${directory}/exports` };
    this.#ready = new ReadyHours({
      directory: `${directory}/ready`,
      bytesMax: readyBytes,
      read,
      exportAnew: (query, look) =>
        exportTable(this.#parts, query, async (connection) => {
          await minuteSegments.show(connection);
          await look(connection);
        }),
      onFailure: (error) =>
        onNotice(`hours could not be made ready for exports: ${messageOf(error)}; this is tried again`),
      ...readyHours,
    });
  }

  /** Throws FILE_UNAVAILABLE. */
  start(): Promise<void> {
    return this.#ready.start();
  }

  stop(): Promise<void> {
    return this.#ready.stop();
  }

  export(query: ExportQuery): Promise<Export> {
    const parts = { ...this.#parts, ready: this.#ready };
    return exportTable(parts, query, (connection) => this.#minuteSegments.show(connection));
  }
}
