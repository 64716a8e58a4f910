/** Two processes on one store: the second is refused, and takes nothing from the first. */
import { expect } from "expect";
import { openDuckDbStore } from "../../core/store/duckdb.ts";

const open = (directory: string) => openDuckDbStore({ directory, memoryBytes: 128 * 1_048_576, threads: 2 });

/** Another process that holds a store open until it is told to end. */
async function otherProcess(directory: string): Promise<AsyncDisposable> {
  const script = `
    import { openDuckDbStore } from ${JSON.stringify(new URL("../../core/store/duckdb.ts", import.meta.url).href)};
    await openDuckDbStore({ directory: ${JSON.stringify(directory)}, memoryBytes: 128 * 1048576, threads: 1 });
    console.log("open");
    await Deno.stdin.read(new Uint8Array(1));
    Deno.exit(0);`;
  const file = `${await Deno.makeTempDir()}/holder.ts`;
  await Deno.writeTextFile(file, script);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-check", "--config", config, file],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const said = new TextDecoder().decode((await reader.read()).value);
  if (said.trim() !== "open") throw new Error(`the other process said ${JSON.stringify(said)}`);
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
      await Deno.remove(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    },
  };
}

Deno.test("duckdb store: while another process has it open it is refused, and that one's files stay", async () => {
  const directory = await Deno.makeTempDir({ prefix: "millrace-lock-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  stack.use(await otherProcess(directory));
  const files = [`${directory}/exports/running.csv`, `${directory}/staging/rows-1.parquet`];
  for (const file of files) await Deno.writeTextFile(file, "in use");
  await expect(open(directory)).rejects.toMatchObject({
    name: "MillraceError",
    code: "DATA_LOCKED",
    message: expect.stringContaining(`${directory}/store.duckdb`),
  });
  for (const file of files) expect(await Deno.readTextFile(file)).toBe("in use");
});
