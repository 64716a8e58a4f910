/** Bundles the dashboard's script. The bundle is checked in, so that a gateway starts without a build step. */
import { build, stop } from "esbuild";

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

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../pages/dashboard.js", import.meta.url), await bundle(Deno.args[0]));
}
