/**
 * The chain of ranges of one partition's archive: exactly once by the ledger alone, whatever the archive can promise.
 * A range of offsets is taken first, by compare-and-set; then its files are put, under names that follow from the range;
 * then the chain moves behind it. Who takes over finds the range taken and puts the same files again: two writers, or one
 * that wakes up late, write the same records under the same names. See docs/adr/031-archive.md.
 */
import { z } from "zod";
import type { EncodedRowGroup } from "../parquet/encoder.ts";
import { fileParts } from "../parquet/file.ts";
import type { Ledger, OffsetCover } from "../store/ports.ts";
import type { RecordBlock } from "../store/record_blocks.ts";
import { type Archive, bodyOf } from "./archive.ts";
import {
  ARCHIVED_TABLES,
  type ArchivedTable,
  type Segment,
  segmentKey,
  type SegmentName,
  segmentsIn,
  topicFolder,
} from "./keys.ts";
import { removeCovered } from "./listing.ts";

/** One hour's part of a range, in one table. */
const hourPart = z.object({ table: z.enum(ARCHIVED_TABLES), bucket: z.int() });

const chainState = z.object({
  /** Every record below it is in the archive. */
  from: z.int(),
  /** A range [from, to) that somebody is writing, or was, and the files that it may have. */
  taken: z.object({ to: z.int(), parts: z.array(hourPart) }).nullable(),
  /** Ranges below it that are not: the log no longer held them when the archive came to them. In order, apart from each other. */
  holes: z.array(z.object({ from: z.int(), to: z.int() })).default([]),
});
export type ChainState = z.infer<typeof chainState>;

/** A partition of a topic, as files name it. */
export interface ChainOwner {
  readonly topicId: string;
  readonly topicName: string;
  readonly partition: number;
}

/** The records of offsets [from, to), as row groups of files. */
export interface ArchivedRange extends ChainOwner {
  readonly from: number;
  readonly to: number;
  readonly files: readonly {
    readonly table: ArchivedTable;
    readonly bucket: number;
    readonly blocks: readonly RecordBlock[];
  }[];
}

export interface CommittedRange {
  readonly segments: readonly Segment[];
}

type Facts = Pick<Ledger, "get" | "compareAndSet">;

/** Files of a range that are put at the same time. */
const PUTS_AT_ONCE = 4;

const keyOf = ({ topicId, partition }: Pick<ChainOwner, "topicId" | "partition">) => `archive/${topicId}/${partition}`;

const parseState = (text: string): ChainState => chainState.parse(JSON.parse(text));

/** Where the chain of a partition stands; null where it has none. */
export async function readChain(
  ledger: Pick<Ledger, "get">,
  owner: Pick<ChainOwner, "topicId" | "partition">,
): Promise<ChainState | null> {
  const text = await ledger.get(keyOf(owner));
  return text === null ? null : parseState(text);
}

/** Facts that are read at the same time. */
const READS_AT_ONCE = 32;

/** Which records of a topic are archived. */
export async function readCovers(
  ledger: Pick<Ledger, "get">,
  topicId: string,
  partitions: number,
): Promise<OffsetCover[]> {
  const covers: OffsetCover[] = [];
  for (let first = 0; first < partitions; first += READS_AT_ONCE) {
    const some = Array.from({ length: Math.min(READS_AT_ONCE, partitions - first) }, (_, i) => first + i);
    const chains = await Promise.all(some.map((partition) => readChain(ledger, { topicId, partition })));
    for (const [i, partition] of some.entries()) {
      const chain = chains[i];
      if (chain !== null) covers.push({ partition, from: 0, to: chain.from, holes: chain.holes });
    }
  }
  return covers;
}

export class Chains {
  readonly #archive: Archive;
  readonly #ledger: Facts;

  constructor(archive: Archive, ledger: Facts) {
    this.#archive = archive;
    this.#ledger = ledger;
  }

  /** Where the chain stands. What a ledger that was lost knew is found again in the names of the files. */
  async read(owner: ChainOwner): Promise<ChainState> {
    for (;;) {
      const text = await this.#ledger.get(keyOf(owner));
      if (text !== null) return parseState(text);
      const found = JSON.stringify(await this.#recover(owner));
      if (await this.#ledger.compareAndSet(keyOf(owner), null, found)) return parseState(found);
    }
  }

  async #recover({ topicId, topicName, partition }: ChainOwner): Promise<ChainState> {
    const segments: Segment[] = [];
    for (const table of ARCHIVED_TABLES) {
      const files = this.#archive.list(topicFolder(table, topicName));
      segments.push(...(await segmentsIn(files, topicId)).filter((segment) => segment.partition === partition));
    }
    const to = Math.max(0, ...segments.map((segment) => segment.to));
    const last = segments.filter((segment) => segment.to === to);
    // Only ranges that were whole are merged; of another the last files may be missing.
    const first = Math.min(to, ...segments.map((segment) => segment.from));
    const holes = first === 0 ? [] : [{ from: 0, to: first }];
    if (last.length === 0 || last.some(({ isMerged }) => isMerged)) return { from: to, taken: null, holes };
    return { from: last[0].from, taken: { to, parts: last.map(({ table, bucket }) => ({ table, bucket })) }, holes };
  }

  /**
   * Archives the records of a range, once. Null where the chain is not at its start, or another end was taken: whoever
   * asked begins anew from {@link read}. Where it rejects, the same range is still to be archived.
   */
  async commit(range: ArchivedRange): Promise<CommittedRange | null> {
    const key = keyOf(range);
    const before = await this.#ledger.get(key);
    if (before === null) return null;
    const state = parseState(before);
    if (state.from !== range.from || (state.taken !== null && state.taken.to !== range.to)) return null;
    const parts = range.files.map(({ table, bucket }) => ({ table, bucket }));
    const known = state.taken?.parts ?? [];
    const stale = known.filter((of) => !parts.some((part) => part.table === of.table && part.bucket === of.bucket));
    const { holes } = state;
    const taken = JSON.stringify(
      { from: range.from, taken: { to: range.to, parts: [...parts, ...stale] }, holes } satisfies ChainState,
    );
    if (taken !== before && !await this.#ledger.compareAndSet(key, before, taken)) return null;
    const segments = await this.#put(range);
    // Another configuration may have put records into other hours.
    await this.#archive.remove(stale.map((part) => segmentKey(nameOf(range, part))));
    const done = JSON.stringify({ from: range.to, taken: null, holes } satisfies ChainState);
    if (await this.#ledger.compareAndSet(key, taken, done)) return { segments };
    // Another has archived it meanwhile, and may have merged it: what was put once more is then of no use.
    for (const segment of segments) await removeCovered(this.#archive, segment);
    return null;
  }

  async #put(range: ArchivedRange): Promise<Segment[]> {
    const segments: Segment[] = [];
    for (let at = 0; at < range.files.length; at += PUTS_AT_ONCE) {
      const put = range.files.slice(at, at + PUTS_AT_ONCE).map(async ({ table, bucket, blocks }) => {
        const groups: EncodedRowGroup[] = blocks.map(({ group }) => group);
        const body = bodyOf([...fileParts(groups)]);
        const name = nameOf(range, { table, bucket });
        const file = { key: segmentKey(name), bytes: body.bytes, modifiedMs: Date.now() };
        await this.#archive.put(file.key, body);
        return { ...name, ...file };
      });
      segments.push(...await Promise.all(put));
    }
    return segments;
  }

  /** Moves the chain over offsets that the log no longer holds; false where it was elsewhere. */
  async pass(owner: ChainOwner, from: number, to: number): Promise<boolean> {
    const before = await this.#ledger.get(keyOf(owner));
    if (before === null) return false;
    const state = parseState(before);
    if (state.from !== from) return false;
    const last = state.holes.at(-1);
    const holes = last?.to === from
      ? [...state.holes.slice(0, -1), { from: last.from, to }]
      : [...state.holes, { from, to }];
    const passed = JSON.stringify({ from: to, taken: null, holes } satisfies ChainState);
    return await this.#ledger.compareAndSet(keyOf(owner), before, passed);
  }
}

function nameOf(
  { topicId, topicName, partition, from, to }: ArchivedRange,
  part: z.infer<typeof hourPart>,
): SegmentName {
  return { ...part, topic: topicName, topicId, partition, from, to, isMerged: false };
}
