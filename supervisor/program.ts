/** One program kept running: started, asked for its health, ended where it does not answer, started again. */
import { Restarts } from "./restarts.ts";
import { Tail } from "./tail.ts";

export interface ProgramParts {
  readonly name: string;
  /** Starts it, with both outputs piped. */
  readonly spawn: () => Deno.ChildProcess;
  /** Whether it answers; null: it is not asked. */
  readonly isHealthy: (() => Promise<boolean>) | null;
  readonly now: () => number;
  /** Gets all that it prints. */
  readonly print: (text: string) => void;
  readonly onNotice: (message: string) => void;
  /** Called when it was started and when it has ended. */
  readonly onRun: (run: ProgramRun) => void;
  /** Time between two questions for its health, and how many failures in a row end it. */
  readonly checkMs?: number;
  readonly failuresMax?: number;
}

export interface ProgramRun {
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly code: number | null;
  readonly tail: string;
}

const CHECK_MS = 5_000;
/** A minute and more: a start may take as long. */
const FAILURES_MAX = 18;
const STOP_MS = 60_000;

export class SupervisedProgram {
  readonly #parts: ProgramParts;
  readonly #restarts = new Restarts();
  #child: Deno.ChildProcess | null = null;
  #isStopping = false;
  #isHealthy = false;
  #starts = 0;
  #wake: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ProgramParts) {
    this.#parts = parts;
  }

  get status(): {
    readonly name: string;
    readonly isHealthy: boolean;
    readonly isLoop: boolean;
    readonly starts: number;
  } {
    return { name: this.#parts.name, isHealthy: this.#isHealthy, isLoop: this.#restarts.isLoop, starts: this.#starts };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** SIGTERM, and SIGKILL for what does not heed it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake?.();
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), STOP_MS);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { name, now, onNotice, onRun } = this.#parts;
    while (!this.#isStopping) {
      const startedMs = now();
      const { code, tail } = await this.#runOnce(startedMs);
      const endedMs = now();
      onRun({ startedMs, endedMs, code, tail });
      if (this.#isStopping) return;
      const { delayMs, isNewLoop } = this.#restarts.ended(startedMs, endedMs);
      onNotice(`warning: ${name} ended with ${code ?? "a signal"}; it is started again in ${delayMs / 1000} s`);
      if (isNewLoop) onNotice(`error: ${name} ends again and again; its last words: ${tail.trim().slice(-500)}`);
      await this.#pause(delayMs);
    }
  }

  async #runOnce(startedMs: number): Promise<{ code: number | null; tail: string }> {
    const tail = new Tail();
    this.#starts++;
    try {
      const child = this.#parts.spawn();
      this.#child = child;
      this.#parts.onRun({ startedMs, endedMs: null, code: null, tail: "" });
      const reading = [child.stdout, child.stderr].map((stream) => tail.read(stream, this.#parts.print));
      const checks = this.#check();
      const { code, signal } = await child.status;
      checks.stop();
      await Promise.all(reading);
      return { code: signal === null ? code : null, tail: tail.text };
    } catch (error) {
      return { code: null, tail: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#child = null;
      this.#isHealthy = false;
    }
  }

  #check(): { stop(): void } {
    const { name, isHealthy, onNotice, checkMs = CHECK_MS, failuresMax = FAILURES_MAX } = this.#parts;
    if (isHealthy === null) {
      this.#isHealthy = true;
      return { stop: () => {} };
    }
    let failures = 0;
    let isAsking = false;
    const timer = setInterval(async () => {
      if (isAsking) return;
      isAsking = true;
      this.#isHealthy = await isHealthy().catch(() => false);
      isAsking = false;
      failures = this.#isHealthy ? 0 : failures + 1;
      if (failures < failuresMax) return;
      failures = 0;
      onNotice(`error: ${name} does not answer: it is ended`);
      this.#signal("SIGKILL");
    }, checkMs);
    return { stop: () => clearInterval(timer) };
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch {
      // It has just ended by itself.
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
