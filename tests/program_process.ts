/** Runs commands of the program as processes of their own, with the flags and permissions of their tasks. */
import { projectRoot, taskCommand } from "./faults/task_command.ts";

/** Whether this run of the tests may start processes: `deno task test` may. */
export const canRunPrograms = (await Deno.permissions.query({ name: "run" })).state === "granted";

export interface RunningProgram {
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** What it has said on its standard error so far. */
  readonly said: string;
  /** What it has printed on its standard output so far. */
  readonly printed: string;
  /** The exit status, and what was printed. */
  readonly ended: Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}

/** Starts a command, on no service but those that `env` names. */
export async function startProgram(
  task: string,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningProgram> {
  const command = await taskCommand(task);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...command.args, ...flags],
    cwd: projectRoot,
    env: { KAFKA_BROKERS: "", CASSANDRA_CONTACT_POINTS: "", ...command.env, ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const listening = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said += text;
  })();
  let printed = "";
  const printing = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) printed += text;
  })();
  const ended = (async () => {
    const [{ code }] = await Promise.all([child.status, printing, listening]);
    return { code, stdout: printed, stderr: said };
  })();
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    get said() {
      return said;
    },
    get printed() {
      return printed;
    },
    ended,
  };
}
