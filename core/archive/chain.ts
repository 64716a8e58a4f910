/**
 * The chain of ranges of one partition's archive: exactly once by the ledger alone, whatever the archive can promise.
 * A range of offsets is taken first, by compare-and-set; then its files are put, under names that follow from the range;
 * then the chain moves behind it. Who takes over finds the range taken and puts the same files again: two writers, or one
 * that wakes up late, write the same records under the same names. See docs/adr/031-archive.md.
 */
import { z } from "zod";
import type { EncodedRowGroup } from "../parquet/encoder.ts";
import { fileParts } from "../parquet/file.ts";
import type { Ledger } from "../store/ports.ts";
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

/** One hour's part of a range, in one table. */
const hourPart = z.object({ table: z.enum(ARCHIVED_TABLES), bucket: z.int() });

const chainState = z.object({
  /** Every record below it is in the archive. */
  from: z.int(),
  /** A range [from, to) that somebody is writing, or was, and the files that it may have. */
  taken: z.object({ to: z.int(), parts: z.array(hourPart) }).nullable(),
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
    if (last.length === 0 || last.some(({ isMerged }) => isMerged)) return { from: to, taken: null };
    return { from: last[0].from, taken: { to, parts: last.map(({ table, bucket }) => ({ table, bucket })) } };
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
    const taken = JSON.stringify(
      { from: range.from, taken: { to: range.to, parts: [...parts, ...stale] } } satisfies ChainState,
    );
    if (taken !== before && !await this.#ledger.compareAndSet(key, before, taken)) return null;
    const segments = await this.#put(range);
    // Another configuration may have put records into other hours.
    await this.#archive.remove(stale.map((part) => segmentKey(nameOf(range, part))));
    const done = JSON.stringify({ from: range.to, taken: null } satisfies ChainState);
    return await this.#ledger.compareAndSet(key, taken, done) ? { segments } : null;
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
    if (before === null || parseState(before).from !== from) return false;
    return await this.#ledger.compareAndSet(keyOf(owner), before, JSON.stringify({ from: to, taken: null }));
  }
}

function nameOf(
  { topicId, topicName, partition, from, to }: ArchivedRange,
  part: z.infer<typeof hourPart>,
): SegmentName {
  return { ...part, topic: topicName, topicId, partition, from, to, isMerged: false };
}
