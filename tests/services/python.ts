/** Environments of Python with packages of PyPI, made once by pip itself, out of the repository. */
import { join } from "node:path";
import { SERVICES_DIRECTORY } from "./paths.ts";
import { run } from "./run.ts";

const TRIES = 3;

/**
 * Where the programs of an environment with these packages (as pip takes them) are: `python`, and what packages bring. Its
 * directory is named after the packages: others are another environment.
 */
export async function pythonEnvironment(packages: readonly string[]): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(packages.join("\n")));
  const directory = join(SERVICES_DIRECTORY, "artifacts", `python-${new Uint8Array(digest).toHex().slice(0, 12)}`);
  const programs = join(directory, "bin");
  const ready = join(directory, "ready");
  if (await Deno.stat(ready).then(() => true, () => false)) return programs;
  await runOrThrow("python3", ["-m", "venv", directory]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
  for (let tries = 1;; tries++) {
    try {
      await runOrThrow(join(programs, "python"), pip);
      break;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
  await Deno.writeTextFile(ready, "");
  return programs;
}

async function runOrThrow(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${output}`);
}
