/**
 * Compiles assembly/ into kernel_wasm.ts. Run: deno task kernel
 * The compiler has a configuration of its own, so that nobody downloads its 100 MB who only wants to run Millrace.
 */
const COMPILER = "npm:assemblyscript@0.28.20/asc";
const folder = new URL("./assembly/", import.meta.url).pathname;
/** Of the kernel's memory: assembly/memory.ts adds up what it holds. */
const PAGES = 40;
const LINE_LENGTH = 116;

/** The module as the compiler makes it of the sources as they are. */
export async function compileKernel(): Promise<Uint8Array> {
  const out = await Deno.makeTempFile({ suffix: ".wasm" });
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      cwd: folder,
      args: [
        ...["run", "-A", "-q", COMPILER, "index.ts", "--outFile", out],
        ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"],
        ...["--initialMemory", String(PAGES), "--maximumMemory", String(PAGES)],
      ],
    }).output();
    if (code !== 0) throw new Error(`the kernel does not compile:\n${new TextDecoder().decode(stderr)}`);
    return await Deno.readFile(out);
  } finally {
    await Deno.remove(out);
  }
}

/** The source text of kernel_wasm.ts. */
export function textOfKernel(wasm: Uint8Array): string {
  const lines = wasm.toBase64().match(new RegExp(`.{1,${LINE_LENGTH}}`, "g")) ?? [];
  return [
    "/** Made of assembly/ by `deno task kernel`: the WebAssembly module in base64, so that it is part of the program. */",
    `export const KERNEL_WASM = \`\n${lines.join("\n")}\n\`;`,
    "",
  ].join("\n");
}

if (import.meta.main) {
  const wasm = await compileKernel();
  await Deno.writeTextFile(new URL("./kernel_wasm.ts", import.meta.url), textOfKernel(wasm));
  console.log(`kernel_wasm.ts: ${wasm.length} bytes of WebAssembly`);
}
