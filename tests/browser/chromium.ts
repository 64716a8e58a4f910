/** A real browser for tests: what a page has become once its scripts have run. */

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** Time of the page, which passes as fast as its work allows. */
const PAGE_MS = 8_000;

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
export async function documentAt(chromium: string, url: string, width = 1280): Promise<string> {
  const profile = await Deno.makeTempDir({ prefix: "millrace-chromium-" });
  try {
    const { success, stdout, stderr } = await new Deno.Command(chromium, {
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        `--user-data-dir=${profile}`,
        `--window-size=${width},900`,
        `--virtual-time-budget=${PAGE_MS}`,
        "--dump-dom",
        url,
      ],
    }).output();
    if (!success) throw new Error(`the browser failed: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  } finally {
    // The browser's helpers may still be writing there.
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}
