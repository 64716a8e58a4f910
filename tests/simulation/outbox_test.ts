/**
 * Outboxes whose processes freeze, die and come back between any two of their steps, over a channel that loses requests,
 * answers and time, and a store that fails: in the end each message is there once, with what was wanted last.
 */
import { expect } from "expect";
import type { Notice } from "../../analyzer/notify/notice.ts";
import { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { randomFrom } from "./delivery_simulator.ts";
import { noticeOf, threadEntry } from "./notices_for_tests.ts";
import { Channel, ChannelClient, type Fault, MemoryStore, Process, StoreClient, World } from "./outbox_world.ts";

const SEEDS = Number(Deno.env.get("SEEDS") ?? 15);
const FAULTS: readonly Fault[] = ["retry", "lost", "ack_lost", "late"];

/** One analyzer: the process, its outbox, and the loop that drives it. */
interface Program {
  readonly process: Process;
  readonly outbox: Outbox;
}

class Story {
  readonly world = new World();
  readonly store = new MemoryStore();
  readonly channel = new Channel();
  readonly notices = new Map<string, Notice>();
  readonly told: string[] = [];
  readonly programs: Program[] = [];
  faultShare = 0.35;
  faults = 0;
  crashes = 0;
  freezes = 0;

  constructor(readonly random: () => number) {}

  start(): Program {
    const process = new Process(this.world);
    const fault = (): Fault => {
      if (this.random() >= this.faultShare) return "none";
      this.faults++;
      return FAULTS[Math.floor(this.random() * FAULTS.length)];
    };
    const outbox = new Outbox({
      documents: new StoreClient(this.store, process, this.random, () => this.faultShare / 5),
      collection: "outbox",
      notifiers: [new ChannelClient(this.channel, process, this.random, fault)],
      routes: () => ["sim:channel"],
      now: () => this.world.nowMs,
      random: this.random,
      onNotice: (text) => this.told.push(text),
    });
    const program = { process, outbox };
    this.programs.push(program);
    void this.#drive(program);
    return program;
  }

  async #drive({ process, outbox }: Program): Promise<void> {
    for (;;) {
      await process.wait(1_000);
      // As an analyzer does: it gives all that is, again and again.
      await outbox.put([...this.notices.values()]).catch(() => {});
      await outbox.run();
    }
  }

  /** A change of what there is to tell. */
  change(): void {
    const ids = [...this.notices.keys()];
    const id = this.random() < 0.2 || ids.length === 0
      ? `error/${ids.length}`
      : ids[Math.floor(this.random() * ids.length)];
    const known = this.notices.get(id) ?? noticeOf(id);
    const draw = this.random();
    this.notices.set(id, {
      ...known,
      ...(draw < 0.2 ? { state: known.state === "resolved" ? "open" as const : "resolved" as const } : {}),
      ...(draw > 0.8 && known.thread.length < 3
        ? { thread: [...known.thread, threadEntry(`more-${known.thread.length}`)] }
        : {}),
      facts: [{ label: "Count", value: `${this.world.nowMs}` }],
      updatedMs: this.world.nowMs,
    });
  }

  /** What is wrong with what people see. */
  problems(): string[] {
    const shown = [...this.channel.messages.values()];
    return [...this.notices.values()].flatMap((notice) => {
      const own = shown.filter(({ noticeId }) => noticeId === notice.id);
      const [first, ...others] = own.filter(({ parent }) => parent === null);
      const expected = { ...notice, thread: [], updatedMs: 0 };
      return [
        ...(first === undefined ? [`${notice.id} is lost`] : []),
        ...(others.length > 0 ? [`${notice.id} is there ${others.length + 1} times`] : []),
        ...(first !== undefined && JSON.stringify({ ...first.notice, updatedMs: 0 }) !== JSON.stringify(expected)
          ? [`${notice.id} is out of date`]
          : []),
        ...notice.thread.flatMap(({ id }) => {
          const count = own.filter(({ replyId, parent }) => replyId === id && parent === first?.ts).length;
          return count === 1 ? [] : [`${notice.id} ${id}: ${count} replies`];
        }),
      ];
    });
  }
}

async function play(seed: number): Promise<Story> {
  const story = new Story(randomFrom(seed));
  const { world, random } = story;
  story.start();
  for (let second = 0; second < 400; second++) {
    await world.advance(world.nowMs + 1_000);
    if (random() < 0.15) story.change();
    const alive = story.programs.filter(({ process }) => !process.isDead);
    const one = alive[Math.floor(random() * alive.length)];
    if (one !== undefined && random() < 0.03) {
      one.process.isDead = true;
      story.crashes++;
    } else if (one !== undefined && random() < 0.02) {
      one.process.frozenUntilMs = world.nowMs + random() * 90_000;
      story.freezes++;
    }
    // Another starts when there is none, or since one believes that the other is gone.
    if (alive.length === 0 || (alive.length < 3 && random() < 0.02)) story.start();
  }
  story.faultShare = 0;
  // Whoever is alive thaws, and one more comes.
  story.start();
  await world.advance(world.nowMs + 1_500_000);
  return story;
}

Deno.test(`each message is there once and up to date, over ${SEEDS} seeds of faults, crashes and zombies`, async () => {
  let [faults, crashes, freezes, removals] = [0, 0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const story = await play(seed);
    expect({ seed, problems: story.problems() }).toEqual({ seed, problems: [] });
    faults += story.faults;
    crashes += story.crashes;
    freezes += story.freezes;
    removals += story.channel.removals;
  }
  // The story must have happened.
  expect(faults).toBeGreaterThan(20 * SEEDS);
  expect(crashes).toBeGreaterThan(2 * SEEDS);
  expect(freezes).toBeGreaterThan(SEEDS / 2);
  expect(removals).toBeGreaterThan(0);
  if (Deno.env.has("SEEDS")) console.log({ faults, crashes, freezes, removals });
});
