/** Events and quarantine of every store: paging, search, and the bytes of records, against the list that went in. */
import { expect } from "expect";
import type { EventQuery, EventRecord, QuarantineRecord, Store } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { eventOf, EVER, flushOf, promise, START_MS, type TestEvent, TOPIC } from "./store_fixtures.ts";

const encoder = new TextEncoder();

/** As a page's cursor goes: newest first, then by partition and offset. */
type Position = readonly [time: number, partition: number, offset: number];
const newestFirst = (a: Position, b: Position) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2];
const positionOf = (
  { timestampMicros, partition, offset }: EventRecord,
): Position => [timestampMicros, partition, offset];

const query = (rest: Partial<EventQuery> = {}): EventQuery => ({
  topicId: TOPIC,
  range: EVER,
  where: [],
  limit: 1000,
  ...rest,
});

/** All pages, one after the other; `between` runs after each. */
async function allPages(
  store: Store,
  asked: EventQuery,
  between?: (page: number) => Promise<void>,
): Promise<EventRecord[]> {
  const found: EventRecord[] = [];
  for (let page = 0;; page++) {
    const last = found.at(-1);
    const next = await store.events(last === undefined ? asked : { ...asked, after: last });
    expect(next.length).toBeLessThanOrEqual(asked.limit);
    found.push(...next);
    if (next.length < asked.limit) return found;
    await between?.(page);
  }
}

/** Raw records that are hard to search and to keep. */
const RECORDS: readonly Uint8Array[] = [
  encoder.encode('{"message":"Order 17 of ZÜRICH"}'),
  encoder.encode("100% sure_thing"),
  encoder.encode("100 percent sure-thing"),
  encoder.encode("nul\0inside"),
  encoder.encode("quote ' and \" and `"),
  encoder.encode("back\\slash \\xff written out"),
  Uint8Array.from([0x62, 0x61, 0x64, 0xff, 0xfe, 0x5a, 0x7a, 0xc3]),
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
  encoder.encode("\uFEFFmarked"),
  encoder.encode("line\r\nbreak\ttab"),
  encoder.encode("Ελλάδα ΣΊΣΥΦΟΣ straße \u{1F600}"),
  encoder.encode(""),
  encoder.encode("needle" + "x".repeat(3_000_000) + "end"),
];

async function storeRecords(store: Store): Promise<void> {
  const events = RECORDS.map((raw, offset) => eventOf(offset, offset, { raw }));
  const outcome = await store.flush(flushOf({ events, at: RECORDS.length }));
  expect(outcome).toEqual({ kind: "applied" });
}

promise(
  "pages of any size hold every event once, newest first, also where times are equal over partitions",
  async (store) => {
    const random = randomFrom(3);
    const positions: Position[] = [];
    for (const partition of [0, 1, 2, 10]) {
      // Four times for 60 events: most are equal, within partitions and across.
      const events = Array.from({ length: 60 }, (_, offset) => eventOf(offset, Math.floor(random() * 4)));
      positions.push(...events.map(({ micros, offset }): Position => [micros, partition, offset]));
      await store.flush(flushOf({ partition, events: events.slice(0, 30), at: 30 }));
      await store.flush(flushOf({ partition, events: events.slice(30), expectCheckpoint: 30, at: 60 }));
    }
    positions.sort(newestFirst);
    for (const limit of [7, 60, 120, 240, 1000]) {
      const found = await allPages(store, query({ limit }));
      expect(found.map(positionOf)).toEqual(positions);
    }
    const range = { fromMs: START_MS + 1, toMs: START_MS + 3 };
    const within = positions.filter(([micros]) => micros >= range.fromMs * 1000 && micros < range.toMs * 1000);
    expect(within.length).toBeGreaterThan(0);
    expect((await allPages(store, query({ range, limit: 11 }))).map(positionOf)).toEqual(within);
  },
);

promise("events that come in while pages are read neither repeat nor hide one that was there", async (store) => {
  const times = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => eventOf(from + i, (i * 7) % 10));
  const first = times(40, 0);
  await store.flush(flushOf({ events: first, at: 40 }));
  const found = await allPages(store, query({ limit: 6 }), async (page) => {
    const outcome = await store.flush(flushOf({ partition: page + 1, events: times(10, 0) }));
    expect(outcome).toEqual({ kind: "applied" });
  });
  const keys = found.map((event) => positionOf(event).join("/"));
  expect(new Set(keys).size).toBe(keys.length);
  expect(found.filter(({ partition }) => partition === 0)).toHaveLength(40);
  expect(found.map(positionOf)).toEqual(found.map(positionOf).sort(newestFirst));
});

promise("a page may begin after a position that no event has", async (store) => {
  await store.flush(flushOf({ events: [0, 1, 2, 3].map((offset) => eventOf(offset, offset)) }));
  const after = { timestampMicros: (START_MS + 2) * 1000 - 1, partition: 5, offset: 77 };
  expect((await store.events(query({ after }))).map(({ offset }) => offset)).toEqual([1, 0]);
  expect(await store.events(query({ after: { timestampMicros: -1e15, partition: 0, offset: 0 } }))).toEqual([]);
  expect(await store.events(query({ limit: 0 }))).toEqual([]);
});

promise("ranges of events are half-open, to the microsecond", async (store) => {
  const micros = [-1, 0, 1, 999, 1000].map((plus) => START_MS * 1000 + plus);
  await store.flush(flushOf({ events: micros.map((at, offset) => eventOf(offset, 0, { micros: at })) }));
  const found = async (fromMs: number, toMs: number) =>
    (await store.events(query({ range: { fromMs, toMs } }))).map(({ offset }) => offset).reverse();
  expect(await found(START_MS, START_MS + 1)).toEqual([1, 2, 3]);
  expect(await found(START_MS + 1, START_MS + 2)).toEqual([4]);
  expect(await found(START_MS, START_MS)).toEqual([]);
  expect(await found(START_MS + 1, START_MS)).toEqual([]);
  expect(await found(-8.64e15, 8.64e15)).toEqual([0, 1, 2, 3, 4]);
});

promise("records come back byte for byte, UTF-8 or not", async (store) => {
  await storeRecords(store);
  const found = await store.events(query());
  expect(found.length).toBe(RECORDS.length);
  for (const { offset, raw } of found) {
    expect({ offset, isSame: equalBytes(raw, RECORDS[offset]) }).toEqual({ offset, isSame: true });
  }
});

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

promise("search finds text in any case, and takes no character for more than itself", async (store) => {
  await storeRecords(store);
  const found = async (text: string) => (await store.events(query({ text }))).map(({ offset }) => offset).reverse();
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["order 17", [0]],
    ["oRDER 17 OF zürich", [0]],
    ["sure", [1, 2]],
    ["100%", [1]],
    ["e_t", [1]],
    ["%", [1, 7]],
    ["nul\0inside", [3]],
    ["nul%inside", []],
    ["nul", [3]],
    ["' and \" and `", [4]],
    ["'; --", []],
    ["back\\slash", [5]],
    ["\\slash", [5]],
    ["\\\\slash", []],
    ["BAD", [6]],
    ["zz", [6]],
    ["line\r\nbreak\ttab", [9]],
    ["\u{1F600}", [10]],
    ["ελλάδα", [10]],
    ["STRAßE", [10]],
    ["marked", [8]],
    ["needle", [12]],
    ["xend", [12]],
    ["", RECORDS.map((_, i) => i)],
    ["no such text", []],
  ];
  for (const [text, offsets] of cases) expect([text, await found(text)]).toEqual([text, offsets]);
});

promise("search, conditions and range hold together, and are paged as well", async (store) => {
  const events: TestEvent[] = Array.from({ length: 90 }, (_, offset) =>
    eventOf(offset, offset % 9, {
      fields: {
        level: offset % 2 === 0 ? "ERROR" : "INFO",
        message: `m_${offset % 5}`,
        ...(offset % 3 === 0 && { user: "" }),
      },
      raw: encoder.encode(offset % 4 === 0 ? `Has Needle ${offset}` : `nothing ${offset}`),
    }));
  await store.flush(flushOf({ events, at: 90 }));
  const asked = query({
    text: "needle",
    range: { fromMs: START_MS + 1, toMs: START_MS + 8 },
    where: [
      { field: "message", op: "prefix", values: ["m_1", "m_2", "m_3", "M_4"] },
      { field: "level", op: "in", values: ["ERROR"] },
      { field: "message", op: "not_in", values: ["m_2"] },
    ],
    limit: 2,
  });
  const isMeant = (offset: number) =>
    offset % 4 === 0 && offset % 9 >= 1 && offset % 9 < 8 && [1, 3].includes(offset % 5);
  const wanted = events.filter(({ offset }) => isMeant(offset))
    .map(({ micros, offset }): Position => [micros, 0, offset]).sort(newestFirst);
  expect(wanted.length).toBeGreaterThan(4);
  expect((await allPages(store, asked)).map(positionOf)).toEqual(wanted);
  // An absent field and an empty one are the same to a condition.
  const absent = await store.events(query({ where: [{ field: "user", op: "in", values: [""] }] }));
  expect(absent).toHaveLength(90);
  expect(await store.events(query({ where: [{ field: "user", op: "not_in", values: [""] }] }))).toEqual([]);
  expect(await store.events(query({ topicId: "other" }))).toEqual([]);
});

/** All pages of quarantine. */
async function allQuarantine(store: Store, limit: number, reason?: string): Promise<QuarantineRecord[]> {
  const found: QuarantineRecord[] = [];
  for (;;) {
    const page = await store.quarantine({ topicId: TOPIC, range: EVER, limit, reason, after: found.at(-1) });
    found.push(...page);
    if (page.length < limit) return found;
  }
}

promise("quarantine keeps every byte, and is paged newest first without gap or repetition", async (store) => {
  const reasons = ["no_match", "too_large", 'it\'s "odd"\0'];
  const sent = [0, 1, 2].flatMap((partition) =>
    [...RECORDS, ...RECORDS].map((raw, offset) => ({
      partition,
      offset,
      recordTimeMs: START_MS + offset % 3,
      reason: reasons[offset % 3],
      raw,
    }))
  );
  for (const partition of [0, 1, 2]) {
    const quarantine = sent.filter((record) => record.partition === partition);
    expect(await store.flush(flushOf({ partition, quarantine, at: 100 }))).toEqual({ kind: "applied" });
  }
  const order = (records: readonly QuarantineRecord[]) =>
    records.map(({ recordTimeMs, partition, offset }): Position => [recordTimeMs, partition, offset]);
  const wanted = order(sent).sort(newestFirst);
  for (const limit of [4, 26, 1000]) {
    const found = await allQuarantine(store, limit);
    expect(order(found)).toEqual(wanted);
    for (const { raw, offset, reason } of found) {
      const isSame = equalBytes(raw, RECORDS[offset % RECORDS.length]);
      expect({ offset, reason, isSame }).toEqual({ offset, reason: reasons[offset % 3], isSame: true });
    }
  }
  for (const reason of reasons) {
    const found = await allQuarantine(store, 5, reason);
    expect(order(found)).toEqual(order(sent.filter((record) => record.reason === reason)).sort(newestFirst));
  }
  const range = { fromMs: START_MS + 1, toMs: START_MS + 2 };
  const second = await store.quarantine({ topicId: TOPIC, range, limit: 1000 });
  expect(new Set(second.map(({ recordTimeMs }) => recordTimeMs))).toEqual(new Set([START_MS + 1]));
  expect(second).toHaveLength(sent.length - sent.filter(({ offset }) => offset % 3 !== 1).length);
  expect(await store.quarantine({ topicId: "other", range: EVER, limit: 10 })).toEqual([]);
});
