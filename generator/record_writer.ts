/** Writes the records of a scenario under a script: what all scenarios have in common. */
import { Influence } from "./incidents/incident.ts";
import { courseOf, type Incident, type Phase, Phases } from "./incidents/phases.ts";
import { Random } from "./random.ts";
import {
  DrawnEvent,
  type Framing,
  type Scenario,
  type ScenarioParts,
  type ScenarioWriter,
  type Scene,
} from "./scenarios/scenario.ts";

/** A scenario from its parts. */
export function defineScenario(parts: ScenarioParts): Scenario {
  return {
    ...parts,
    create: (seed, incidents = [], framing = null) => new RecordWriter(parts, seed, incidents, framing),
  };
}

/** Apart from the numbers of the records themselves: an incident changes nothing that it does not touch. */
const INFLUENCE_SALT = 0x696e63;
const DUPLICATE_SALT = 0x647570;

const encoder = new TextEncoder();
/** What shippers make of a stack trace, line by line. */
const STACK_LINES = [
  "    at Session.open (/srv/app/lib/session.js:118:17)",
  "    at async Pool.acquire (/srv/app/lib/pool.js:64:22)",
  "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
  "Caused by: java.net.SocketTimeoutException: Read timed out",
  "        ... 38 more",
].map((line) => encoder.encode(line));

class RecordWriter implements ScenarioWriter {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #luck: Random;
  readonly #copies: Random;
  readonly #phases: Phases;
  readonly #influence = new Influence();
  readonly #event = new DrawnEvent();

  constructor(
    private readonly parts: ScenarioParts,
    private readonly seed: number,
    incidents: readonly Incident[],
    framing: Framing | null,
  ) {
    const messages = new Map<number, string>();
    for (const [index, incident] of incidents.entries()) {
      const { message } = courseOf(incident);
      if (message !== undefined) messages.set(index, message);
    }
    this.#scene = parts.open(seed, messages, framing);
    this.#random = new Random(parts.salt);
    this.#luck = new Random(parts.salt ^ INFLUENCE_SALT);
    this.#copies = new Random(parts.salt ^ DUPLICATE_SALT);
    this.#phases = new Phases(parts.targets, incidents);
  }

  write(
    partition: number,
    i: number,
    timestampMs: number,
    out: Uint8Array,
    at: number,
    previousMs = NaN,
  ): number {
    const { isUnparsable } = this.draw(partition, i, timestampMs, previousMs);
    if (isUnparsable && this.#influence.isUnparsable) {
      const line = STACK_LINES[this.#luck.below(STACK_LINES.length)];
      out.set(line, at);
      return at + line.length;
    }
    return this.#scene.write(this.#random, out, at);
  }

  draw(partition: number, i: number, timestampMs: number, previousMs = NaN): DrawnEvent {
    // Copies have odd indexes, so that what is copied is none itself.
    if (i % 2 === 1 && previousMs === previousMs && this.#isCopy(partition, i, previousMs)) {
      i--;
      timestampMs = previousMs;
    }
    const event = this.#event;
    const phase = this.#phases.at(timestampMs);
    this.#random.seat(this.seed, partition, i);
    const target = phase.targets.pick(this.#random);
    const { service, method, endpoint } = this.parts.targets[target];
    event.partition = partition;
    event.index = i;
    event.recordTimeMs = timestampMs;
    event.target = target;
    event.service = service;
    event.method = method;
    event.endpoint = endpoint;
    this.#touch(phase, target, event);
    event.timeMs = timestampMs + this.#influence.shiftMs;
    event.isUnparsable = this.#influence.isUnparsable;
    this.#scene.draw(this.#random, target, this.#influence, event);
    return event;
  }

  #touch(phase: Phase, target: number, { partition, index, recordTimeMs }: DrawnEvent): void {
    const influence = this.#influence;
    influence.reset();
    const touches = phase.touches[target];
    if (touches === null) return;
    this.#luck.seat(this.seed, partition, index);
    for (const { touch, incident, fromMs, toMs } of touches) {
      touch(influence, this.#luck, (recordTimeMs - fromMs) / (toMs - fromMs), incident);
    }
  }

  /** Whether record `i`, of an odd index, is the one before once more. */
  #isCopy(partition: number, i: number, previousMs: number): boolean {
    const { duplicates, targets } = this.#phases.at(previousMs);
    if (duplicates === null) return false;
    this.#random.seat(this.seed, partition, i - 1);
    const share = duplicates[targets.pick(this.#random)];
    this.#copies.seat(this.seed, partition, i);
    return this.#copies.unit() < 2 * share;
  }
}
