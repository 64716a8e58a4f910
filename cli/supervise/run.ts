/** Runs the supervisor until it is told to stop: makes what programs need, keeps them running, heeds the calendar. */
import process from "node:process";
import { Registry } from "prom-client";
import type { TracedConfig } from "../../core/config/load.ts";
import { type Config, topicSettingsOf } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { keepRuns, readRuns, type Run } from "../../core/runs/runs.ts";
import { SupervisedProgram } from "../../supervisor/program.ts";
import { startSchedule } from "../../supervisor/schedules.ts";
import { type Data, isShared, openData } from "../data.ts";
import { programLog } from "../program_log.ts";
import { listenForStop } from "../signals.ts";
import { startStatusServer } from "../status_server.ts";
import type { Terminal } from "../terminal.ts";
import { checkSchedules, SCHEDULE_REMEDY } from "./schedule_checks.ts";
import { runCommand, spawnCommand } from "./commands.ts";

/** Throws INVALID_CONFIG where the store is one process's own. */
export async function runSupervisor(traced: TracedConfig, file: string | null, terminal: Terminal): Promise<void> {
  const { config } = traced;
  if (!isShared(config)) {
    throw new MillraceError(
      "INVALID_CONFIG",
      "a supervisor needs a log and a store that are shared: kafka.brokers and a store that is no file",
      "set KAFKA_BROKERS and CASSANDRA_CONTACT_POINTS, or start `dev`, which has everything in one process",
    );
  }
  const log = programLog("supervisor", terminal);
  const signal = listenForStop(() => log("ended at once; programs that still run are left alone"));
  {
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, log);
    parts.defer(() => data.close());
    await ensureTopics(config, data);
    const keeper = new RunKeeper(data, log);
    await keeper.begin();
    parts.defer(() => keeper.settled());
    const programs = config.supervisor.programs.map((name) => supervised(name, config, file, terminal, keeper, log));
    const server = startStatusServer({ ...config.supervisor, key: "supervisor.port" }, {
      registry: new Registry(),
      reasons: () => programs.flatMap(({ status }) => reasonOf(status)),
      collect: () => {},
    });
    parts.defer(() => server.stop());
    for (const program of programs) program.start();
    parts.defer(async () => void await Promise.all(programs.map((program) => program.stop())));
    for (const schedule of startSchedules(traced, file, keeper, log)) parts.defer(() => schedule.stop());
    log(`supervisor of ${config.supervisor.programs.join(", ") || "nothing"}; health at ${server.url}`);
    log(`${await signal.stopped}: stopping`);
  }
  signal.release();
}

function reasonOf({ name, isHealthy, isLoop }: SupervisedProgram["status"]): string[] {
  if (isHealthy) return [];
  return [`${name}: ${isLoop ? "ends again and again" : "does not answer"}`];
}

/** Topics that the configuration names with a number of partitions. */
async function ensureTopics(config: Config, { log }: Pick<Data, "log">): Promise<void> {
  for (const name of Object.keys(config.topics)) {
    const { partitions = config.log.partitions, format } = topicSettingsOf(config, name);
    await log.createTopic(name, { partitions, format });
  }
}

function supervised(
  name: Config["supervisor"]["programs"][number],
  config: Config,
  file: string | null,
  terminal: Terminal,
  keeper: RunKeeper,
  log: (message: string) => void,
): SupervisedProgram {
  const port =
    { engine: config.engine, gateway: config.gateway, analyzer: config.analyzer, generate: config.generator }[name]
      .port;
  const isHealthy = port === 0 ? null : async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  };
  let id = "";
  return new SupervisedProgram({
    name,
    spawn: () => spawnCommand([name], file),
    isHealthy,
    now: Date.now,
    print: (text) => terminal.err(text),
    onNotice: log,
    onRun: ({ startedMs, endedMs, code, tail }) => {
      if (endedMs === null) id = `${startedMs}-${name}-${process.pid}`;
      const status = endedMs === null ? "running" : code === 0 ? "succeeded" : "failed";
      keeper.keep({ id, name, kind: "program", status, startedMs, endedMs, code, tail });
    },
  });
}

/** As the commands end that a fault of the configuration keeps from running. */
const INVALID_STATUS = 2;

/** Starts the schedules that can be run; a fault of one is told, is a failed run of it, and stops nothing else. */
function startSchedules(
  traced: TracedConfig,
  file: string | null,
  keeper: RunKeeper,
  log: (message: string) => void,
): { stop(): Promise<void> }[] {
  const nowMs = Date.now();
  return checkSchedules(traced, nowMs).flatMap(({ name, cron, timeZone, run, faults }) => {
    if (faults.length === 0) {
      return [startSchedule({
        cron,
        timeZone,
        run: () => runScheduled(name, run, file, keeper, log),
        onSkip: () => log(`warning: schedule ${name}: its last run is not over; this one is left out`),
      })];
    }
    const tail = `error: ${faults.join("\n       ")}\n  help: ${SCHEDULE_REMEDY}`;
    log(`${tail}; all else goes on without it`);
    keeper.keep({ ...newRun(name, nowMs), status: "failed", endedMs: nowMs, code: INVALID_STATUS, tail });
    return [];
  });
}

/** A run of a schedule that begins. */
function newRun(name: string, startedMs: number): Run {
  return {
    ...{ id: `${startedMs}-${name}-${process.pid}`, name, kind: "schedule", status: "running" },
    ...{ startedMs, endedMs: null, code: null, tail: "" },
  };
}

async function runScheduled(
  name: string,
  args: readonly string[],
  file: string | null,
  keeper: RunKeeper,
  log: (message: string) => void,
): Promise<void> {
  const run = newRun(name, Date.now());
  keeper.keep(run);
  const { code, tail } = await runCommand(args, file);
  const status = code === 0 ? "succeeded" : "failed";
  keeper.keep({ ...run, status, endedMs: Date.now(), code, tail });
  log(code === 0 ? `schedule ${name}: done` : `error: schedule ${name} ended with ${code}: ${tail.trim().slice(-300)}`);
}

/** Puts runs into the store one after the other; what fails is told, and stops nothing. */
class RunKeeper {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly data: Pick<Data, "store">, private readonly log: (message: string) => void) {}

  /** What a supervisor before left as running is lost. */
  async begin(): Promise<void> {
    const left = (await readRuns(this.data.store)).filter(({ status }) => status === "running");
    if (left.length > 0) await keepRuns(this.data.store, left.map((run) => ({ ...run, status: "lost" as const })));
  }

  keep(run: Run): void {
    this.#last = this.#last.then(() => keepRuns(this.data.store, [run])).catch((error) =>
      this.log(`warning: a run of ${run.name} is not kept: ${messageOf(error)}`)
    );
  }

  settled(): Promise<void> {
    return this.#last;
  }
}
