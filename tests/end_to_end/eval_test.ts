/** `eval` as a user runs it. */
import { expect } from "expect";
import { canRunPrograms, startProgram } from "../program_process.ts";

function evalTest(name: string, run: (directory: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !canRunPrograms,
    async fn() {
      const directory = await Deno.makeTempDir({ prefix: "millrace-eval-" });
      try {
        await run(directory);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}

async function writeSystem(directory: string, csv: string): Promise<void> {
  await Deno.mkdir(`${directory}/Mill`);
  await Deno.writeTextFile(`${directory}/Mill/Mill_2k.log_structured.csv`, csv);
}

evalTest("figures are printed, written as JSON, and all targets are met", async (directory) => {
  const rows = Array.from(
    { length: 20 },
    (_, n) => `${n},"wheel ${n}, stopped",E1,"wheel <*>, stopped"\n${n},started,E2,started\n`,
  );
  await writeSystem(directory, `LineId,Content,EventId,EventTemplate\n${rows.join("")}`);
  const json = `${directory}/figures.json`;
  const { code, stdout, stderr } = await (await startProgram("eval", ["--loghub", directory, "--json", json])).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("All targets are met.");
  expect(stdout).toMatch(/Mill +1\.000 +1\.000 +1\.000 +1\.000 +1\.000/);
  const figures = JSON.parse(await Deno.readTextFile(json));
  expect(figures.grouping.mean).toEqual({ ga: 1, fga: 1, pa: 1, fta: 1, streamingGa: 1 });
  expect(figures.grouping.calls).toEqual({ asked: 2, kinds: 2, templates: 2 });
  expect(figures.redaction).toMatchObject({ recall: 1, leaked: [], changed: [] });
  expect(figures.flood.identical).toMatchObject({ fingerprints: 1, incidents: 1, summariesAsked: 1, counted: 10_000 });
  expect(figures.injections.obeys.followed).toEqual([]);
  expect(figures.cards).toEqual({ lookedAt: 7, changed: [], made: 2_000, faults: [] });
});

evalTest("a target that is missed is named, and ends the command with 12", async (directory) => {
  const rows = Array.from({ length: 20 }, (_, n) => `${n},wheel ${n} stopped,E${n},wheel ${n} stopped\n`);
  await writeSystem(directory, `LineId,Content,EventId,EventTemplate\n${rows.join("")}`);
  const { code, stdout } = await (await startProgram("eval", ["--loghub", directory])).ended;
  expect(code).toBe(12);
  expect(stdout).toContain("MISSED: mean GA 0.000, at least 0.95 is wanted");
});

evalTest("without Loghub the rest is measured; what is no CSV of it is named", async (directory) => {
  const without = await (await startProgram("eval", ["--loghub", `${directory}/none`])).ended;
  expect(without).toMatchObject({ code: 0, stdout: expect.stringContaining(`left out: ${directory}/none has no`) });
  await writeSystem(directory, "a,b\n1,2\n");
  const wrong = await (await startProgram("eval", ["--loghub", directory])).ended;
  expect(wrong).toMatchObject({ code: 8, stderr: expect.stringContaining("not a CSV with the columns") });
});
