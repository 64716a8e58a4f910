/**
 * Final minutes in the archive while leaders of a topic stop, sleep for long and die between any two of their requests, and
 * late events change the hours: in the end there is one file an hour, with the last figures.
 */
import { expect } from "expect";
import { sweep } from "../../core/archive/listing.ts";
import { LocalArchive } from "../../core/archive/local.ts";
import { FinalHours } from "../../engine/archiving/final_hours.ts";
import { finalHoursIn } from "../../core/archive/keys.ts";
import { START_BUCKET } from "../contract/store_fixtures.ts";
import { randomFrom } from "./delivery_simulator.ts";
import { MemoryLedger, nextTask, Stage, staged } from "./stage.ts";

const TOPIC = { id: "id-1_x", name: "shop", partitions: 1 };
const HOURS = [START_BUCKET, START_BUCKET + 1];
const CHANGES = 12;
const SEEDS = Number(Deno.env.get("SEEDS") ?? 20);

class Simulation {
  readonly archive: LocalArchive;
  readonly counts = { kills: 0, naps: 0 };
  readonly #ledger = new MemoryLedger();
  readonly #stage = new Stage();
  readonly #living = new Set<number>();
  readonly #asleep = new Map<number, number>();
  /** Per hour how often its minutes have changed: the version, and what a file of it says. */
  readonly versions = new Map(HOURS.map((bucket) => [bucket, 0]));
  #isOver = false;
  #serial = 0;

  constructor(readonly directory: string, readonly random: () => number, readonly killRate: number) {
    this.archive = new LocalArchive(`${directory}/kept`);
  }

  /** Begins a leader, which may think that it is the only one. */
  lead(): void {
    const actor = this.#serial++;
    const { archive, ledger } = staged(this.#stage, actor, this.archive, this.#ledger);
    const hours = new FinalHours({
      archive,
      log: { ends: () => Promise.resolve([{ partition: 0, start: 0, end: 1, written: 1, sizeBytes: 0 }]) },
      store: {
        ...ledger,
        partitions: () => {
          const totals = { consumed: 1, events: 1, unparsed: 0, late: 0, clockBad: 0 };
          return Promise.resolve([{ partition: 0, checkpoint: 1, writer: "w", watermarkMs: 8e15, totals }]);
        },
        unitVersions: () =>
          Promise.resolve([...this.versions].map(([bucket, version]) => ({ bucket, version: `v${version}` }))),
        export: ({ range }) => {
          const text = String(this.versions.get(range.fromMs / 3_600_000));
          return Promise.resolve({ stream: ReadableStream.from([new TextEncoder().encode(text)]), frontier: [] });
        },
      },
      directory: `${this.directory}/work`,
      now: () => 0,
    });
    this.#living.add(actor);
    const run = async () => {
      // Once more after the last change, as an engine's next tick.
      for (let wasOver = false; !wasOver;) {
        wasOver = this.#isOver;
        await this.#stage.turn(actor);
        await hours.archive(TOPIC, () => false);
      }
    };
    run().finally(() => {
      this.#living.delete(actor);
      this.#stage.ended();
    });
  }

  #ready(): number[] {
    return this.#stage.waiting.flatMap(({ actor }, index) =>
      this.#living.has(actor) && !this.#asleep.has(actor) ? [index] : []
    );
  }

  async run(): Promise<void> {
    let changes = 0;
    for (let steps = 0; this.#living.size > 0; steps++) {
      for (const [actor, until] of this.#asleep) if (until <= steps) this.#asleep.delete(actor);
      const ready = this.#ready();
      if (ready.length === 0) {
        this.#asleep.clear();
        continue;
      }
      const index = ready[Math.floor(this.random() * ready.length)];
      const { actor } = this.#stage.waiting[index];
      const fate = this.random();
      if (fate < this.killRate) {
        this.counts.kills++;
        this.#living.delete(actor);
        this.lead();
        await nextTask();
      } else if (fate < this.killRate + 0.04) {
        this.counts.naps++;
        // Some sleep until all others have come to an end.
        const isLong = this.#living.size > this.#asleep.size + 1 && this.random() < 0.3;
        this.#asleep.set(actor, isLong ? Infinity : steps + 60);
      } else await this.#stage.step(index);
      if (steps % 15 === 14 && changes < CHANGES) {
        const bucket = HOURS[changes++ % HOURS.length];
        this.versions.set(bucket, (this.versions.get(bucket) ?? 0) + 1);
      }
      if (changes === CHANGES) this.#isOver = true;
    }
  }

  /** What lies in the archive: per hour its files' figures. */
  async files(): Promise<string[]> {
    const found = await finalHoursIn(this.archive.list("minutes/"), TOPIC.id);
    const texts = found.map(async ({ key }) =>
      `${/hour=(\d\d)/.exec(key)?.[1]}: ${await Deno.readTextFile(`${this.archive.location}/${key}`)}`
    );
    return (await Promise.all(texts)).sort();
  }
}

async function simulate(seed: number): Promise<{ kills: number; naps: number }> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-final-hours-" });
  try {
    const simulation = new Simulation(directory, randomFrom(seed), seed % 2 === 0 ? 0.03 : 0);
    for (let leaders = 0; leaders < 3; leaders++) simulation.lead();
    await nextTask();
    await simulation.run();
    if (simulation.counts.kills > 0) await sweep(simulation.archive, TOPIC.name, TOPIC.id, 7);
    expect(await simulation.files()).toEqual(
      [...simulation.versions].map(([bucket, version]) => `${String(bucket % 24).padStart(2, "0")}: ${version}`),
    );
    return simulation.counts;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: `leaders that die and sleep leave one file of final minutes an hour, with the last figures (${SEEDS} seeds)`,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const sum = { kills: 0, naps: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const { kills, naps } = await simulate(seed);
        sum.kills += kills;
        sum.naps += naps;
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    }
    expect(sum.kills).toBeGreaterThan(SEEDS / 4);
    expect(sum.naps).toBeGreaterThan(SEEDS);
  },
});
