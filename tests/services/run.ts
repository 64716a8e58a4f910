/** Commands that are waited for. */

/** Runs a command to its end. Throws, in words, where there is no such command. */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  /** Where it is started; absent: here. */
  cwd?: string,
): Promise<{ readonly code: number; readonly output: string }> {
  const running = new Deno.Command(command, {
    args: [...args],
    env,
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await running.output().catch((error) => {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${command} is not installed`);
    throw error;
  });
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** True where the command can be started at all. */
export async function isInstalled(command: string, versionFlag: string): Promise<boolean> {
  return await run(command, [versionFlag]).then(({ code }) => code === 0, () => false);
}
