/** Python with the packages of requirements files beside this one, in environments that are made once, out of the repository. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canRunPrograms } from "../program_process.ts";
import { pythonEnvironment } from "../services/python.ts";
import { isInstalled } from "../services/run.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/**
 * Runs scripts of this directory with the packages of `requirements`; null where there is no Python, which is said, and
 * an error in CI.
 */
export async function pythonForTests(requirements: string): Promise<Python | null> {
  const reason = !canRunPrograms
    ? "no permission to start processes (deno task test has it)"
    : await isInstalled("python3", "--version")
    ? null
    : "python3 is not installed";
  if (reason === null) return new Python(await interpreterWith(requirements));
  const left = `tests that need Python are LEFT OUT: ${reason}`;
  if (Deno.env.get("CI") !== undefined) throw new Error(left);
  console.warn(`warning: ${left}`);
  return null;
}

/** Path of the interpreter of an environment with the packages of a requirements file. */
async function interpreterWith(requirements: string): Promise<string> {
  const lines = (await Deno.readTextFile(join(here, requirements))).split("\n");
  const packages = lines.map((line) => line.replace(/#.*/, "").trim()).filter((line) => line !== "");
  return join(await pythonEnvironment(packages), "python");
}

export class Python {
  constructor(private readonly interpreter: string) {}

  /** Runs a script with `input` on its standard input; answers what it printed. Throws where it failed. */
  async run(script: string, args: readonly string[], input = ""): Promise<string> {
    const child = new Deno.Command(this.interpreter, {
      args: [join(here, script), ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writing = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}); // it may end without reading all
    const { code, stdout, stderr } = await child.output();
    await writing;
    if (code !== 0) {
      throw new Error(`${script} ${args.join(" ")} ended with ${code}:\n${new TextDecoder().decode(stderr)}`);
    }
    return new TextDecoder().decode(stdout);
  }
}
