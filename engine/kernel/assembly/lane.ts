/**
 * The lane of usual records: walks a record batch, scans each value, and finds the cell that it counts in, up to a record
 * that is not usual. That one is left to JavaScript, scanned as far as it is; a call from there for each record took a
 * quarter of its time.
 */
import { findTuple } from "./tuples";
import { scan } from "./records";
import { getBase } from "./scan";
import { ENDS, LANE, MEASURES, ROW_CELLS, ROW_VALUES, ROWS_MAX, STARTS, TIME, WINDOW } from "./memory";

// Places in LANE: what JavaScript says. Positions are the window's.
const WINDOW_END: usize = 0;
const BATCH_END: usize = 4;
const LAST_OFFSET_DELTA: usize = 8;
const RECORD_BYTES_MAX: usize = 12;
const SERIAL: usize = 16;
const HAS_ONE_TIMESTAMP: usize = 20;
const BASE_OFFSET: usize = 24;
const BASE_TIMESTAMP_MS: usize = 32;
/** Records below it are not for the cells. */
const FIRST_OFFSET: usize = 40;
const MINUTE_START: usize = 48;
const FUTURE_MICROS: usize = 56;
const LATENESS_MICROS: usize = 64;
// What both say: where the walk stands, and the watermark.
const WATERMARK: usize = 72;
const AT: usize = 80;
const REMAINING: usize = 84;
const PREVIOUS_DELTA: usize = 88;
// What the lane says: of its rows, and of the record that it stopped at.
const ROWS: usize = 92;
const LATE: usize = 96;
const VALUE_START: usize = 100;
const VALUE_END: usize = 104;
const ANSWER: usize = 108;
const RECORD_TIME_MS: usize = 112;

/** Why it stopped: no records, no room for rows, the window's end, a record to be read, a record that was scanned. */
const STOP_END: i32 = 0;
const STOP_FULL: i32 = 1;
const STOP_WINDOW: i32 = 2;
const STOP_UNREAD: i32 = 3;
const STOP_SCANNED: i32 = 4;

const MICROS_PER_MINUTE: f64 = 60_000_000;

/** After the number that was read last; 0 where it is malformed, or longer than is usual. */
let after: usize = 0;

/** A zig-zag number of up to four bytes. */
function varint(at: usize, limit: usize): i32 {
  let raw = 0;
  for (let i = 0; i < 4 && at + i < limit; i++) {
    const byte = <i32>load<u8>(at + i);
    raw |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      after = at + i + 1;
      return (raw >>> 1) ^ -(raw & 1);
    }
  }
  after = 0;
  return 0;
}

/** Goes on with the batch that LANE describes; answers why it stopped. */
export function run(): i32 {
  const batchEnd = WINDOW + <usize>load<i32>(LANE, BATCH_END);
  const windowEnd = WINDOW + <usize>load<i32>(LANE, WINDOW_END);
  const limit = min(batchEnd, windowEnd);
  const recordBytesMax = load<i32>(LANE, RECORD_BYTES_MAX);
  const lastOffsetDelta = load<i32>(LANE, LAST_OFFSET_DELTA);
  const serial = load<i32>(LANE, SERIAL);
  const hasOneTimestamp = load<i32>(LANE, HAS_ONE_TIMESTAMP) != 0;
  const baseTimestampMs = load<f64>(LANE, BASE_TIMESTAMP_MS);
  const minuteStart = load<f64>(LANE, MINUTE_START);
  const minuteEnd = minuteStart + MICROS_PER_MINUTE;
  const futureMicros = load<f64>(LANE, FUTURE_MICROS);
  const latenessMicros = load<f64>(LANE, LATENESS_MICROS);
  const firstDelta = load<f64>(LANE, FIRST_OFFSET) - load<f64>(LANE, BASE_OFFSET);
  const toAddress = <i32>WINDOW - getBase();
  let watermark = load<f64>(LANE, WATERMARK);
  let late = 0;
  let rows = 0;
  let stop = STOP_END;
  while (load<i32>(LANE, REMAINING) > 0) {
    if (rows == ROWS_MAX) {
      stop = STOP_FULL;
      break;
    }
    const start = WINDOW + <usize>load<i32>(LANE, AT);
    stop = readHeader(start, limit, batchEnd, windowEnd);
    if (stop != STOP_SCANNED) break;
    const value = valueStart;
    const valueEnd = value + <usize>valueBytes;
    if (
      valueBytes < 0 || valueBytes > recordBytesMax || valueEnd >= recordEnd ||
      offsetDelta <= load<i32>(LANE, PREVIOUS_DELTA) || offsetDelta > lastOffsetDelta || <f64>offsetDelta < firstDelta
    ) {
      stop = STOP_UNREAD;
      break;
    }
    const recordTimeMs = hasOneTimestamp ? baseTimestampMs : baseTimestampMs + <f64>timestampDelta;
    const answer = scan(<i32>(value - WINDOW), <i32>(valueEnd - WINDOW));
    store<i32>(LANE, <i32>(recordEnd - WINDOW), AT);
    store<i32>(LANE, load<i32>(LANE, REMAINING) - 1, REMAINING);
    store<i32>(LANE, offsetDelta, PREVIOUS_DELTA);
    store<f64>(LANE, recordTimeMs, RECORD_TIME_MS);
    const micros = load<f64>(TIME);
    // Comparisons with NaN are false.
    let found = -1;
    if (
      answer == 0 && micros >= minuteStart && micros < minuteEnd && micros <= recordTimeMs * 1000 + futureMicros
    ) found = findTuple(serial, STARTS, ENDS, toAddress);
    if (found < 0) {
      store<i32>(LANE, <i32>(value - WINDOW), VALUE_START);
      store<i32>(LANE, <i32>(valueEnd - WINDOW), VALUE_END);
      store<i32>(LANE, answer, ANSWER);
      break;
    }
    // A late event's whole minute lies behind the watermark.
    if (minuteEnd <= watermark) late++;
    watermark = max(watermark, micros - latenessMicros);
    store<i32>(ROW_CELLS + (<usize>rows << 2), found);
    const values = ROW_VALUES + (<usize>rows << 5);
    v128.store(values, v128.load(MEASURES));
    v128.store(values, v128.load(MEASURES, 16), 16);
    rows++;
    stop = STOP_END;
  }
  store<f64>(LANE, watermark, WATERMARK);
  store<i32>(LANE, late, LATE);
  store<i32>(LANE, rows, ROWS);
  return stop;
}

// What readHeader found.
let recordEnd: usize = 0;
let timestampDelta: i32 = 0;
let offsetDelta: i32 = 0;
let valueStart: usize = 0;
let valueBytes: i32 = 0;

/** What stands before a record's value (core/log/record_batch.ts); STOP_SCANNED where it is all there and usual. */
function readHeader(start: usize, limit: usize, batchEnd: usize, windowEnd: usize): i32 {
  const failure = batchEnd > windowEnd ? STOP_WINDOW : STOP_UNREAD;
  const length = varint(start, limit);
  if (after == 0) return failure;
  recordEnd = after + <usize>length;
  if (length < 1 || recordEnd > batchEnd) return STOP_UNREAD;
  if (recordEnd > windowEnd) return STOP_WINDOW;
  timestampDelta = varint(after + 1, recordEnd);
  if (after == 0) return STOP_UNREAD;
  offsetDelta = varint(after, recordEnd);
  if (after == 0) return STOP_UNREAD;
  const keyBytes = varint(after, recordEnd);
  if (after == 0 || keyBytes < -1 || keyBytes > <i32>(recordEnd - after)) return STOP_UNREAD;
  valueBytes = varint(after + <usize>max(keyBytes, 0), recordEnd);
  if (after == 0) return STOP_UNREAD;
  valueStart = after;
  return STOP_SCANNED;
}
