/** What DuckDB's store promises about the segments of events and quarantine: merged, damaged, missing, left behind. */
import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import { Segments } from "../../core/store/duckdb_segments.ts";
import type { EventPosition, Store } from "../../core/store/ports.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import { eventOf, EVER, flushOf, START_MS, type TestEvent, TOPIC } from "./store_fixtures.ts";

const OTHER = "another topic";
const encoder = new TextEncoder();

async function inDirectory(
  check: (directory: string, open: (onNotice?: (text: string) => void) => Promise<Store>) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-segments-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  await check(directory, async (onNotice) => {
    const store = await openDuckDbStore({ directory, memoryBytes: 128 * 1_048_576, threads: 2, onNotice });
    stack.defer(() => store.close());
    return store;
  });
}

const filesIn = (directory: string): string[] =>
  [...Deno.readDirSync(`${directory}/segments`)].map(({ name }) => `${directory}/segments/${name}`);

/** Until `isDone` holds: what is waited for happens in the background, long before this gives up. */
async function until(isDone: () => boolean): Promise<void> {
  for (let waits = 0; !isDone(); waits++) {
    if (waits === 3000) throw new Error("what was waited for has not happened");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Flush `n` of a topic: events with text that only they have, and a quarantined record. */
function eventsOf(n: number, perFlush: number): TestEvent[] {
  return Array.from({ length: perFlush }, (_, i) => {
    const offset = n * perFlush + i;
    // Late and early ones: the order in time is not that of offsets.
    const afterMs = n * 500 + (offset * 7919) % 5000;
    return eventOf(offset, afterMs, {
      fields: { service: `s${offset % 3}`, message: `message ${offset}` },
      measures: offset % 2 === 0 ? { response_time: offset } : {},
      raw: offset % 50 === 0 ? Uint8Array.of(0xff, offset & 0x7f) : encoder.encode(`{"n":${offset}}`),
    });
  });
}

function nthFlush(topicId: string, n: number, perFlush: number) {
  return flushOf({
    topicId,
    expectCheckpoint: n * perFlush,
    at: (n + 1) * perFlush,
    events: eventsOf(n, perFlush),
    quarantine: n % 5 === 0
      ? [{ offset: n * perFlush, recordTimeMs: START_MS + n, reason: "no_match", raw: Uint8Array.of(n, 255) }]
      : [],
  });
}

/** Everything that can be read of a topic, and the raw records of search. */
async function everything(store: Store, topicId: string) {
  const where = [{ field: "service", op: "in", values: ["s1"] }] as const;
  return {
    page: await store.events({ topicId, range: EVER, where: [], limit: 300 }),
    found: await store.events({ topicId, range: EVER, where: [], text: "99}", limit: 30 }),
    chosen: await store.events({ topicId, range: EVER, where, limit: 50 }),
    quarantine: await store.quarantine({ topicId, range: EVER, limit: 100 }),
    report: await store.accessReport({ topicId, range: EVER, where: [], timeZone: "UTC", limit: 5 }),
    events: await exported(store, exportQuery({ topicId, format: "parquet" })),
    refused: await exported(store, exportQuery({ topicId, table: "quarantine", format: "ndjson" })),
  };
}

for (const [perFlush, how] of [[7, "made anew"], [600, "as they are"]] as const) {
  Deno.test(`duckdb store: merging segments, row groups ${how}, changes no answer, also while it is under way`, async () => {
    await inDirectory(async (directory, open) => {
      const store = await open();
      const flushes = 50;
      const topics = [TOPIC, OTHER];
      const offsets = Array.from({ length: flushes * perFlush }, (_, i) => i);
      let files = 0;
      for (let n = 0; n < flushes; n++) {
        const outcomes = await Promise.all(topics.map((topicId) => store.flush(nthFlush(topicId, n, perFlush))));
        expect(outcomes).toEqual([{ kind: "applied" }, { kind: "applied" }]);
        files += 1 + Number(n % 5 === 0);
        // Now and then a reader looks in, whatever is going on.
        if (n % 10 === 9) {
          const page = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 100_000 });
          const seen = page.map(({ offset }) => offset).sort((a, b) => a - b);
          expect(seen).toEqual(offsets.slice(0, (n + 1) * perFlush));
        }
      }
      await store.close();
      const again = await open();
      await until(() => filesIn(directory).length < files / 2);
      for (const topicId of topics) {
        const { page, found, chosen, quarantine, events, refused, report } = await everything(again, topicId);
        const truth = Array.from({ length: flushes }, (_, n) => eventsOf(n, perFlush)).flat()
          .sort((a, b) => b.micros - a.micros || b.offset - a.offset);
        expect(page.map(({ offset }) => offset)).toEqual(truth.slice(0, 300).map(({ offset }) => offset));
        expect(page.map(({ raw }) => raw)).toEqual(truth.slice(0, 300).map(({ raw }) => raw));
        expect(page.map(({ measures }) => measures.response_time)).toEqual(
          truth.slice(0, 300).map(({ measures }) =>
            measures.response_time === undefined ? undefined : measures.response_time / 1000
          ),
        );
        const has = (text: string) => ({ raw }: TestEvent) => new TextDecoder().decode(raw).includes(text);
        expect(found.map(({ offset }) => offset)).toEqual(
          truth.filter(has("99}")).slice(0, 30).map(({ offset }) => offset),
        );
        expect(chosen.map(({ offset }) => offset)).toEqual(
          truth.filter(({ fields }) => fields.service === "s1").slice(0, 50).map(({ offset }) => offset),
        );
        expect(quarantine.map(({ raw }) => raw[0])).toEqual(
          Array.from({ length: flushes / 5 }, (_, n) => n * 5).reverse(),
        );
        expect(events.map(({ offset }) => offset)).toEqual(truth.map(({ offset }) => offset).reverse());
        expect(events.map(({ message }) => message)).toEqual(truth.map(({ fields }) => fields.message ?? "").reverse());
        expect(refused).toHaveLength(flushes / 5);
        expect(report.lines).toBe(flushes * perFlush + flushes / 5);
      }
    });
  });
}

Deno.test("duckdb store: a topic that is dropped takes its segments along, and leaves those of others", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open();
    // Shared by both topics, then some of one alone.
    await Promise.all([TOPIC, OTHER].map((topicId) => store.flush(nthFlush(topicId, 0, 10))));
    await store.flush(nthFlush(TOPIC, 1, 10));
    const before = await everything(store, OTHER);
    await store.dropTopic(TOPIC);
    expect((await everything(store, TOPIC)).events).toEqual([]);
    expect(await everything(store, OTHER)).toEqual(before);
    await store.dropTopic(OTHER);
    await until(() => filesIn(directory).length === 0);
  });
});

Deno.test("duckdb store: files that a killed process left among the segments are removed, listed ones never", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open();
    await store.flush(nthFlush(TOPIC, 0, 10));
    await store.close();
    const listed = filesIn(directory);
    await Deno.writeTextFile(`${directory}/segments/half.parquet`, "PAR1 and then the power went");
    const again = await open();
    expect(filesIn(directory).sort()).toEqual(listed.sort());
    expect(await again.events({ topicId: TOPIC, range: EVER, where: [], limit: 100 })).toHaveLength(10);
  });
});

Deno.test("duckdb store: a segment that is gone is told of once, with what it held; the others are read", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open();
    await store.flush(flushOf({ events: eventsOf(0, 10) }));
    const [lost] = filesIn(directory);
    await store.flush(flushOf({ expectCheckpoint: 10, at: 20, events: eventsOf(1, 10) }));
    await store.close();
    await Deno.remove(lost);
    const notices: string[] = [];
    const again = await open((text) => notices.push(text));
    expect(notices).toEqual([`${lost} is gone, with 10 records of topic ${TOPIC}: answers lack them`]);
    expect(await again.events({ topicId: TOPIC, range: EVER, where: [], limit: 100 })).toHaveLength(10);
    await again.close();
    await open((text) => notices.push(text));
    expect(notices).toHaveLength(1);
  });
});

Deno.test("duckdb store: a damaged segment is told by name, with a remedy, by the reads that need it", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open();
    const letters = Array.from({ length: 400 }, (_, i) => eventOf(i, i, { raw: encoder.encode(`${i}`.repeat(40)) }));
    await store.flush(flushOf({ events: letters }));
    const [path] = filesIn(directory);
    const whole = await Deno.readFile(path);
    const flipped = whole.slice();
    // Somewhere in the compressed records, which take up the most.
    const at = whole.findIndex((_, i) => whole[i] === 0x28 && whole[i + 1] === 0xb5 && whole[i + 2] === 0x2f);
    flipped[at + 40] ^= 4;
    for (const damaged of [whole.slice(0, whole.length >> 1), new Uint8Array(0), flipped]) {
      await Deno.writeFile(path, damaged);
      const read = exported(store, exportQuery({ format: "ndjson" }));
      const error: unknown = await read.then(() => null, (thrown) => thrown);
      if (!(error instanceof MillraceError)) throw new Error(`expected a MillraceError, found ${error}`);
      expect(error.code).toBe("CORRUPT_DATA");
      expect(error.message).toContain(path);
      expect(error.message).not.toContain("\n");
      expect(error.remedy).toContain("copy");
    }
    await Deno.writeFile(path, whole);
    expect(await exported(store, exportQuery({ format: "ndjson" }))).toHaveLength(400);
  });
});

Deno.test("duckdb store: the newest events are found whichever segments they lie in, by pages of any size", async () => {
  await inDirectory(async (_, open) => {
    const store = await open();
    const perFlush = 40;
    const flushes = 12;
    // The last flush holds the newest and the oldest events, and each other one a bit of every minute.
    const all = Array.from({ length: flushes }, (_, n) =>
      Array.from({ length: perFlush }, (_, i) => {
        const offset = n * perFlush + i;
        return eventOf(offset, (offset * 104_729) % 60_000, { fields: { service: `s${offset % 7}` } });
      }));
    for (const [n, events] of all.entries()) {
      await store.flush(flushOf({ expectCheckpoint: n * perFlush, at: (n + 1) * perFlush, events }));
    }
    const truth = all.flat().sort((a, b) => b.micros - a.micros || b.offset - a.offset);
    const where = [{ field: "service", op: "in", values: ["s3"] }] as const;
    for (
      const [conditions, expected] of [[[], truth], [
        where,
        truth.filter(({ fields }) => fields.service === "s3"),
      ]] as const
    ) {
      for (const limit of [1, 3, 10, 50]) {
        const seen: number[] = [];
        let after: EventPosition | undefined;
        for (;;) {
          const page = await store.events({ topicId: TOPIC, range: EVER, where: conditions, limit, after });
          seen.push(...page.map(({ offset }) => offset));
          if (page.length < limit || seen.length > 60) break;
          after = page[page.length - 1];
        }
        expect(seen).toEqual(expected.slice(0, seen.length).map(({ offset }) => offset));
      }
    }
  });
});

Deno.test("duckdb store: segments that are listed no more stay until those who began to read before have ended", async () => {
  await inDirectory(async (directory, open) => {
    await (await open()).close();
    const segments = new Segments(`${directory}/segments`);
    await Deno.writeTextFile(segments.path("a"), "");
    const reading = Promise.withResolvers<void>();
    const read = segments.reading(() => reading.promise);
    segments.unlist(["a"]);
    expect(segments.hasUnlisted).toBe(true);
    segments.sweep();
    await segments.reading(() => Promise.resolve()); // one that began later delays nothing
    expect(filesIn(directory)).toHaveLength(1);
    reading.resolve();
    await read;
    await segments.swept();
    expect(filesIn(directory)).toEqual([]);
  });
});
