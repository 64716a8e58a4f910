/** The main thread's side of one worker thread: its partitions, its calls to the store, its heartbeat. */
import { isDiskFull, messageOf } from "../core/errors.ts";
import type { Assignment, FromWorker, Notice, StoreCalls, ToWorker, WorkerSettings } from "./protocol.ts";

export interface WorkerEvents {
  notice(notice: Notice): void;
  /** The worker threw, or did not answer for too long: it is ended, and its partitions need a new one. */
  died(handle: WorkerHandle, why: string): void;
}

export class WorkerHandle {
  readonly assignments: Assignment[] = [];
  readonly #worker: Worker;
  readonly #releasing = new Map<number, () => void>();
  #ids = 0;
  #isOver = false;
  #lastHeardMs: number;
  #onStopped: () => void = () => {};

  constructor(
    readonly index: number,
    worker: Worker,
    settings: WorkerSettings,
    readonly store: StoreCalls,
    readonly events: WorkerEvents,
    readonly now: () => number,
  ) {
    this.#lastHeardMs = now();
    this.#worker = worker;
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#receive(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault(); // an unhandled worker error would end the process
      this.#die(event.message);
    });
    this.#send({ type: "start", settings });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  assign(assignment: Assignment): void {
    this.assignments.push(assignment);
    this.#send({ type: "assign", assignment });
  }

  /** Drops a partition of a topic, or all that it has; resolves once none of them will flush again. */
  release(topicId: string, partition: number | null): Promise<void> {
    const isKept = (assignment: Assignment) =>
      assignment.topicId !== topicId || (partition !== null && assignment.partition !== partition);
    const kept = this.assignments.filter(isKept);
    if (kept.length === this.assignments.length || this.#isOver) return Promise.resolve();
    this.assignments.splice(0, this.assignments.length, ...kept);
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#releasing.set(id, resolve);
      this.#send({ type: "release", topicId, partition, id });
    });
  }

  /** Lets the worker flush; ends it hard after `timeoutMs`, which loses nothing but time. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#isOver) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopped = new Promise<void>((resolve) => this.#onStopped = resolve);
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    this.#send({ type: "stop" });
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    this.#end();
  }

  /** Asks for a sign of life, and gives the worker up where the last one is older than `limitMs`. */
  ping(limitMs: number): void {
    if (this.#isOver) return;
    if (this.now() - this.#lastHeardMs > limitMs) this.#die(`it has not answered for ${limitMs / 1000} s`);
    else this.#send({ type: "ping" });
  }

  #receive(message: FromWorker): void {
    this.#lastHeardMs = this.now();
    switch (message.type) {
      case "call":
        void this.#answer(message);
        break;
      case "notice":
        this.events.notice(message.notice);
        break;
      case "released":
        this.#releasing.get(message.id)?.();
        this.#releasing.delete(message.id);
        break;
      case "stopped":
        this.#onStopped();
        break;
      case "pong":
        break;
    }
  }

  async #answer(message: Extract<FromWorker, { type: "call" }>): Promise<void> {
    try {
      this.#send({ type: "answer", id: message.id, result: await this.#call(message) });
    } catch (error) {
      this.#send({ type: "refusal", id: message.id, message: messageOf(error), isDiskFull: isDiskFull(error) });
    }
  }

  #call(message: Extract<FromWorker, { type: "call" }>) {
    switch (message.method) {
      case "readPartition":
        return this.store.readPartition(...message.args);
      case "readUnits":
        return this.store.readUnits(...message.args);
      case "flush":
        return this.store.flush(...message.args);
      case "decideFormat":
        return this.store.decideFormat(...message.args);
      case "readChain":
        return this.store.readChain(...message.args);
      case "commitArchive":
        return this.store.commitArchive(...message.args);
      case "passArchive":
        return this.store.passArchive(...message.args);
    }
  }

  #die(why: string): void {
    if (this.#isOver) return;
    this.#end();
    this.events.died(this, why);
  }

  #end(): void {
    this.#isOver = true;
    this.#worker.terminate();
    for (const resolve of this.#releasing.values()) resolve();
    this.#onStopped();
  }
}
