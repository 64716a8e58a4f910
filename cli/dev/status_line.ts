/** How `dev` is doing: one line that lives at the bottom of a terminal, or a plain line now and then. */
import { messageOf } from "../../core/errors.ts";
import type { Engine } from "../../engine/main.ts";
import { formatBytes, formatCount, formatPlural } from "../format.ts";
import type { Data } from "../data.ts";
import { styled, type Terminal } from "../terminal.ts";
import { lagOf } from "./lag.ts";

const LIVE_INTERVAL_MS = 1_000;
const PLAIN_INTERVAL_MS = 10_000;
const CLEAR_LINE = "\r\x1b[K";

export interface StatusSources {
  readonly data: Pick<Data, "log" | "store">;
  readonly engine: Pick<Engine, "status">;
}

export class StatusLine {
  #line = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #last = { records: 0, atMs: performance.now() };

  constructor(private readonly terminal: Terminal) {}

  /** Prints a line of its own, above the status. */
  print(message: string): void {
    const time = new Date().toISOString().slice(11, 19);
    this.#clear();
    this.terminal.out(`${styled(this.terminal, "dim", time)} ${message}\n`);
    this.#draw();
  }

  /** Shows the status from now on, until {@link end}. */
  start(sources: StatusSources): void {
    const intervalMs = this.terminal.isOutTerminal ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS;
    const again = (): void => {
      this.#timer = setTimeout(async () => {
        // Asked for one after the other: a busy store must not be asked more, the busier it is.
        await this.#update(sources);
        if (!this.#isOver) again();
      }, intervalMs);
    };
    again();
  }

  /** No status any more; called again, it does nothing. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#clear();
    this.#line = "";
  }

  async #update({ data, engine }: StatusSources): Promise<void> {
    let line: string;
    try {
      const { recordsTotal, isHealthy, lastError } = engine.status();
      const lag = await lagOf(data);
      const topics = (await data.log.listTopics()).length;
      const nowMs = performance.now();
      const rate = (recordsTotal - this.#last.records) * 1000 / (nowMs - this.#last.atMs);
      this.#last = { records: recordsTotal, atMs: nowMs };
      line = statusText({ rate, recordsTotal, lag, topics, rssBytes: Deno.memoryUsage().rss });
      if (!isHealthy && lastError !== null) line += ` | last error: ${lastError}`;
    } catch (error) {
      line = `status: ${messageOf(error)}`;
    }
    if (this.#isOver) return;
    if (this.terminal.isOutTerminal) {
      this.#clear();
      this.#line = line;
      this.#draw();
    } else this.print(line);
  }

  #clear(): void {
    if (this.#line !== "") this.terminal.out(CLEAR_LINE);
  }

  #draw(): void {
    // A line that wraps could not be cleared.
    if (this.#line !== "") this.terminal.out(this.#line.slice(0, this.terminal.columns() - 1));
  }
}

/** The figures of one status. */
export interface StatusFigures {
  readonly rate: number;
  readonly recordsTotal: number;
  readonly lag: number;
  readonly topics: number;
  readonly rssBytes: number;
}

export function statusText({ rate, recordsTotal, lag, topics, rssBytes }: StatusFigures): string {
  return `${formatCount(rate)} events/s | ${formatPlural(recordsTotal, "record")} | lag ${formatCount(lag)} | ` +
    `${formatPlural(topics, "topic")} | ${formatBytes(rssBytes)} memory`;
}
