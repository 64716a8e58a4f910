/** Starts services that outlive whoever started them, finds those that run, and ends them by their process id. */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { freePorts } from "../free_ports.ts";
import { isInstalled, run } from "./run.ts";
import { SERVICES_DIRECTORY } from "./paths.ts";
import type { Service } from "./service.ts";

const state = z.object({
  pid: z.int(),
  /** When the process began, as ps tells it: another process may have got the number since. */
  began: z.string(),
  directory: z.string(),
  access: z.record(z.string(), z.string()),
});
export type Running = z.infer<typeof state>;

const READY_LIMIT_MS = 180_000;
const POLL_MS = 200;
const STOP_LIMIT_MS = 30_000;

const stateFile = (name: string) => join(SERVICES_DIRECTORY, "state", `${name}.json`);

/** The service as it runs, or null. */
export async function findRunning(name: string): Promise<Running | null> {
  try {
    const found = state.parse(JSON.parse(await Deno.readTextFile(stateFile(name))));
    return await beganOf(found.pid) === found.began ? found : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function beganOf(pid: number): Promise<string> {
  return (await run("ps", ["-o", "lstart=", "-p", String(pid)])).output.trim();
}

/** Why services cannot be started on this machine; null where they can. */
export async function missingTool(): Promise<string | null> {
  if (!await isInstalled("java", "-version")) return "Java 17 is not installed";
  if (!await isInstalled("mvn", "-version")) return "Maven is not installed";
  return null;
}

/** Starts the service, or finds it running; resolves when it answers. One process at a time does so. */
export async function up(service: Service): Promise<Running> {
  await Deno.mkdir(join(SERVICES_DIRECTORY, "state"), { recursive: true });
  using lock = await Deno.open(join(SERVICES_DIRECTORY, "state", `${service.name}.lock`), {
    write: true,
    create: true,
  });
  await lock.lock(true);
  const found = await findRunning(service.name);
  if (found !== null) return found;
  const directory = join(SERVICES_DIRECTORY, "run", service.name);
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  await Deno.mkdir(directory, { recursive: true });
  const { command, args, access } = await service.prepare({ directory, ports: freePorts(service.ports) });
  return await start(service, directory, { command, args, access });
}

/** Starts again what {@link up} had started and something killed: the same directory, ports and access. */
export async function restart(service: Service, { directory, access }: Running): Promise<Running> {
  const { command, args } = launch.parse(JSON.parse(await Deno.readTextFile(join(directory, "launch.json"))));
  return await start(service, directory, { command, args, access });
}

const launch = z.object({ command: z.string(), args: z.array(z.string()) });

async function start(
  service: Service,
  directory: string,
  { command, args, access }: { command: string; args: readonly string[]; access: Running["access"] },
): Promise<Running> {
  await Deno.writeTextFile(join(directory, "launch.json"), JSON.stringify({ command, args }));
  const logFile = join(directory, "out.log");
  const output = openSync(logFile, "a");
  const child = spawn(command, [...args], { cwd: directory, detached: true, stdio: ["ignore", output, output] });
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${service.name}: ${command} could not be started`);
  const began = await beganOf(pid);
  const giveUpMs = Date.now() + READY_LIMIT_MS;
  while (!await service.isReady(access)) {
    const isGone = await beganOf(pid) !== began;
    if (isGone || Date.now() > giveUpMs) {
      if (!isGone) endHard(pid);
      const log = (await Deno.readTextFile(logFile)).split("\n").slice(-20).join("\n");
      throw new Error(`${service.name} ${isGone ? "ended" : "does not answer"}; the end of ${logFile}:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const running: Running = { pid, began, directory, access };
  const temporary = `${stateFile(service.name)}.${Deno.pid}`;
  await Deno.writeTextFile(temporary, JSON.stringify(running));
  await Deno.rename(temporary, stateFile(service.name));
  return running;
}

/** Ends it, in order if it can, and removes what it wrote. False where it did not run. */
export async function down(name: string): Promise<boolean> {
  const found = await findRunning(name);
  if (found !== null) {
    Deno.kill(found.pid, "SIGTERM");
    const giveUpMs = Date.now() + STOP_LIMIT_MS;
    while (await beganOf(found.pid) === found.began) {
      if (Date.now() > giveUpMs) Deno.kill(found.pid, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await Deno.remove(found.directory, { recursive: true });
  }
  await Deno.remove(stateFile(name)).catch(() => {});
  return found !== null;
}

/** It may have ended by itself meanwhile. */
function endHard(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
