/** Commands as processes of their own, each with the permissions of its task in deno.json. */
import { fileURLToPath } from "node:url";
import { Tail } from "../../supervisor/tail.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * This very program where it may be run. The task permits what `deno` is on the PATH, which is another name of it where that
 * is a link, as npm and Homebrew make one.
 */
function denoToRun(): string {
  const path = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command: path }).state === "granted" ? path : "deno";
}

/** Starts `deno task COMMAND ...`, with the same file of configuration. */
export function spawnCommand(args: readonly string[], file: string | null): Deno.ChildProcess {
  const [task, ...rest] = args;
  const config = file === null ? [] : ["--config", file];
  return new Deno.Command(denoToRun(), {
    args: ["task", "-q", "--config", `${root}deno.json`, "--cwd", Deno.cwd(), task, ...rest, ...config],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs it to its end; answers its status (null: ended by a signal, or never started) and the end of what it printed. */
export async function runCommand(args: readonly string[], file: string | null) {
  const tail = new Tail();
  try {
    const child = spawnCommand(args, file);
    await Promise.all([child.stdout, child.stderr].map((stream) => tail.read(stream, () => {})));
    const { code, signal } = await child.status;
    return { code: signal === null ? code : null, tail: tail.text };
  } catch (error) {
    return { code: null, tail: error instanceof Error ? error.message : String(error) };
  }
}
