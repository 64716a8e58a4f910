/**
 * One partition's records on their way into archived segments: parsed as the aggregator parses them, and gathered by the
 * hour. Pure: no I/O, no clock.
 */
import type { ArchivedRange } from "../../core/archive/chain.ts";
import type { ArchivedTable } from "../../core/archive/keys.ts";
import { EventFields } from "../../core/minutes/fields.ts";
import type { Measure } from "../../core/minutes/fields.ts";
import { encodeEvents, encodeQuarantine, type RecordBlock } from "../../core/store/record_blocks.ts";
import { eventsByHour, quarantineByHour } from "../../core/store/rows_by_hour.ts";
import type { RecordSource } from "../aggregation/record_source.ts";
import { EventRowsBuilder, QuarantineRowsBuilder } from "../aggregation/row_builders.ts";
import type { RecordSink } from "../chunk.ts";
import type { CompiledParser, Reason } from "../parsing/parser.ts";

const HOUR_MS = 3_600_000;

export interface CollectorOptions {
  readonly topicId: string;
  readonly partition: number;
  /** Null: every record goes to quarantine. */
  readonly parser: CompiledParser | null;
  readonly measures: readonly Measure[];
  readonly futureMs: number;
  readonly recordBytesMax: number;
  /** The first offset to collect, and the first one not to. */
  readonly from: number;
  readonly until: number;
}

interface HourFile {
  readonly table: ArchivedTable;
  readonly bucket: number;
  readonly blocks: RecordBlock[];
}

export class RecordCollector implements RecordSink {
  /** Every record below it is collected. */
  position: number;
  readonly #options: CollectorOptions;
  readonly #fields = new EventFields();
  readonly #events: EventRowsBuilder;
  readonly #quarantine = new QuarantineRowsBuilder();
  readonly #times = { micros: 0, recordTimeMs: 0 };
  readonly #files = new Map<string, HourFile>();
  #encodedBytes = 0;
  #isHolding = false;
  #lastRecordMs = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#events = new EventRowsBuilder(options.measures, true);
    this.position = options.from;
  }

  /** Bytes of records that are not encoded yet, and of those that are. */
  get pendingBytes(): number {
    return this.#events.sizeBytes + this.#quarantine.sizeBytes;
  }

  get encodedBytes(): number {
    return this.#encodedBytes;
  }

  /** Hours that have a file. */
  get hours(): number {
    return this.#files.size;
  }

  /** Largest time in the log of a record so far, epoch milliseconds. */
  get lastRecordMs(): number {
    return this.#lastRecordMs;
  }

  forgetBuffer(): void {
    this.#options.parser?.kernel?.forget();
  }

  passTo(next: number): void {
    this.position = Math.max(this.position, Math.min(next, this.#options.until));
  }

  apply(bytes: Uint8Array, source: RecordSource): null {
    const fields = this.#fields;
    const { until, futureMs } = this.#options;
    while (this.#isHolding || source.next()) {
      const { offset, timestampMs, valueStart, valueEnd } = source;
      if (offset < this.position) continue; // the batch begins before the range
      if (offset >= until) break;
      // A parser may throw for want of a schema: the next call begins with this record then.
      this.#isHolding = true;
      const reason = this.#parse(bytes, source);
      this.#isHolding = false;
      if (timestampMs > this.#lastRecordMs) this.#lastRecordMs = timestampMs;
      if (reason === null) {
        const recordMicros = timestampMs * 1000;
        const isClockBad = !(fields.timestampMicros <= recordMicros + futureMs * 1000);
        this.#times.micros = isClockBad ? recordMicros : fields.timestampMicros;
        this.#times.recordTimeMs = timestampMs;
        this.#events.add(offset, this.#times, bytes, valueStart, valueEnd, fields);
      } else {
        const start = Math.max(0, valueStart);
        this.#quarantine.add(offset, timestampMs, bytes, start, Math.max(start, valueEnd), reason);
      }
      this.position = offset + 1;
    }
    return null;
  }

  #parse(bytes: Uint8Array, { valueStart, valueEnd, timestampMs, reason }: RecordSource): Reason | null {
    const { parser, recordBytesMax } = this.#options;
    if (reason !== undefined) return reason;
    if (valueStart < 0) return "empty";
    if (valueEnd - valueStart > recordBytesMax) return "too_large";
    if (parser === null) return "unknown_format";
    return parser.parse(bytes, valueStart, valueEnd, timestampMs, this.#fields);
  }

  /** Makes row groups of what was collected since the last call. */
  encode(): void {
    const { topicId, partition } = this.#options;
    const events = this.#events.take();
    for (const rows of events === null ? [] : eventsByHour(events)) {
      const bucket = Math.floor(rows.timestampMicros[0] / (HOUR_MS * 1000));
      this.#add("events", bucket, encodeEvents(topicId, partition, rows));
    }
    const quarantine = this.#quarantine.take();
    for (const rows of quarantine === null ? [] : quarantineByHour(quarantine)) {
      const bucket = Math.floor(rows.recordTimesMs[0] / HOUR_MS);
      this.#add("quarantine", bucket, encodeQuarantine(topicId, partition, rows));
    }
  }

  #add(table: ArchivedTable, bucket: number, blocks: readonly RecordBlock[]): void {
    const key = `${table}/${bucket}`;
    let file = this.#files.get(key);
    if (file === undefined) this.#files.set(key, file = { table, bucket, blocks: [] });
    file.blocks.push(...blocks);
    for (const { group } of blocks) this.#encodedBytes += group.bytes.length;
  }

  /** What was collected and encoded, for the archive. */
  files(): ArchivedRange["files"] {
    return [...this.#files.values()];
  }
}
