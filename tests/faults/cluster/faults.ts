/**
 * Rule 1 on real servers: several engines share a topic while they are killed, frozen beyond their sessions and made to
 * rebalance, while the broker is killed and the store stops answering. What is stored afterwards has to equal a recount.
 */
import { configSchema } from "../../../core/config/schema.ts";
import type { PartitionedLog, Topic } from "../../../core/log/partitioned_log.ts";
import { openKafkaLog } from "../../../core/log/registry.ts";
import { randomFrom } from "../../simulation/delivery_simulator.ts";
import { findRunning, restart } from "../../services/manager.ts";
import { serviceOf } from "../../services/registry.ts";
import { EngineProcess } from "./engine_process.ts";
import { type Recount, recount } from "./recount.ts";
import { writeTraffic } from "./traffic.ts";

export interface FaultPlan {
  readonly seed: number;
  readonly records: number;
  /** How long the records are spread over, and with them the faults. */
  readonly seconds: number;
  readonly partitions: number;
  readonly engines: number;
  readonly kills: number;
  /** Freezes that last longer than a session, each followed by a thaw. */
  readonly freezes: number;
  readonly rebalanceSeconds: number;
  readonly brokerKills: number;
  /** How long the store stands still; 0: never. */
  readonly storeStopSeconds: number;
}

export interface FaultReport {
  readonly topic: Topic;
  readonly truth: Recount;
  readonly unacknowledged: number;
  readonly kills: number;
  readonly freezes: number;
  readonly rebalances: number;
  readonly brokerKills: number;
  /** Flushes that the store refused, because another engine had been there, as far as they were seen. */
  readonly fenced: number;
  readonly flushes: number;
  readonly flushErrors: number;
  /** Outputs of engines that ended by themselves. */
  readonly failures: readonly string[];
}

const SESSION_MS = 3_000;
const FREEZE_MS = 5_000;
const REBALANCE_MS = 2_000;
const LOOK_MS = 500;
const SETTLE_LIMIT_MS = 240_000;

/** How the engines reach the servers: what is added to their environment. */
export type EngineEnvironment = Readonly<Record<string, string>>;

export async function runFaults(
  plan: FaultPlan,
  brokers: string,
  environment: EngineEnvironment,
  /** How far every partition of the topic is stored, in all. */
  storedTo: (topicId: string) => Promise<number>,
  say: (text: string) => void,
): Promise<FaultReport> {
  const name = `faults-${plan.seed}-${crypto.randomUUID().slice(0, 8)}`;
  const access =
    configSchema.parse({ kafka: { brokers: brokers.split(","), compression: "gzip", topics: [name] } }).kafka;
  const log = await openKafkaLog({ access, recordBytesMax: 1 << 20 });
  try {
    const topic = await log.createTopic(name, { partitions: plan.partitions });
    const run = new FaultRun(plan, environmentOf(environment, brokers, name), say);
    const writing = writeTraffic(log, topic, plan);
    await run.start();
    await run.harm();
    const { unacknowledged } = await writing;
    say("faults are over; engines catch up");
    await run.settle(log, topic, storedTo);
    await run.stop();
    const truth = await recount(brokers.split(","), name);
    return { topic, truth, unacknowledged, ...run.report() };
  } finally {
    await log.close();
  }
}

function environmentOf(environment: EngineEnvironment, brokers: string, topic: string): EngineEnvironment {
  return {
    KAFKA_BROKERS: brokers,
    MILLRACE_KAFKA_TOPICS: topic,
    MILLRACE_KAFKA_GROUP_ID: topic,
    MILLRACE_KAFKA_SESSION_TIMEOUT_MS: String(SESSION_MS),
    MILLRACE_KAFKA_HEARTBEAT_INTERVAL_MS: "500",
    MILLRACE_KAFKA_REBALANCE_TIMEOUT_MS: "6000",
    MILLRACE_KAFKA_COMPRESSION: "gzip",
    MILLRACE_ENGINE_WORKERS: "2",
    ...environment,
  };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class FaultRun {
  readonly #plan: FaultPlan;
  readonly #environment: EngineEnvironment;
  readonly #say: (text: string) => void;
  readonly #random: () => number;
  readonly #engines: EngineProcess[] = [];
  /** Engines that ended or were ended: their figures still count. */
  readonly #past: EngineProcess[] = [];
  readonly #failures: string[] = [];
  readonly #done = { kills: 0, freezes: 0, rebalances: 0, brokerKills: 0 };
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor(plan: FaultPlan, environment: EngineEnvironment, say: (text: string) => void) {
    this.#plan = plan;
    this.#environment = environment;
    this.#say = say;
    this.#random = randomFrom(plan.seed ^ 0x5eed);
  }

  async start(): Promise<void> {
    for (let i = 0; i < this.#plan.engines; i++) this.#engines.push(await EngineProcess.start(this.#environment));
    await Promise.all(this.#engines.map((engine) => engine.ready()));
    this.#looking = setInterval(() => void this.#look(), LOOK_MS);
  }

  async #look(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.look()));
  }

  /** All faults of the plan, spread over its time in an order that the seed decides. */
  async harm(): Promise<void> {
    const { seconds, kills, freezes, brokerKills, storeStopSeconds, rebalanceSeconds } = this.#plan;
    const faults: (() => Promise<void>)[] = [
      ...Array.from({ length: kills }, () => () => this.#kill()),
      ...Array.from({ length: freezes }, () => () => this.#freeze()),
      ...Array.from({ length: brokerKills }, () => () => this.#killBroker()),
      ...(storeStopSeconds > 0 ? [() => this.#stopStore(storeStopSeconds)] : []),
      ...(rebalanceSeconds > 0 ? [() => this.#rebalance(rebalanceSeconds)] : []),
    ];
    for (let i = faults.length - 1; i > 0; i--) {
      const k = Math.floor(this.#random() * (i + 1));
      [faults[i], faults[k]] = [faults[k], faults[i]];
    }
    const restMs = seconds * 1000 / Math.max(1, faults.length);
    const startMs = performance.now();
    for (const [i, fault] of faults.entries()) {
      await fault();
      const aheadMs = (i + 1) * restMs - (performance.now() - startMs);
      if (aheadMs > 0) await pause(aheadMs * this.#random() * 2);
    }
  }

  async #kill(): Promise<void> {
    const at = Math.floor(this.#random() * this.#engines.length);
    const engine = this.#engines[at];
    await engine.look();
    if (engine.isOver) this.#failures.push(engine.output);
    engine.signal("SIGKILL");
    await engine.ended();
    this.#past.push(engine);
    this.#engines[at] = await EngineProcess.start(this.#environment);
    this.#done.kills++;
  }

  /** While it sleeps, others take over what it holds; when it wakes, it does not know. */
  async #freeze(): Promise<void> {
    const engine = this.#engines[Math.floor(this.#random() * this.#engines.length)];
    engine.signal("SIGSTOP");
    await pause(FREEZE_MS);
    engine.signal("SIGCONT");
    this.#done.freezes++;
  }

  /** Other engines come and go, one every {@link REBALANCE_MS}; each stays for two of these. */
  async #rebalance(seconds: number): Promise<void> {
    const guests: Promise<void>[] = [];
    const untilMs = performance.now() + seconds * 1000;
    while (performance.now() < untilMs) {
      guests.push(this.#visit());
      await pause(REBALANCE_MS);
    }
    await Promise.all(guests);
  }

  async #visit(): Promise<void> {
    const guest = await EngineProcess.start(this.#environment);
    await guest.ready();
    await pause(2 * REBALANCE_MS);
    await guest.look();
    guest.signal("SIGTERM");
    const { code, output } = await guest.ended();
    if (code !== 0) this.#failures.push(output);
    this.#past.push(guest);
    this.#done.rebalances += 2; // it came, and it went
  }

  async #killBroker(): Promise<void> {
    const running = await findRunning("kafka");
    if (running === null) throw new Error("the broker is not one of the harness: it cannot be killed");
    Deno.kill(running.pid, "SIGKILL");
    await pause(1_000);
    await restart(serviceOf("kafka"), running);
    this.#done.brokerKills++;
  }

  async #stopStore(seconds: number): Promise<void> {
    const running = await findRunning("cassandra");
    if (running === null) throw new Error("Cassandra is not one of the harness: it cannot be stopped");
    Deno.kill(running.pid, "SIGSTOP");
    await pause(seconds * 1000);
    Deno.kill(running.pid, "SIGCONT");
  }

  /** Until everything that the topic holds is stored. */
  async settle(log: PartitionedLog, topic: Topic, storedTo: (topicId: string) => Promise<number>): Promise<void> {
    const giveUpMs = Date.now() + SETTLE_LIMIT_MS;
    for (;;) {
      const ends = await log.ends(topic).catch(() => null); // the broker may have been killed just now
      const end = ends?.reduce((sum, { end }) => sum + end, 0) ?? Infinity;
      const stored = await storedTo(topic.id);
      if (stored >= end) return;
      if (Date.now() > giveUpMs) {
        const outputs = this.#engines.map(({ output }) => output.slice(-3000)).join("\n---\n");
        throw new Error(`${stored} of ${end} records are stored, and no more come:\n${outputs}`);
      }
      await pause(500);
    }
  }

  /** Ends the engines in order. */
  async stop(): Promise<void> {
    clearInterval(this.#looking);
    await this.#look();
    for (const engine of this.#engines) {
      if (engine.isOver) this.#failures.push(engine.output);
      else await engine.ready(); // one that has just begun would not know the signal yet
      engine.signal("SIGTERM");
    }
    for (const engine of this.#engines) {
      const { code, output } = await engine.ended();
      if (code !== 0) this.#failures.push(output);
    }
    this.#say("engines ended");
  }

  report(): Omit<FaultReport, "topic" | "truth" | "unacknowledged"> {
    const all = [...this.#past, ...this.#engines].map(({ figures }) => figures);
    const sum = (of: (figures: typeof all[number]) => number) => all.reduce((total, figures) => total + of(figures), 0);
    return {
      ...this.#done,
      fenced: sum(({ conflicts }) => conflicts),
      flushes: sum(({ flushes }) => flushes),
      flushErrors: sum(({ flushErrors }) => flushErrors),
      failures: this.#failures,
    };
  }
}
