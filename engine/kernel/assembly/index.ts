/** What JavaScript sees of the kernel. */
export {
  DEFERRED,
  DEFERRED_MAX,
  DEPTH_MAX,
  ENDS,
  LANE,
  LITERALS,
  LITERALS_BYTES,
  MASKS,
  MEASURE_RANKS,
  MEASURES,
  MINUTES,
  MINUTES_MASK,
  NODES,
  NODES_MAX,
  RANKS,
  ROW_CELLS,
  ROW_VALUES,
  ROWS_MAX,
  STAGE,
  STAGE_BYTES,
  STAGED_ENDS,
  STAGED_STARTS,
  STARTS,
  TIME,
  TUPLE_FIELDS,
  WINDOW,
  WINDOW_BYTES,
} from "./memory";
export { run } from "./lane";
export { getStopAt, getStopNode, resume, scan, setBase } from "./scan";
export { findTuple, putTuple } from "./tuples";
