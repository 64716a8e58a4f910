import { expect } from "expect";
import { join } from "node:path";
import { lockDataDirectory } from "./data_lock.ts";

async function withDirectory(check: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await check(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a locked data directory is refused with the holder's process id, until it is released", async () => {
  await withDirectory(async (directory) => {
    const lock = await lockDataDirectory(directory);
    const error = await lockDataDirectory(directory).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "MillraceError", code: "DATA_LOCKED" });
    expect(error.message).toContain(`process ${Deno.pid}`);
    lock.release();
    lock.release();
    (await lockDataDirectory(directory)).release();
  });
});

Deno.test("a data directory that does not exist is made, and one that cannot be is refused", async () => {
  await withDirectory(async (directory) => {
    (await lockDataDirectory(join(directory, "a", "b"))).release();
    await Deno.writeTextFile(join(directory, "file"), "");
    await expect(lockDataDirectory(join(directory, "file"))).rejects.toMatchObject({ code: "FILE_UNAVAILABLE" });
  });
});
