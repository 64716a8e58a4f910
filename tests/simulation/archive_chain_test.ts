/**
 * The archive's chain with writers and mergers that stop, sleep for long and die between any two of their requests: at every
 * moment each record below the chain's end is in exactly one of the files that hold.
 */
import { expect } from "expect";
import { parquetReadObjects } from "hyparquet";
import { zstdDecompressSync } from "node:zlib";
import type { Archive } from "../../core/archive/archive.ts";
import { type ArchivedRange, Chains } from "../../core/archive/chain.ts";
import { segmentsIn, splitCovered } from "../../core/archive/keys.ts";
import { sweep } from "../../core/archive/listing.ts";
import { LocalArchive } from "../../core/archive/local.ts";
import { mergeHour } from "../../core/archive/merger.ts";
import { encodeEvents } from "../../core/store/record_blocks.ts";
import { eventOf, eventsToRows, START_BUCKET } from "../contract/store_fixtures.ts";
import { randomFrom } from "./delivery_simulator.ts";
import { MemoryLedger, nextTask, Stage, staged } from "./stage.ts";

const OWNER = { topicId: "id-1_x", topicName: "shop", partition: 3 };
const END = 60;
const HOURS = 3;
const SEEDS = Number(Deno.env.get("SEEDS") ?? 25);

const hourOf = (offset: number) => (offset * 7 + Math.floor(offset / 11)) % HOURS;

function rangeOf(from: number, to: number): ArchivedRange {
  const offsets = Array.from({ length: to - from }, (_, i) => from + i);
  const files = [...Map.groupBy(offsets, hourOf)].map(([hour, of]) => ({
    table: "events" as const,
    bucket: START_BUCKET + hour,
    blocks: encodeEvents(
      OWNER.topicId,
      OWNER.partition,
      eventsToRows(of.map((offset) => eventOf(offset, hour * 3_600_000))),
    ),
  }));
  return { ...OWNER, from, to, files };
}

async function write(parts: ReturnType<typeof staged>, random: () => number): Promise<void> {
  const chains = new Chains(parts.archive, parts.ledger);
  for (;;) {
    const { from, taken } = await chains.read(OWNER);
    if (from >= END) return;
    let at: number | null = from;
    let to = taken?.to ?? Math.min(END, from + 1 + Math.floor(random() * 9));
    // On without reading again, as long as nobody interferes.
    while (at !== null && at < END) {
      const isCommitted: boolean = await chains.commit(rangeOf(at, to)) !== null;
      at = isCommitted ? to : null;
      to = Math.min(END, to + 1 + Math.floor(random() * 9));
    }
  }
}

async function merge(parts: ReturnType<typeof staged>, directory: string): Promise<void> {
  const chains = new Chains(parts.archive, parts.ledger);
  for (let hour = 0;; hour = (hour + 1) % HOURS) {
    const { from } = await chains.read(OWNER);
    const archived = { ...OWNER, table: "events" as const, topic: OWNER.topicName, bucket: START_BUCKET + hour };
    await mergeHour(parts.archive, archived, from, directory).catch(() => {}); // as the engine does: told, and tried again
    if (from >= END && hour === 0) return;
  }
}

/** Offsets in the files that hold, or in all that there are, in order. */
async function archivedOffsets(archive: Archive, of: "current" | "all" = "current"): Promise<number[]> {
  const all = await segmentsIn(archive.list("events/"), OWNER.topicId);
  const offsets: number[] = [];
  for (const { key } of of === "all" ? all : splitCovered(all).current) {
    const bytes = await Deno.readFile(`${archive.location}/${key}`);
    const rows = await parquetReadObjects({
      file: bytes.slice().buffer,
      columns: ["offset"],
      compressors: { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) },
    });
    offsets.push(...rows.map((row) => Number(row.offset)));
  }
  return offsets.sort((a, b) => a - b);
}

async function simulate(seed: number): Promise<{ kills: number; naps: number }> {
  const killRate = seed % 2 === 0 ? 0.01 : 0;
  const random = randomFrom(seed);
  const directory = await Deno.makeTempDir({ prefix: "millrace-chain-" });
  const archive = new LocalArchive(`${directory}/kept`);
  const ledger = new MemoryLedger();
  const stage = new Stage();
  const actors = new Map<number, "writer" | "merger">();
  const asleep = new Map<number, number>();
  const counts = { kills: 0, naps: 0 };
  let serial = 0;
  const start = (kind: "writer" | "merger") => {
    const actor = serial++;
    actors.set(actor, kind);
    const parts = staged(stage, actor, archive, ledger);
    const run = kind === "writer" ? write(parts, random) : merge(parts, `${directory}/work`);
    run.finally(() => {
      actors.delete(actor);
      stage.ended();
    });
  };
  try {
    await Deno.mkdir(`${directory}/work`);
    for (const kind of ["writer", "writer", "writer", "merger", "merger"] as const) start(kind);
    await nextTask();
    let steps = 0;
    while ([...actors.values()].includes("writer")) {
      // The dead never go on; the sleeping do after a while.
      for (const [actor, until] of asleep) if (until <= steps) asleep.delete(actor);
      const ready = stage.waiting.flatMap(({ actor }, index) => actors.has(actor) && !asleep.has(actor) ? [index] : []);
      if (ready.length === 0) {
        asleep.clear();
        if (stage.waiting.every(({ actor }) => !actors.has(actor))) throw new Error("nobody is left");
        continue;
      }
      const index = ready[Math.floor(random() * ready.length)];
      const { actor } = stage.waiting[index];
      const kind = actors.get(actor) ?? "writer";
      const fate = random();
      if (fate < killRate) {
        counts.kills++;
        actors.delete(actor);
        start(kind);
        await nextTask();
      } else if (fate < killRate + 0.02) {
        counts.naps++;
        // Some writers sleep until all others have come to an end.
        const others = [...actors].filter(([other, of]) => of === "writer" && other !== actor && !asleep.has(other));
        const isLong = kind === "writer" && others.length > 0 && random() < 0.3;
        asleep.set(actor, isLong ? Infinity : steps + 200);
      } else await stage.step(index);
      if (++steps % 40 === 0) {
        const state = ledger.facts.get(`archive/${OWNER.topicId}/${OWNER.partition}`);
        const { from, taken } = state === undefined ? { from: 0, taken: null } : JSON.parse(state);
        const offsets = await archivedOffsets(archive);
        expect(new Set(offsets).size).toBe(offsets.length);
        expect(offsets.filter((offset) => offset < from)).toEqual(Array.from({ length: from }, (_, i) => i));
        for (const offset of offsets) expect(offset).toBeLessThan(taken?.to ?? from);
      }
    }
    // Those who still sleep, or merge, change nothing any more.
    asleep.clear();
    while (stage.waiting.some(({ actor }) => actors.has(actor))) {
      const ready = stage.waiting.flatMap(({ actor }, index) => actors.has(actor) ? [index] : []);
      await stage.step(ready[Math.floor(random() * ready.length)]);
    }
    const whole = Array.from({ length: END }, (_, i) => i);
    expect(await archivedOffsets(archive)).toEqual(whole);
    // Who reads all files there are finds no record twice: who lives has removed what it put late, the sweep what others did.
    if (counts.kills > 0) await sweep(archive, OWNER.topicName, OWNER.topicId, 7);
    expect(await archivedOffsets(archive, "all")).toEqual(whole);
    return counts;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: `writers and mergers that die and sleep archive each record once, at every moment (${SEEDS} seeds)`,
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
    expect(sum.kills).toBeGreaterThan(SEEDS / 2);
    expect(sum.naps).toBeGreaterThan(SEEDS);
  },
});
