/** A real browser for tests: what a page has become once its scripts have run. */
import { fileURLToPath } from "node:url";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The browser's command, or null where there is none, which in CI is an error. */
export async function findChromium(): Promise<string | null> {
  const isCi = Deno.env.get("CI") !== undefined;
  const { state } = await Deno.permissions.query({ name: "run" });
  let reason = "no permission to start processes (deno task test has it)";
  if (state === "granted") {
    for (const name of NAMES) {
      try {
        if ((await new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success) {
          return name;
        }
      } catch {
        // not this one
      }
    }
    reason = "install Debian's chromium";
  }
  const left = `tests in a browser are LEFT OUT: ${reason}`;
  if (isCi && state === "granted") throw new Error(left);
  console.warn(`warning: ${left}`);
  return null;
}

/** The document at `url` after its scripts have run, as HTML. */
export async function documentAt(chromium: string, url: string): Promise<string> {
  const [document] = await documentsAt(chromium, [url]);
  return document;
}

/** As {@link documentAt}, one after the other in one browser. */
export async function documentsAt(chromium: string, urls: readonly string[]): Promise<readonly string[]> {
  const file = fileURLToPath(new URL("./document.ts", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", "--no-check", file, await chromiumPath(chromium), ...urls],
  }).output();
  if (!success) throw new Error(`the browser failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Where the command of {@link findChromium} is, for libraries that want a path. */
export async function chromiumPath(name: string): Promise<string> {
  const { stdout } = await new Deno.Command("which", { args: [name] }).output();
  return new TextDecoder().decode(stdout).trim();
}
