/** The embedded log and the lock of its directory when a process is killed: these tests start processes of their own. */
import { expect } from "expect";
import { lockDataDirectory } from "../../core/log/data_lock.ts";
import { openEmbeddedLog, openReader } from "../../core/log/registry.ts";
import { batchOf, readAll, testSettings, texts } from "../../core/log/test_batches.ts";

const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

async function withDirectory(check: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await check(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "a process killed while appending has kept every batch that it had answered",
  ignore: !canRun,
  fn: () =>
    withDirectory(async (dataDirectory) => {
      const script = new URL("./appending_process.ts", import.meta.url).pathname;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script, dataDirectory],
        stdout: "piped",
      }).spawn();
      let answered = 0;
      let isKilled = false;
      const decoder = new TextDecoder();
      for await (const chunk of child.stdout) {
        const lines = decoder.decode(chunk, { stream: true }).trim().split("\n");
        answered = Math.max(answered, ...lines.slice(0, -1).map(Number));
        if (answered >= 300 && !isKilled) {
          child.kill("SIGKILL");
          isKilled = true;
        }
      }
      await child.status;
      const log = await openEmbeddedLog({ dataDirectory, settings: testSettings });
      const [topic] = await log.listTopics();
      const reader = openReader(log.readerSpec(topic, 0));
      const values = texts(await readAll(reader));
      expect(values.length).toBeGreaterThan(answered);
      expect(values).toEqual(values.map((_, index) => `record ${index}`));
      expect(await log.append(topic, 0, batchOf("after"))).toBe(values.length);
      reader.close();
      await log.close();
    }),
});

Deno.test({
  name: "the lock of a process that was killed is free",
  ignore: !canRun,
  fn: () =>
    withDirectory(async (directory) => {
      const module = new URL("../../core/log/data_lock.ts", import.meta.url).href;
      const script = `import { lockDataDirectory } from "${module}";
        await lockDataDirectory(Deno.args[0]); console.log("locked"); setInterval(() => {}, 1000);`;
      const child = new Deno.Command(Deno.execPath(), { args: ["eval", script, directory], stdout: "piped" }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      const error = await lockDataDirectory(directory).catch((thrown) => thrown);
      expect(error.message).toContain(`process ${child.pid}`);
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      (await lockDataDirectory(directory)).release();
    }),
});
