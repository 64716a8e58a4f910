/**
 * Where things lie in the kernel's memory, which never grows, so that JavaScript's views of it stay good.
 * AssemblyScript; `deno task kernel` compiles this folder into ../kernel_wasm.ts.
 */

/** Per text field: start, end and preference of the name it was found under (i32 each). One more rank: the timestamp's. */
export const STARTS: usize = 0;
export const ENDS: usize = 64;
export const RANKS: usize = 128;
/** Per measure: value (f64), then its rank (i32). */
export const MEASURES: usize = 192;
export const MEASURE_RANKS: usize = 224;
/** The event's time in microseconds (f64). */
export const TIME: usize = 240;
/** Values for JavaScript to read: node, start, end, how it is written (i32 each). */
export const DEFERRED: usize = 256;
export const DEFERRED_MAX: i32 = 64;
/**
 * Minutes met last, by the last digit's low bits: 16 bytes `2026-03-01T10:00`, the instant (f64), 8 spare bytes. In access
 * logs: `01/Mar/2026:10:0`, the instant, the minute's last digit, a spare byte, and ` +0000`.
 */
export const MINUTES: usize = 1280;
export const MINUTES_MASK: i32 = 7;
/** Brackets open in a value that is skipped, a byte each. */
export const OPEN: usize = 1536;
/** Depth of JSON that is read; deeper records are for JavaScript to refuse. */
export const DEPTH_MAX: i32 = 512;
/** 16 bytes of ones, then 16 of zeros (JavaScript puts the ones there): from 16 - n on, a mask of n bytes. */
export const MASKS: usize = 2048;
/** Text fields that are dimensions of a tuple: their number, at most 8, then their slots (i32 each). */
export const TUPLE_FIELDS: usize = 2080;
/** The tuple asked for: the lengths of its values (i32), and the first and last 16 bytes of each. */
export const TUPLE_LENGTHS: usize = 2128;
export const TUPLE_VALUES: usize = 2160;
/** Spans, as in STARTS and ENDS, of values that do not lie in the window, and room for them: positions are addresses. */
export const STAGED_STARTS: usize = 2416;
export const STAGED_ENDS: usize = 2480;
export const STAGE: usize = 2544;
export const STAGE_BYTES: i32 = 512;

/** Where the lane and JavaScript tell each other of a batch; see lane.ts. */
export const LANE: usize = 3072;
/** What the statuses of access logs mean: `INFO`, `WARN`, `ERROR`, 16 bytes each (JavaScript puts them there). */
export const LEVELS: usize = 3200;

/** Nodes of JSON layouts, 64 bytes each; see layout.ts. */
export const NODES: usize = 4096;
export const NODES_MAX: i32 = 1024;
export const LITERALS: usize = 69632;
export const LITERALS_BYTES: i32 = 131072;
/** What lies behind the window may be read together with its end. */
export const WINDOW: usize = 200704;
export const WINDOW_BYTES: i32 = 262144;
/** What the lane counted: twice the cell, plus one for an error (i32), and the measures, as in MEASURES. */
export const ROWS_MAX: i32 = 256;
export const ROW_CELLS: usize = 462976;
export const ROW_VALUES: usize = 464000;
/** Remembered tuples, 512 bytes each, in pairs of 1024; see tuples.ts. A power of two. */
export const TUPLES: usize = 473088;
export const TUPLE_PLACES: i32 = 4096;
// 473 088 + 4 096 × 512 < 40 pages of 65 536.
