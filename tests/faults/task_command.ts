/** What a task of deno.json runs, without the task's own process in between: signals are for the program itself. */
export const projectRoot = new URL("../../", import.meta.url);

export async function taskCommand(task: string): Promise<{ env: Record<string, string>; args: string[] }> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", projectRoot)));
  const words: string[] = tasks[task].command.split(" ");
  const deno = words.indexOf("deno");
  return {
    env: Object.fromEntries(words.slice(0, deno).map((word) => word.split(/=(.*)/s, 2))),
    args: words.slice(deno + 1),
  };
}
