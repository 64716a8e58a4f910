import { expect } from "expect";
import { fileURLToPath } from "node:url";
import { bundlePath } from "../gateway/dashboard/build.ts";
import manifest from "../deno.json" with { type: "json" };

const entries = manifest.tasks.dashboard.command.split(" ").filter((word) => /dashboard\/(?!build)\w+\.ts$/.test(word));

Deno.test("the checked-in bundles are what their sources give (deno task dashboard writes them)", async () => {
  expect(entries.length).toBeGreaterThan(0);
  for (const entry of entries) {
    // In a process of its own: the bundler keeps a child and its handles.
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { bundle } from "./gateway/dashboard/build.ts"; await Deno.stdout.write(new TextEncoder().encode(await bundle("${entry}")));`,
      ],
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      stderr: "inherit",
    }).output();
    const isSame = new TextDecoder().decode(stdout) === await Deno.readTextFile(bundlePath(entry));
    expect({ entry, success, isSame }).toEqual({ entry, success: true, isSame: true });
  }
});
