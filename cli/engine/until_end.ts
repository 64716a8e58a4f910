/** Processes what the topics hold at the start, and says what it took. */
import process from "node:process";
import { readChain } from "../../core/archive/chain.ts";
import type { Config } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { startEngine } from "../../engine/main.ts";
import type { WorkerThreads } from "../../engine/worker_threads.ts";
import { type Data, membershipOf, openData } from "../data.ts";
import { programLog } from "../program_log.ts";
import { csvFiles, minutePublisher } from "../publishing.ts";
import { listenForStop } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { watchForOthers } from "./sharing.ts";

/** How often those partitions are asked for that other engines may have. */
const POLL_MS = 200;

/** What is still to be stored of one partition. */
interface Goal {
  readonly topic: Topic;
  readonly partition: number;
  readonly end: number;
}

/**
 * Resolves when every record that the topics held at the start is stored, by this engine or another, or when it is told to
 * stop. Prints one line of JSON.
 */
export async function runUntilEnd(config: Config, threads: WorkerThreads, terminal: Terminal): Promise<void> {
  const log = programLog("engine", terminal);
  const signal = listenForStop();
  await using parts = new AsyncDisposableStack();
  parts.defer(() => signal.release());
  const data = await openData(config, log);
  parts.defer(() => data.close());
  const goals = await goalsOf(data);
  const unarchived = await unarchivedOf(data);
  const startMs = performance.now();
  const cpuBefore = process.cpuUsage();
  let records = 0;
  const isDone = Promise.withResolvers<void>();
  const reached = (key: string, at: number) => {
    const goal = goals.get(key);
    if (goal !== undefined && at >= goal.end) goals.delete(key);
    if (goals.size + unarchived.size === 0) isDone.resolve();
  };
  const archived = (key: string, to: number) => {
    const goal = unarchived.get(key);
    if (goal !== undefined && to >= goal.end) unarchived.delete(key);
    if (goals.size + unarchived.size === 0) isDone.resolve();
  };
  if (goals.size + unarchived.size > 0) {
    const engine = await startEngine({
      config,
      log: data.log,
      membership: await membershipOf(data, config, log),
      store: data.store,
      threads,
      archive: data.archive,
      archivesAtEnd: true,
      onNotice: log,
      onFlush: ({ topicId, partition, at, totals }) => {
        records += totals.consumed;
        reached(keyOf(topicId, partition), at);
      },
      onArchived: ({ topicId, partition, to }) => archived(keyOf(topicId, partition), to),
    });
    parts.defer(() => engine.stop());
    parts.use(watchForOthers(config, data, engine, log));
    const ask = async () => {
      await askStore(data, goals, reached);
      for (const [key, { topic, partition }] of unarchived) {
        archived(key, (await readChain(data.store, { topicId: topic.id, partition }))?.from ?? 0);
      }
    };
    const asking = setInterval(() => void ask().catch(() => {}), POLL_MS); // asked again
    parts.defer(() => clearInterval(asking));
    await Promise.race([isDone.promise, signal.stopped]);
    await minutePublisher(config, data, engine, log)?.tick();
    await csvFiles(config, data, engine, log)?.tick();
  }
  const seconds = (performance.now() - startMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  terminal.out(
    JSON.stringify({
      records,
      seconds,
      recordsPerSecond: seconds === 0 ? 0 : Math.round(records / seconds),
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    }) + "\n",
  );
}

const keyOf = (topicId: string, partition: number) => `${topicId}/${partition}`;

/** Partitions that hold more than is archived. */
async function unarchivedOf({ archive, log, store }: Data): Promise<Map<string, Goal>> {
  const goals = new Map<string, Goal>();
  for (const topic of archive === null ? [] : await log.listTopics()) {
    for (const { partition, start, end } of await log.ends(topic)) {
      const chain = await readChain(store, { topicId: topic.id, partition });
      if (Math.max(start, chain?.from ?? 0) < end) goals.set(keyOf(topic.id, partition), { topic, partition, end });
    }
  }
  return goals;
}

/** Partitions that hold more than is stored. */
async function goalsOf({ log, store }: Data): Promise<Map<string, Goal>> {
  const goals = new Map<string, Goal>();
  for (const topic of await log.listTopics()) {
    const stored = new Map(
      (await store.partitions(topic.id)).map(({ partition, checkpoint }) => [partition, checkpoint]),
    );
    for (const { partition, start, end } of await log.ends(topic)) {
      if (Math.max(start, stored.get(partition) ?? 0) < end) {
        goals.set(keyOf(topic.id, partition), { topic, partition, end });
      }
    }
  }
  return goals;
}

/** Others may have stored what is waited for. */
async function askStore(
  { store }: Data,
  goals: ReadonlyMap<string, Goal>,
  reached: (key: string, at: number) => void,
): Promise<void> {
  for (const topicId of new Set([...goals.values()].map(({ topic }) => topic.id))) {
    for (const { partition, checkpoint } of await store.partitions(topicId)) {
      reached(keyOf(topicId, partition), checkpoint);
    }
  }
}
