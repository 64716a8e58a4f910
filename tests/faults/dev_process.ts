/** Runs `dev` as a child process on a data directory of its own, to be killed. */
import { projectRoot, taskCommand } from "./task_command.ts";

const START_TIMEOUT_MS = 60_000;

export interface DevProcess {
  readonly url: string;
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** The exit status, and what was printed on both streams. */
  readonly ended: Promise<{ code: number; output: string }>;
}

export interface DevOptions {
  readonly data: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `dev` and resolves once its gateway answers. */
export async function startDev({ data, flags = [], env = {} }: DevOptions): Promise<DevProcess> {
  await Deno.remove(`${data}/gateway.json`).catch(() => {}); // what a killed process left behind
  const task = await taskCommand("dev");
  const child = new Deno.Command(Deno.execPath(), {
    args: [...task.args, "--data", data, "--port", "0", ...flags],
    cwd: projectRoot,
    env: { KAFKA_BROKERS: "", CASSANDRA_CONTACT_POINTS: "", ...task.env, ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output().then(({ code, stdout, stderr }) => ({
    code,
    output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
  }));
  let isOver = false;
  void ended.then(() => isOver = true);
  const giveUp = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < giveUp && !isOver) {
    const url = await gatewayUrl(data, child.pid);
    if (url !== null) return { url, pid: child.pid, kill: (signal) => child.kill(signal), ended };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (!isOver) child.kill("SIGKILL");
  throw new Error(`dev did not start:\n${(await ended).output}`);
}

async function gatewayUrl(data: string, pid: number): Promise<string | null> {
  try {
    const gateway: unknown = JSON.parse(await Deno.readTextFile(`${data}/gateway.json`));
    if (typeof gateway !== "object" || gateway === null || !("url" in gateway) || !("pid" in gateway)) return null;
    if (gateway.pid !== pid || typeof gateway.url !== "string") return null;
    const response = await fetch(`${gateway.url}/healthz`);
    await response.body?.cancel();
    return response.ok ? gateway.url : null;
  } catch {
    return null;
  }
}

/** Polls until `check` answers true. The limit only ends a test that has failed. */
export async function eventually(what: string, check: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const giveUp = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > giveUp) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
