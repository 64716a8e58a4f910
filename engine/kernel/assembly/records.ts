/** Which format the kernel's records have: it is made for one. */
import { scanAccess } from "./access";
import { scanJson } from "./scan";
import { STARTS } from "./memory";

let isAccess: bool = false;

export function setAccess(): void {
  isAccess = true;
}

/** Reads the record at [start, end) of the window: see {@link scanJson} and {@link scanAccess}. */
export function scan(start: i32, end: i32): i32 {
  const absent = i32x4.splat(-1);
  v128.store(STARTS, absent);
  v128.store(STARTS, absent, 16);
  v128.store(STARTS, absent, 32);
  v128.store(STARTS, absent, 48);
  return isAccess ? scanAccess(start, end) : scanJson(start, end);
}
