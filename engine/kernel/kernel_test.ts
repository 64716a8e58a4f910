import { expect } from "expect";
import { compileKernel, textOfKernel } from "./build.ts";
import { Kernel } from "./kernel.ts";

/** The compiler is a process; without the permission to start one the test is left out (deno task test has it). */
const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

Deno.test({
  name: "the module in the program is what its sources compile to",
  ignore: !canRun,
  fn: async () => {
    const text = await Deno.readTextFile(new URL("./kernel_wasm.ts", import.meta.url));
    expect(text === textOfKernel(await compileKernel()) ? "the same" : "run deno task kernel").toBe("the same");
  },
});

Deno.test("what the kernel holds does not overlap, and lies in its memory", () => {
  const kernel = new Kernel();
  const at = (name: string) => kernel.constant(name);
  // As assembly/memory.ts lists them; a place without a size of its own reaches to the next.
  const regions: [string, number][] = [
    ["STARTS", 64],
    ["ENDS", 64],
    ["RANKS", 64],
    ["MEASURES", 32],
    ["MEASURE_RANKS", 12],
    ["TIME", 8],
    ["DEFERRED", 16 * at("DEFERRED_MAX")],
    ["MINUTES", 32 * (at("MINUTES_MASK") + 1)],
    ["OPEN", at("DEPTH_MAX")],
    ["MASKS", 32],
    ["TUPLE_FIELDS", 36],
    ["TUPLE_LENGTHS", 32],
    ["TUPLE_VALUES", 8 * 32],
    ["STAGED_STARTS", 64],
    ["STAGED_ENDS", 64],
    ["STAGE", at("STAGE_BYTES")],
    ["LANE", 128],
    ["LEVELS", 48],
    ["NODES", 64 * at("NODES_MAX")],
    ["LITERALS", at("LITERALS_BYTES")],
    ["WINDOW", at("WINDOW_BYTES")],
    ["ROW_CELLS", 4 * at("ROWS_MAX")],
    ["ROW_VALUES", 32 * at("ROWS_MAX")],
    ["TUPLES", 512 * at("TUPLE_PLACES")],
  ];
  let end = 0;
  for (const [name, sizeBytes] of regions) {
    expect({ name, isFree: at(name) >= end }).toEqual({ name, isFree: true });
    end = at(name) + sizeBytes;
  }
  expect(kernel.bytes.length).toBeGreaterThanOrEqual(end);
});

Deno.test("a record that is longer than the window, and one whose buffer has changed, are told apart from those before", () => {
  const kernel = new Kernel();
  const bytes = new Uint8Array(kernel.constant("WINDOW_BYTES") + 1).fill(0x20);
  expect(kernel.scan(bytes, 0, bytes.length)).toBe(-1);
  bytes.set(new TextEncoder().encode("[]"));
  const first = kernel.scan(bytes, 0, 2);
  bytes.set(new TextEncoder().encode("{}"));
  kernel.forget();
  expect(first).toBe(-2);
  expect(kernel.scan(bytes, 0, 2)).toBe(-2);
  expect(kernel.holds(bytes)).toBe(true);
});
