/** Real processes under supervision: they end, hang, and are started again. */
import { expect } from "expect";
import { type ProgramRun, SupervisedProgram } from "../../supervisor/program.ts";

const script = (code: string): Deno.ChildProcess =>
  new Deno.Command(Deno.execPath(), { args: ["eval", code], stdin: "null", stdout: "piped", stderr: "piped" }).spawn();

/** Supervises until `isEnough` of the runs that ended; answers them and what was told. */
async function supervise(
  code: string,
  isEnough: (ended: readonly ProgramRun[]) => boolean,
  isHealthy: (() => Promise<boolean>) | null = null,
): Promise<{ ended: ProgramRun[]; notices: string[]; starts: number }> {
  const ended: ProgramRun[] = [];
  const notices: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const program = new SupervisedProgram({
    name: "engine",
    spawn: () => script(code),
    isHealthy,
    now: Date.now,
    print: () => {},
    onNotice: (message) => void notices.push(message),
    onRun: (run) => {
      if (run.endedMs !== null) ended.push(run);
      if (isEnough(ended)) resolve();
    },
    checkMs: 20,
    failuresMax: 3,
  });
  program.start();
  await promise;
  await program.stop();
  return { ended, notices, starts: program.status.starts };
}

Deno.test("a program that ends is started again, and its status and last words are kept", async () => {
  const { ended, notices } = await supervise("console.error('no disk left'); Deno.exit(7)", (runs) => runs.length >= 2);
  expect(ended[0]).toMatchObject({ code: 7, tail: expect.stringContaining("no disk left") });
  expect(notices[0]).toBe("warning: engine ended with 7; it is started again in 0.5 s");
});

Deno.test("a program that does not answer is killed and started again", async () => {
  const hang = "await new Promise(() => setInterval(() => {}, 1000))";
  const { ended, notices, starts } = await supervise(hang, (runs) => runs.length >= 1, () => Promise.resolve(false));
  expect(notices[0]).toBe("error: engine does not answer: it is ended");
  expect(ended[0].code).toBe(null);
  expect(starts).toBeGreaterThanOrEqual(1);
});

Deno.test("stopping ends a program in order, and starts none again", async () => {
  const heeds = "Deno.addSignalListener('SIGTERM', () => Deno.exit(0)); console.log('up'); setInterval(() => {}, 1000)";
  const notices: string[] = [];
  const ended: ProgramRun[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const program = new SupervisedProgram({
    name: "gateway",
    spawn: () => script(heeds),
    isHealthy: null,
    now: Date.now,
    print: (text) => text.includes("up") ? resolve() : undefined,
    onNotice: (message) => void notices.push(message),
    onRun: (run) => run.endedMs === null ? undefined : void ended.push(run),
  });
  program.start();
  await promise;
  await program.stop();
  expect(ended.map(({ code }) => code)).toEqual([0]);
  expect(notices).toEqual([]);
});
