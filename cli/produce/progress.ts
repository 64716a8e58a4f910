/** How far `produce` has come: a bar where a person watches, a plain line now and then where not. */
// @ts-types="./cli_progress.d.ts"
import cliProgress from "cli-progress";
import { formatBytes, formatCount } from "../format.ts";
import type { Terminal } from "../terminal.ts";
import type { Input } from "./input.ts";
import type { StreamProgress } from "./stream.ts";

const LIVE_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;

export interface ProgressDisplay {
  /** Called often; draws as often as is useful. */
  show(progress: Readonly<StreamProgress>): void;
  /** Leaves the terminal as it should be. */
  end(): void;
}

/** The display that suits the terminal and the input. */
export function progressDisplay(terminal: Terminal, input: Input): ProgressDisplay {
  const startMs = performance.now();
  const rate = ({ records }: Readonly<StreamProgress>): string =>
    formatCount(records * 1000 / Math.max(1, performance.now() - startMs));
  if (!terminal.isErrTerminal) {
    return throttled(PLAIN_INTERVAL_MS, (progress) => {
      const of = input.sizeBytes === null ? "" : ` of ${formatBytes(input.sizeBytes)}`;
      const read = `${formatBytes(input.readBytes())}${of} read`;
      terminal.err(`${formatCount(progress.records)} records, ${read}, ${rate(progress)} records/s\n`);
    });
  }
  if (input.sizeBytes === null) {
    const live = throttled(LIVE_INTERVAL_MS, (progress) => {
      const read = formatBytes(input.readBytes());
      terminal.err(`\r\x1b[K${formatCount(progress.records)} records | ${read} | ${rate(progress)} records/s`);
    });
    return { show: live.show, end: () => terminal.err("\r\x1b[K") };
  }
  return bar(input, input.sizeBytes, rate);
}

function bar(input: Input, sizeBytes: number, rate: (progress: Readonly<StreamProgress>) => string): ProgressDisplay {
  const single = new cliProgress.SingleBar({
    format: "{bar} {percentage}% | {records} records | {rate} records/s | ETA {eta_formatted}",
    hideCursor: true,
    clearOnComplete: true,
    barsize: 30,
    etaBuffer: 50,
  }, cliProgress.Presets.shades_classic);
  single.start(Math.max(1, sizeBytes), 0, { records: "0", rate: "0" });
  const { show } = throttled(LIVE_INTERVAL_MS, (progress) => {
    // A file that grows while it is read ends at 100 %.
    const readBytes = Math.min(input.readBytes(), sizeBytes);
    single.update(readBytes, { records: formatCount(progress.records), rate: rate(progress) });
  });
  return { show, end: () => single.stop() };
}

/** Draws at most once an interval, and not before the first has passed: what is over by then needs no progress. */
function throttled(intervalMs: number, draw: (progress: Readonly<StreamProgress>) => void): ProgressDisplay {
  let nextMs = performance.now() + intervalMs;
  return {
    show: (progress) => {
      const nowMs = performance.now();
      if (nowMs < nextMs) return;
      nextMs = nowMs + intervalMs;
      draw(progress);
    },
    end: () => {},
  };
}
