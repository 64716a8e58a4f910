/** An engine as a process that is killed, stopped and started again. */
import { projectRoot, taskCommand } from "../task_command.ts";

const READY_LIMIT_MS = 90_000;

/** Figures of an engine's /metrics that the faults are judged by. */
export interface EngineFigures {
  readonly conflicts: number;
  readonly flushes: number;
  readonly flushErrors: number;
}

export class EngineProcess {
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<{ code: number; output: string }>;
  #output = "";
  #url: string | null = null;
  #isOver = false;
  /** As last seen while it lived. */
  figures: EngineFigures = { conflicts: 0, flushes: 0, flushErrors: 0 };

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    const reading = this.#read(child.stderr);
    this.#ended = (async () => {
      const { code } = await child.status;
      this.#isOver = true;
      await reading;
      return { code, output: this.#output };
    })();
  }

  /** Starts one; it need not have joined yet. */
  static async start(env: Readonly<Record<string, string>>): Promise<EngineProcess> {
    const task = await taskCommand("engine");
    const child = new Deno.Command(Deno.execPath(), {
      args: [...task.args, "--port", "0"],
      cwd: projectRoot,
      env: { ...task.env, ...env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new EngineProcess(child);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#output += decoder.decode(bytes, { stream: true });
      this.#url ??= this.#output.match(/health and metrics at (http:\/\/[\d.:]+)/)?.[1] ?? null;
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get output(): string {
    return this.#output;
  }

  signal(name: Deno.Signal): void {
    if (!this.#isOver) this.#child.kill(name);
  }

  /** Waits until it has joined the group and can do its work. */
  async ready(): Promise<void> {
    const giveUpMs = Date.now() + READY_LIMIT_MS;
    while (!this.#isOver && Date.now() < giveUpMs) {
      if (this.#url !== null && await answers(`${this.#url}/readyz`)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`an engine did not become ready:\n${this.#output}`);
  }

  /** Reads its figures, if it answers. */
  async look(): Promise<void> {
    if (this.#url === null || this.#isOver) return;
    try {
      const response = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(1_000) });
      const text = await response.text();
      const figure = (name: string) =>
        Number(text.match(new RegExp(`^millrace_engine_${name}_total (\\d+)`, "m"))?.[1]);
      this.figures = {
        conflicts: figure("conflicts"),
        flushes: figure("flushes"),
        flushErrors: figure("flush_errors"),
      };
    } catch {
      // It is stopped, dying or starting.
    }
  }

  ended(): Promise<{ code: number; output: string }> {
    return this.#ended;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
