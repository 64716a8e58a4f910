import { expect } from "expect";
import { fileURLToPath } from "node:url";

Deno.test("the checked-in bundle is what its sources give (deno task dashboard writes it)", async () => {
  const file = new URL("../gateway/pages/dashboard.js", import.meta.url);
  // In a process of its own: the bundler keeps a child and its handles.
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      'import { bundle } from "./gateway/dashboard/build.ts"; await Deno.stdout.write(new TextEncoder().encode(await bundle("gateway/dashboard/main.ts")));',
    ],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stderr: "inherit",
  }).output();
  expect(success).toBe(true);
  expect(new TextDecoder().decode(stdout) === await Deno.readTextFile(file)).toBe(true);
});
