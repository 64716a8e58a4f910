/** Numbers as people read them. */

/** 12500 as "12 500", 5000 as "5000"; fractions are rounded away. */
export function formatCount(count: number): string {
  const digits = Math.round(count).toString();
  return digits.length <= 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, " ");
}

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1234567 as "1.2 MB": powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 would print as 1000.0: it belongs to the next unit.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}

/** 35 as "35 ms", 400 as "0.4 s", 75000 as "1 min 15 s", 7 260 000 as "2 h 1 min". */
export function formatDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}

/** "1 record", "12 500 records". */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
