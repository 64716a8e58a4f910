/** Bundles the pages' scripts. The bundles are checked in, so that a gateway starts without a build step. */
import { build, stop } from "esbuild";
import { basename } from "node:path";

/** The script as one minified module. */
export async function bundle(entry: string): Promise<string> {
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      target: "es2022",
      legalComments: "inline",
    });
    return outputFiles[0].text;
  } finally {
    await stop();
  }
}

/** The bundle that an entry is checked in as. */
export function bundlePath(entry: string): URL {
  return new URL(`../pages/${basename(entry, ".ts")}.js`, import.meta.url);
}

if (import.meta.main) {
  for (const entry of Deno.args) {
    await Deno.writeTextFile(bundlePath(entry), await bundle(entry));
  }
}
