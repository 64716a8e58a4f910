/** Fetch responses made by hand, after https://kafka.apache.org/protocol.html#The_Messages_Fetch */
import { expect } from "expect";
import {
  type AbortedTransaction,
  type FetchedPartition,
  readableBatches,
  readFetchResponse,
} from "./kafka_fetch_response.ts";
import { CorruptBatch, setBaseOffset } from "./record_batch.ts";
import { crc32c } from "./crc32c.ts";
import { batchOf, recordsOf } from "./test_batches.ts";

const int = (value: number | bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number(BigInt.asUintN(8, BigInt(value) >> BigInt(8 * (bytes - 1 - i)))));
/** As compact lengths have it: one more, 7 bits a byte. */
function compact(length: number): number[] {
  const bytes: number[] = [];
  let rest = length + 1;
  for (; rest > 127; rest >>= 7) bytes.push(rest & 127 | 128);
  return [...bytes, rest];
}
const NO_TAGS = [0];
/** One tagged field that no version knows yet: number 200, three bytes. */
const NEW_TAG = [1, 200, 1, 3, 7, 7, 7];
const TOPIC = Array.from({ length: 16 }, (_, i) => 16 * i + i);

interface Part {
  readonly partition: number;
  readonly errorCode?: number;
  readonly stable?: number;
  readonly start?: number;
  /** Null, not empty, where nothing was aborted. */
  readonly aborted?: readonly AbortedTransaction[] | null;
  readonly records?: Uint8Array | null;
  readonly tags?: readonly number[];
}

function partOf(
  { partition, errorCode = 0, stable = 0, start = 0, aborted = [], records = new Uint8Array(0), tags = NO_TAGS }: Part,
) {
  return [
    ...int(partition, 4),
    ...int(errorCode, 2),
    ...int(stable + 7, 8),
    ...int(stable, 8),
    ...int(start, 8),
    ...(aborted === null ? [0] : compact(aborted.length)),
    ...(aborted ?? []).flatMap((
      { producerId, firstOffset },
    ) => [...int(producerId, 8), ...int(firstOffset, 8), ...NO_TAGS]),
    ...int(-1, 4),
    ...(records === null ? [0] : [...compact(records.length), ...records]),
    ...tags,
  ];
}

const responseOf = (parts: readonly Part[], throttleMs = 0, errorCode = 0, tags: readonly number[] = NO_TAGS) =>
  Uint8Array.from([
    ...int(throttleMs, 4),
    ...int(errorCode, 2),
    ...int(0, 4),
    ...compact(1),
    ...TOPIC,
    ...compact(parts.length),
    ...parts.flatMap(partOf),
    ...tags,
    ...tags,
  ]);

const encoder = new TextEncoder();

/** A batch at `offset`; of a producer's transaction where one is given. */
function batch(offset: number, values: readonly string[], producerId?: bigint): Uint8Array {
  const { bytes } = batchOf(...values);
  setBaseOffset(bytes, offset);
  if (producerId !== undefined) stamp(bytes, 0x10, producerId);
  return bytes;
}

/** Control record that ends a producer's transaction: 0 aborts it, 1 commits it. */
function marker(offset: number, producerId: bigint, type: 0 | 1): Uint8Array {
  // Attributes, two deltas of 0, key length 4, version 0 and the type; value length 6: version and coordinator epoch.
  const record = [0, 0, 0, 8, 0, 0, 0, type, 12, 0, 0, 0, 0, 0, 0, 0];
  const { bytes } = batchOf("x");
  const made = Uint8Array.from([...bytes.subarray(0, 61), 2 * record.length, ...record]);
  made.set(int(made.length - 12, 4), 8);
  setBaseOffset(made, offset);
  stamp(made, 0x30, producerId);
  return made;
}

function stamp(bytes: Uint8Array, attributes: number, producerId: bigint): void {
  bytes[22] = attributes;
  bytes.set(int(producerId, 8), 43);
  bytes.set(int(crc32c(bytes.subarray(21)), 4), 17);
}

const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

const fetched = (records: Uint8Array, aborted: readonly AbortedTransaction[] = []): FetchedPartition => ({
  topicId: "",
  partition: 0,
  errorCode: 0,
  lastStableOffset: 1000,
  logStart: 0,
  aborted,
  records,
});

/** The values that may be read from `offset` on, and where the next fetch goes on. */
function readable(from: FetchedPartition, offset = 0) {
  const { bytes, next } = readableBatches(from, offset);
  const values = recordsOf(bytes).filter((record) => record.offset >= offset)
    .map(({ value }) => new TextDecoder().decode(value ?? undefined));
  return { values, next };
}

Deno.test("every field is read where the protocol has it, errors a partition by a partition", () => {
  const records = encoder.encode("stands for batches".repeat(20));
  const { throttleMs, errorCode, partitions } = readFetchResponse(responseOf([
    { partition: 3, stable: 2 ** 40, start: 17, records, aborted: [{ producerId: 2n ** 60n, firstOffset: 5 }] },
    { partition: 0, errorCode: 6, stable: -1, start: -1 },
    { partition: 300, errorCode: 1, aborted: null, records: null },
  ], 250));
  expect({ throttleMs, errorCode }).toEqual({ throttleMs: 250, errorCode: 0 });
  const topicId = "00112233-4455-6677-8899-aabbccddeeff";
  expect(partitions).toEqual([
    {
      topicId,
      partition: 3,
      errorCode: 0,
      lastStableOffset: 2 ** 40,
      logStart: 17,
      aborted: [{ producerId: 2n ** 60n, firstOffset: 5 }],
      records,
    },
    {
      topicId,
      partition: 0,
      errorCode: 6,
      lastStableOffset: -1,
      logStart: -1,
      aborted: [],
      records: new Uint8Array(0),
    },
    {
      topicId,
      partition: 300,
      errorCode: 1,
      lastStableOffset: 0,
      logStart: 0,
      aborted: [],
      records: new Uint8Array(0),
    },
  ]);
});

Deno.test("fields that a newer broker adds are passed over", () => {
  const parts = [{ partition: 1, stable: 9, tags: NEW_TAG }, { partition: 2, stable: 8 }];
  expect(readFetchResponse(responseOf(parts, 0, 0, NEW_TAG)).partitions.map(({ lastStableOffset }) => lastStableOffset))
    .toEqual([9, 8]);
});

Deno.test("an answer to the whole request is read", () => {
  expect(readFetchResponse(responseOf([], 0, 70)).errorCode).toBe(70);
});

Deno.test("bytes that end too early, or name lengths beyond them, are refused", () => {
  const whole = responseOf([{ partition: 3, records: encoder.encode("records") }]);
  // The tags at the very end are not looked at.
  for (let length = 0; length < whole.length - 1; length++) {
    expect(() => readFetchResponse(whole.subarray(0, length))).toThrow(RangeError);
  }
});

Deno.test("a last batch that is cut short is left for the next fetch, wherever it is cut", () => {
  const first = batch(0, ["a", "b"]);
  const second = batch(2, ["c"]);
  for (let length = 0; length < second.length; length++) {
    expect(readable(fetched(joined(first, second.subarray(0, length))))).toEqual({ values: ["a", "b"], next: 2 });
  }
  expect(readable(fetched(joined(first, second)))).toEqual({ values: ["a", "b", "c"], next: 3 });
});

Deno.test("where a whole batch must be and is none, that is told with its offset", () => {
  const cut = batch(7, ["a"]).subarray(0, -1);
  const wrong = batch(7, ["a"]);
  wrong[16] = 1;
  for (const records of [cut, cut.subarray(0, 10), wrong]) {
    const error: unknown = (() => {
      try {
        return readableBatches(fetched(records), 7);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(CorruptBatch);
    expect(error).toMatchObject({ offset: 7 });
  }
  // What comes before it is not lost.
  expect(readable(fetched(joined(batch(6, ["good"]), wrong)), 6)).toEqual({ values: ["good"], next: 7 });
});

Deno.test("batches from before the offset are left out, but for the one that holds it", () => {
  const records = () => joined(batch(0, ["a"]), batch(1, ["b", "c"]), batch(3, ["d"]));
  expect(readable(fetched(records()), 2)).toEqual({ values: ["c", "d"], next: 4 });
  expect(recordsOf(readableBatches(fetched(records()), 2).bytes).map(({ offset }) => offset)).toEqual([1, 2, 3]);
});

Deno.test("an aborted transaction is left out from its first offset to its marker, and no other", () => {
  const records = joined(
    batch(0, ["plain 0"]),
    batch(1, ["lost 1"], 7n),
    batch(2, ["kept 2"], 8n),
    batch(3, ["lost 3"], 7n),
    batch(4, ["plain 4"]),
    marker(5, 7n, 0),
    batch(6, ["kept 6"], 7n),
    marker(7, 8n, 1),
    marker(8, 7n, 1),
  );
  expect(readable(fetched(records, [{ producerId: 7n, firstOffset: 1 }]))).toEqual({
    values: ["plain 0", "kept 2", "plain 4", "kept 6"],
    next: 9,
  });
});

Deno.test("of one producer's two aborted transactions both are left out, and what is between them is not", () => {
  const records = joined(
    batch(0, ["lost"], 7n),
    marker(1, 7n, 0),
    batch(2, ["kept"], 7n),
    marker(3, 7n, 1),
    batch(4, ["lost too"], 7n),
    marker(5, 7n, 0),
  );
  const aborted = [{ producerId: 7n, firstOffset: 4 }, { producerId: 7n, firstOffset: 0 }];
  expect(readable(fetched(records, aborted))).toEqual({ values: ["kept"], next: 6 });
});

Deno.test("transactions that began before the fetch, or end after it, are left out as well", () => {
  const aborted = [{ producerId: 7n, firstOffset: 2 }, { producerId: 9n, firstOffset: 3 }];
  const records = joined(batch(50, ["a"], 9n), batch(51, ["b"], 7n), batch(52, ["kept"], 8n), batch(53, ["c"], 7n));
  expect(readable(fetched(records, aborted), 50)).toEqual({ values: ["kept"], next: 54 });
});

Deno.test("records without a transaction are kept, whatever their producer's transactions became", () => {
  const records = joined(batch(0, ["lost"], 7n), batch(1, ["plain"]));
  records.set(int(7n, 8), 43 + batch(0, ["lost"]).length);
  expect(readable(fetched(records, [{ producerId: 7n, firstOffset: 0 }]))).toEqual({ values: ["plain"], next: 2 });
});

Deno.test("a header that names a wrong end does not take along what follows, nor go beyond the partition's end", () => {
  const spoilt = batch(1, ["a"]);
  spoilt.set(int(500, 4), 23);
  const between = fetched(joined(batch(0, ["x"]), spoilt, batch(2, ["b"])));
  expect(readableBatches(between, 0).next).toBe(3);
  const last = { ...fetched(joined(batch(0, ["x"]), spoilt)), lastStableOffset: 2 };
  expect(readableBatches(last, 0).next).toBe(2);
});
